/** How long work on the event loop goes on in one piece (ms). */
const sliceMs = 2;

const waiting: (() => void)[] = [];

/** When the event loop had its turn last, as far as is known here. */
let turned = Number.NEGATIVE_INFINITY;

function serve(): void {
  turned = performance.now();
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(serve);
}

/**
 * Lets the event loop do what else there is. Of all who wait, one goes on each time round, so that the pauses of
 * several trainings in one process don't add up.
 */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(serve);
  });
}

/** Work in pieces of well below a millisecond: it yields between them, and returns its result. */
export type Pieces<T> = Generator<undefined, T, undefined>;

/**
 * Does work in slices, between which the event loop has its turn.
 *
 * @param signal Ends the work: it rejects with the signal's reason.
 */
export async function inSlices<T>(work: Pieces<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  for (;;) {
    const piece = work.next();
    if (piece.done) return piece.value;
    // Work that was done before this, and that of others, counts too.
    if (performance.now() - turned < sliceMs) continue;
    await eventLoopTurn();
    signal?.throwIfAborted();
  }
}

/** Lets the event loop have its turn where a slice is over; for work that is awaited piece by piece. */
export async function endOfPiece(signal?: AbortSignal): Promise<void> {
  if (performance.now() - turned < sliceMs) return;
  await eventLoopTurn();
  signal?.throwIfAborted();
}

/** Does work without a pause. */
export function atOnce<T>(work: Pieces<T>): T {
  for (;;) {
    const piece = work.next();
    if (piece.done) return piece.value;
  }
}

/** What is made in pieces by whoever needs it first: in slices, or at once. */
export class InPieces<T> {
  readonly #work: Pieces<T> | undefined;
  #outcome: { value: T } | { error: unknown } | undefined;

  /** @param work The work, or what is there already. */
  constructor(work: Pieces<T> | { readonly value: T }) {
    if ("value" in work) this.#outcome = work;
    else this.#work = work;
  }

  /** Whether it is made, or making it failed. */
  get isMade(): boolean {
    return this.#outcome !== undefined;
  }

  /** What is made, if it is. */
  get made(): T | undefined {
    return this.#outcome !== undefined && "value" in this.#outcome ? this.#outcome.value : undefined;
  }

  /** The rest of the work, whoever has begun it. */
  *rest(): Pieces<T> {
    while (this.#outcome === undefined) {
      try {
        const piece = (this.#work as Pieces<T>).next();
        if (piece.done) this.#outcome = { value: piece.value };
        else yield;
      } catch (error) {
        this.#outcome = { error };
      }
    }
    if ("error" in this.#outcome) throw this.#outcome.error;
    return this.#outcome.value;
  }

  /** What is made, at once. */
  now(): T {
    return atOnce(this.rest());
  }

  /** What is made, in slices; see {@link inSlices}. */
  inSlices(signal?: AbortSignal): Promise<T> {
    return inSlices(this.rest(), signal);
  }
}
