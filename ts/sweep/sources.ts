import type { Claim } from "../files/claims.js";
import type { SweepFolder } from "./folder.js";
import type { SweepPoint } from "./grid.js";
import { type Candidate, promotable } from "./halving.js";
import type { SweepRun } from "./results.js";

/** Who proposes what to train next, by what came of those before: an optimizer. */
export interface SweepProposals {
  /** The next training; nothing at the end. It is asked again before those that it proposed are over. */
  ask(): SweepPoint | undefined | Promise<SweepPoint | undefined>;
  /** Told of every training that has ended. */
  tell?(run: SweepRun): void | Promise<void>;
}

/** A training to be done. */
export interface Job {
  point: SweepPoint;
  /** Training iterations after which it pauses; none where it is trained to its end. */
  until?: number;
  claim?: Claim;
}

/** Where a sweep's trainings come from. */
export interface Source {
  /** The next training, as soon as there is one; nothing at the end. */
  next(): Promise<Job | undefined>;
  /** Takes notice of what came of it. */
  told(point: SweepPoint, run: SweepRun): void | Promise<void>;
}

/** What a source is told besides. */
interface Surroundings {
  signal: AbortSignal | undefined;
  /** Called for each training that is over and was not told of, done by somebody else if `resumed`. */
  found(point: SweepPoint, run: SweepRun, resumed: boolean): void;
}

/** How often one looks what others have done (ms). */
const pause = 500;

function waited(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, pause);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Calls that follow each other, however many wait. */
function inTurn<T>(work: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    const next = last.then(work, work);
    last = next;
    return next;
  };
}

/** Claims a training, unless somebody else has it or has just ended it. */
function claimed(folder: SweepFolder, point: SweepPoint): Claim | undefined {
  const claim = folder.claim(point);
  if (claim === undefined) return undefined;
  const run = folder.read(point);
  if (run === undefined || run.status === "pruned") return claim;
  claim.release();
  return undefined;
}

/** All points of a grid, each done by one of the processes that share the folder. */
export function gridSource(
  points: readonly SweepPoint[],
  folder: SweepFolder | undefined,
  { signal, found }: Surroundings,
): Source {
  const left = new Set(points);
  const look = async (): Promise<Job | undefined> => {
    for (;;) {
      signal?.throwIfAborted();
      for (const point of left) {
        const run = folder?.read(point);
        if (run !== undefined && run.status !== "pruned") {
          left.delete(point);
          found(point, run, true);
          continue;
        }
        const claim = folder && claimed(folder, point);
        if (folder !== undefined && claim === undefined) continue;
        left.delete(point);
        return { point, ...(claim && { claim }) };
      }
      // What is left is done by others, or will be done here if they end before.
      if (left.size === 0) return undefined;
      await waited(signal);
    }
  };
  return { next: inTurn(look), told: () => {} };
}

/** What an optimizer proposes. */
export function proposalSource(
  proposals: SweepProposals,
  folder: SweepFolder | undefined,
  { signal, found, check }: Surroundings & { check(point: SweepPoint): SweepPoint },
): Source {
  const ask = inTurn(async () => proposals.ask());
  const told = async (_: SweepPoint, run: SweepRun) => proposals.tell?.(run);
  return {
    told,
    async next() {
      for (;;) {
        const proposed = await ask();
        if (proposed === undefined) return undefined;
        const point = check(proposed);
        for (;;) {
          const run = folder?.read(point);
          if (run !== undefined && run.status !== "pruned") {
            found(point, run, true);
            await told(point, run);
            break;
          }
          const claim = folder && claimed(folder, point);
          if (folder === undefined || claim !== undefined) return { point, ...(claim && { claim }) };
          await waited(signal);
        }
      }
    },
  };
}

/** Points of a grid, of which only those that do well are trained to the end. */
export function halvingSource(
  points: readonly SweepPoint[],
  folder: SweepFolder,
  { rungs, reduction, signal, found }: Surroundings & { rungs: readonly number[]; reduction: number },
): Source {
  const working = new Set<SweepPoint>();
  const over = new Set<SweepPoint>();
  /** Those that this process has trained as far as they went. */
  const own = new Set<SweepPoint>();
  let isOver = false;
  // Nobody worked at the last look, so that nobody is to be waited for.
  let isQuiet = false;
  const look = async (): Promise<Job | undefined> => {
    for (;;) {
      signal?.throwIfAborted();
      const candidates: Candidate[] = [];
      const fresh: SweepPoint[] = [];
      for (const point of points) {
        const run = folder.read(point);
        if (run === undefined) fresh.push(point);
        else {
          const isPaused = run.status === "pruned";
          candidates.push({ point, isPaused, ...(run.summary && { summary: run.summary }) });
          if (isPaused || over.has(point) || working.has(point)) continue;
          over.add(point);
          found(point, run, true);
        }
      }
      const wanted = [
        // Where all have come as far as they do, the best of each rung goes on, however few have reached it.
        ...promotable(candidates, rungs, reduction, isQuiet && fresh.length === 0 ? 1 : 0),
        ...fresh.map((point) => ({ point, rung: 0 })),
      ].filter(({ point }) => !working.has(point));
      for (const { point, rung } of wanted) {
        const claim = claimed(folder, point);
        if (claim === undefined) continue;
        working.add(point);
        own.add(point);
        isQuiet = false;
        const until = rungs[rung];
        return { point, claim, ...(until !== undefined && { until }) };
      }
      // As long as somebody works, somebody may be let go on.
      const isIdle = working.size === 0 && !points.some((point) => folder.isClaimed(point));
      if (isIdle && !isQuiet && !isOver) {
        // Others may have ended theirs since the folder was read: it is read once more.
        isQuiet = true;
        continue;
      }
      if (isIdle) {
        for (const { point, isPaused } of isOver ? [] : candidates) {
          const run = folder.read(point);
          if (isPaused && run !== undefined) found(point, run, !own.has(point));
        }
        isOver = true;
        return undefined;
      }
      isQuiet = false;
      await waited(signal);
    }
  };
  return {
    next: inTurn(look),
    told(point, run) {
      working.delete(point);
      if (run.status !== "pruned") over.add(point);
    },
  };
}
