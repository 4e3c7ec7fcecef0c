import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { WorkerAnswer, WorkerOrder } from "./worker.js";

/** Lines of standard error that are shown of a process that failed. */
const shownLines = 5;

/** Time that an iteration may take beyond a training's limit before its process is ended (ms). */
const grace = 30_000;

/** Does a training in a process of its own. */
export function inWorker(order: WorkerOrder, signal: AbortSignal | undefined): Promise<WorkerAnswer> {
  const { training, timeLimit } = order;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = fork(fileURLToPath(new URL("worker.js", import.meta.url)), {
      env: { ...process.env, EPROP_THREADS: String(training.threads) },
      // Losses that are no numbers stay what they are.
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let answer: WorkerAnswer | undefined;
    let errors = "";
    const stop = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", stop, { once: true });
    const late = () => {
      answer ??= { failure: `it took longer than the time limit of ${Number(timeLimit) / 1000} s` };
      stop();
    };
    const timer = timeLimit === undefined ? undefined : setTimeout(late, timeLimit + grace);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      errors = `${errors}${text}`.split("\n").slice(-shownLines).join("\n");
    });
    child.on("message", (message) => (answer = message as WorkerAnswer));
    child.on("error", (error) => (answer ??= { failure: `the process cannot be started: ${error.message}` }));
    child.on("close", (code, killed) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) return reject(signal.reason);
      const end = killed === null ? `ended with code ${code}` : `was killed by ${killed}`;
      resolve(answer ?? { failure: [`the process ${end}`, errors.trim()].filter(Boolean).join(": ") });
    });
    child.send(order, () => {
      // Where that failed the process has ended, which says more.
    });
  });
}
