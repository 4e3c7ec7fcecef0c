import { Stopped, isStop } from "./output.js";

/**
 * Signals that stop a command. `SIGUSR2` is one that launchers of ranks pass on without ending the ranks themselves soon
 * after. Windows does not know it, and it never comes.
 */
export const stopSignals = ["SIGINT", "SIGTERM", "SIGUSR2"] as const;

/**
 * Does work that a signal stops ({@link stopSignals}), once, through the signal that it is given.
 *
 * @param goesOn Whether the same command goes on with what was stopped.
 */
export async function untilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
  goesOn = false,
): Promise<T> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  for (const name of stopSignals) process.once(name, interrupt);
  try {
    return await work(stop.signal);
  } catch (error) {
    throw goesOn && isStop(error) ? new Stopped("to go on, run the same command again") : error;
  } finally {
    for (const name of stopSignals) process.off(name, interrupt);
  }
}
