/** A task and a loop over its iterations. */
import { tasks, train } from "eprop";

const stop = AbortSignal.timeout(60_000);
for await (const { iteration, phase, loss, error } of train(tasks.evidenceAccumulation({ seed: 1 }), {
  signal: stop,
})) {
  console.log(iteration, phase, loss.toFixed(4), error?.toFixed(3));
}
