import { given, whole } from "./arguments.js";
import { guarded } from "./errors.js";
import { setThreadBudget as set, threadBudget as get } from "../native/index.js";

/**
 * Threads that all kernels of this process may compute with, together: those of its worker threads too. What the
 * environment variable `EPROP_THREADS` says, else the number of processors.
 *
 * A kernel's `local_num_threads` says how many of them one simulation may use. Neither changes a bit of the results.
 *
 * @throws {@link NESTError} if `EPROP_THREADS` is no number of threads.
 */
export function threadBudget(): number {
  return guarded(() => get());
}

/**
 * Sets the number of threads that all kernels of this process may compute with, together.
 *
 * @param threads A whole number from 1 to 1024.
 */
export function setThreadBudget(threads: number): void {
  const count = given("threads", threads, whole(1, 1024));
  guarded(() => set(count));
}
