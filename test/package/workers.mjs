// Starts the given files as workers, all at once, and prints what they answer.
import { Worker } from "node:worker_threads";

const answers = process.argv.slice(2).map(
  (file) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(file);
      worker.once("message", resolve);
      worker.once("error", reject);
    }),
);
console.log(JSON.stringify(await Promise.all(answers)));
