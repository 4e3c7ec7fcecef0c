import { mean } from "../core/statistics.js";
import { many } from "../core/words.js";
import { runSummary, summaryDiverged } from "../runs/summary.js";
import type { Iteration } from "../training/iteration.js";
import type { TrainingResult } from "../training/result.js";

const digits = (value: number | undefined) => value?.toPrecision(6);

/** The means over a phase's iterations, as the report has them. */
function meansOf(iterations: readonly Iteration[]): string {
  const errors = iterations.flatMap(({ error }) => error ?? []);
  const loss = digits(mean(iterations.map((iteration) => iteration.loss)));
  return errors.length === 0 ? `loss ${loss}` : `loss ${loss}, error ${mean(errors).toFixed(3)}`;
}

/** What came of a training, in a line: losses of training iterations, and those of the test apart. */
export function outcomeLine(result: TrainingResult): string {
  const { iterations, task, msPerIteration } = result;
  const of = (phase: Iteration["phase"]) => iterations.filter((iteration) => iteration.phase === phase);
  const [training, test] = [of("training"), of("test")];
  const parts = [
    training.length === 0
      ? "no training iteration"
      : `${training.length < iterations.length ? "training loss" : "loss"} ${digits(training[0]?.loss)} → ` +
        `${digits(training.at(-1)?.loss)} in ${many(training.length, "iteration")}`,
    ...(test.length > 0 ? [`test ${meansOf(test)}`] : []),
    `${msPerIteration.toFixed(2)} ms per iteration`,
  ];
  const diverged =
    iterations.length > 0 && summaryDiverged(runSummary(result)) ? "the training diverged: " : "";
  return `${task.name}: ${diverged}${parts.join("; ")}`;
}
