import { Stopped, isStop } from "./output.js";

/**
 * Does work that Ctrl-C and `SIGTERM` stop, once, through the signal that it is given.
 *
 * @param goesOn Whether the same command goes on with what was stopped.
 */
export async function untilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
  goesOn = false,
): Promise<T> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    return await work(stop.signal);
  } catch (error) {
    throw goesOn && isStop(error) ? new Stopped("to go on, run the same command again") : error;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}
