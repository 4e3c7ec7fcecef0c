/** How long work on the event loop goes on in one piece (ms). */
const sliceMs = 3;

const waiting: (() => void)[] = [];

function serve(): void {
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
  let since = performance.now();
  for (;;) {
    const piece = work.next();
    if (piece.done) return piece.value;
    if (performance.now() - since < sliceMs) continue;
    await eventLoopTurn();
    signal?.throwIfAborted();
    since = performance.now();
  }
}

/** Does work without a pause. */
export function atOnce<T>(work: Pieces<T>): T {
  for (;;) {
    const piece = work.next();
    if (piece.done) return piece.value;
  }
}
