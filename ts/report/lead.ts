import { many } from "../core/words.js";
import { type RunData, type When, batchEvents, onset, sequenceDuration } from "../figures/run-data.js";
import { type RunSummary, lossesOf, summaryDiverged } from "../runs/summary.js";
import { digits } from "./markup.js";

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The mean error of a phase's iterations, and how many they are; undefined where there are none. */
export function phaseError(
  { results }: RunSummary,
  phase: string,
): { mean: number; count: number } | undefined {
  const errors = results?.error.filter((_, at) => results.label[at] === phase) ?? [];
  return errors.length === 0 ? undefined : { mean: sum(errors) / errors.length, count: errors.length };
}

/** The loss of training iterations: the first, the smallest, the last; and how many they are. */
export function trainingLosses(summary: RunSummary): {
  first: number;
  least: number;
  last: number;
  count: number;
} {
  const training = lossesOf(summary, "training");
  const losses = training.length > 0 ? training : summary.loss;
  return {
    first: losses[0] ?? Number.NaN,
    least: Math.min(...losses),
    last: losses.at(-1) ?? Number.NaN,
    count: losses.length,
  };
}

/** Wilson's 95 % interval of a share that was observed in so many trials. */
export function shareInterval(share: number, trials: number): [number, number] {
  const z2 = 1.959964 ** 2;
  const middle = (share + z2 / (2 * trials)) / (1 + z2 / trials);
  const half =
    (Math.sqrt(z2) / (1 + z2 / trials)) * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/**
 * The share of the targets' variance that the readouts of an iteration explain where errors count: 1 − Σ (y − y*)² / Σ
 * (y* − mean)², all readouts together. 0 is what readouts reach that know nothing but their targets' means. Undefined
 * where it was not recorded, or targets are constant.
 */
export function explainedVariance(run: RunData, when: When): number | undefined {
  const { timing } = run.summary;
  const events = batchEvents(run, "readouts", when);
  const { readout_signal: readout, target_signal: target } = events?.values ?? {};
  if (events === undefined || readout === undefined || target === undefined) return undefined;
  const skipped = Math.max(onset.readouts, timing.steps - timing.learningWindow) * timing.resolution;
  const duration = sequenceDuration(run);
  const rows = Array.from(events.times.keys()).filter((row) => {
    const inSequence = ((events.times[row] as number) - 1e-9) % duration;
    return inSequence > skipped;
  });
  let [errors, variance] = [0, 0];
  for (const sender of new Set(events.senders)) {
    const own = rows.filter((row) => events.senders[row] === sender);
    const mean = sum(own.map((row) => target[row] as number)) / own.length;
    for (const row of own) {
      errors += ((readout[row] as number) - (target[row] as number)) ** 2;
      variance += ((target[row] as number) - mean) ** 2;
    }
  }
  return variance > 0 ? 1 - errors / variance : undefined;
}

const percent = (share: number) => `${digits(100 * share, share > 0.99 && share < 1 ? 4 : 3)} %`;

function classificationLead(summary: RunSummary): string {
  const phase = ["test", "validation", "training"].find((name) => phaseError(summary, name) !== undefined);
  const { network, timing, results } = summary;
  const errors = results?.error.filter((_, at) => results.label[at] === phase) ?? [];
  // While weights change, the last iterations say how far it has come.
  const counted = phase === "training" ? errors.slice(-10) : errors;
  const trials = counted.length * timing.batchSize;
  const right = 1 - sum(counted) / counted.length;
  const chance = 1 / network.readouts;
  if (!Number.isFinite(right)) return "Nothing was learned: errors are not numbers.";
  const [low, high] = shareInterval(right, trials);
  const verdict =
    low > chance
      ? `chance is ${percent(chance)}`
      : high < chance
        ? `this is below chance, ${percent(chance)}`
        : `this cannot be distinguished from chance, ${percent(chance)}`;
  const of = phase === "training" ? `the last ${trials} training` : `${trials} ${phase}`;
  return (
    `${percent(right)} of ${of} ${trials === 1 ? "sequence was" : "sequences were"} classified correctly ` +
    `(95 % interval: ${percent(low)} to ${percent(high)}); ${verdict}.`
  );
}

function regressionLead(run: RunData): string {
  const { summary } = run;
  const { first, last, count } = trainingLosses(summary);
  const trained = many(count, "iteration");
  const losses = `the loss went from ${digits(first, 4)} to ${digits(last, 4)}`;
  const [before, after] = [explainedVariance(run, "first"), explainedVariance(run, "last")];
  if (after === undefined || !Number.isFinite(after)) {
    const part = last / first;
    return `After ${trained} ${losses}, ${digits(100 * part, 3)} % of what it was.`;
  }
  const readouts = summary.network.readouts > 1 ? "readouts explain" : "readout explains";
  const targets = summary.network.readouts > 1 ? "their targets’" : "its target’s";
  if (after <= 0) {
    return (
      `The ${summary.network.readouts > 1 ? "readouts are" : "readout is"} no better yet than a constant at ` +
      `${targets} mean: ${losses} in ${trained}.`
    );
  }
  const start = before === undefined ? "" : ` (before training: ${before > 0 ? percent(before) : "none"})`;
  return (
    `The ${readouts} ${percent(after)} of ${targets} variance${start}; a constant would explain 0 %. ` +
    `In ${trained} ${losses}.`
  );
}

/** What was learned, how well, and against chance, in a line. */
export function leadOf(run: RunData): string {
  const { summary } = run;
  const wrong = summary.loss.findIndex((loss) => !Number.isFinite(loss));
  if (wrong >= 0) return `The training diverged: the loss of iteration ${wrong + 1} is not a number.`;
  if (summaryDiverged(summary)) {
    const { first, last, count } = trainingLosses(summary);
    const iterations = many(count, "iteration");
    return `The training diverged: the loss went from ${digits(first, 4)} to ${digits(last, 4)} in ${iterations}.`;
  }
  return summary.results === undefined ? regressionLead(run) : classificationLead(summary);
}
