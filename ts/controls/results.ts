/** What came of controls: medians and bootstrap intervals. */
import { many } from "../core/words.js";
import { NumpyRandom } from "../random/index.js";
import { finalMetrics, isDiverged } from "../sweep/results.js";
import type { SweepRun } from "../sweep/index.js";
import { quartiles } from "../core/statistics.js";
import { type ControlName, controlNames } from "./control.js";

/** A median with the interval that holds the true one in 95 of 100 cases, by the bootstrap. */
export interface BootstrapMedian {
  /** How many values there are. */
  n: number;
  median: number;
  low: number;
  high: number;
}

/** Samples of a bootstrap. */
const resamples = 4000;

const medianOf = (values: readonly number[]) => quartiles(values).median;

/**
 * The median of values and its 95 % interval: the middle of the medians of many samples, drawn with replacement from
 * the values (percentile bootstrap). The same values have the same interval.
 *
 * @param values At least one; what is no number counts as infinite.
 */
export function bootstrapMedian(values: readonly number[]): BootstrapMedian {
  const n = values.length;
  const random = new NumpyRandom(1);
  const medians = Array.from({ length: resamples }, () =>
    medianOf(Array.from(random.random(n), (share) => values[Math.floor(share * n)] as number)),
  ).toSorted((a, b) => a - b);
  const at = (share: number) => medians[Math.round(share * (resamples - 1))] as number;
  return { n, median: medianOf(values), low: at(0.025), high: at(0.975) };
}

/** A row of the table: what is known of a control over its seeds. */
export interface ControlRow {
  control: ControlName;
  /** Trainings that ended and did not diverge, that diverged (their losses count as infinite), that failed. */
  finished: number;
  diverged: number;
  failed: number;
  loss?: BootstrapMedian;
  error?: BootstrapMedian;
  /** How much worse than the trained network, seed by seed; of the measure that decides. */
  worse?: BootstrapMedian;
}

/** What decides: the error of tasks that classify, else the loss. */
export type Measure = "error" | "loss";

const measureOf = (runs: readonly SweepRun[]): Measure =>
  runs.some(({ summary }) => summary?.results !== undefined) ? "error" : "loss";

/** How a training ended, by a measure: a loss is infinite where it diverged, an error 1; undefined where it failed. */
export function endOf(run: SweepRun, measure: Measure): number | undefined {
  if (isDiverged(run)) return measure === "error" ? 1 : Number.POSITIVE_INFINITY;
  return run.summary === undefined ? undefined : finalMetrics(run.summary)[measure];
}

export const controlOf = (run: SweepRun) => run.parameters["control"] as ControlName;

const median = (values: readonly number[]) => (values.length > 0 ? bootstrapMedian(values) : undefined);

/** A row for each control that was trained. */
export function controlRows(runs: readonly SweepRun[]): { measure: Measure; rows: ControlRow[] } {
  const measure = measureOf(runs);
  const of = (control: ControlName) => runs.filter((run) => controlOf(run) === control);
  const trained = new Map(of("trained").map((run) => [run.seed, endOf(run, measure)]));
  const rows = controlNames.flatMap((control): ControlRow[] => {
    const own = of(control);
    if (own.length === 0) return [];
    const ends = (by: Measure) => own.flatMap((run) => endOf(run, by) ?? []);
    const worse = own.flatMap((run) => {
      const [end, other] = [endOf(run, measure), trained.get(run.seed)];
      if (end === undefined || other === undefined) return [];
      return [end === other ? 0 : end - other];
    });
    const [loss, error] = [median(ends("loss")), measure === "error" ? median(ends("error")) : undefined];
    const difference = control === "trained" ? undefined : median(worse);
    return [
      {
        control,
        finished: own.filter((run) => run.summary !== undefined && !isDiverged(run)).length,
        diverged: own.filter(isDiverged).length,
        failed: own.filter((run) => run.summary === undefined && !isDiverged(run)).length,
        ...(loss && { loss }),
        ...(error && { error }),
        ...(difference && { worse: difference }),
      },
    ];
  });
  return { measure, rows };
}

const digits = (value: number) =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : value < 0 ? "-∞" : "∞";

/** A median with its interval, in words. */
export function intervalText(of: BootstrapMedian | undefined): string {
  if (of === undefined) return "";
  return of.n < 2 ? digits(of.median) : `${digits(of.median)} [${digits(of.low)}, ${digits(of.high)}]`;
}

/** Seeds below which nothing is said: an interval would be as wide as what was seen, whatever that is. */
const fewestSeeds = 5;

/** Whether e-prop does anything, in a sentence. */
export function answer(measure: Measure, rows: readonly ControlRow[]): string {
  const of = (control: ControlName) => rows.find((row) => row.control === control);
  const [trained, still] = [of("trained"), of("readouts-only")];
  const [own, other, worse] = [trained?.[measure], still?.[measure], still?.worse];
  if (own === undefined || other === undefined || worse === undefined) {
    return "Nothing can be said: the trained network and the readouts alone are needed.";
  }
  const told =
    `with e-prop the ${measure} ends at ${intervalText(own)}, with the readouts alone at ${intervalText(other)} ` +
    `(medians over ${many(worse.n, "seed")}`;
  const by = `seed by seed ${intervalText(worse)} more)`;
  if (worse.n < fewestSeeds) return `Too few seeds to say: ${told}); ${fewestSeeds} or more decide.`;
  if (worse.low > 0) return `Yes, e-prop does something here: ${told}, ${by}.`;
  if (worse.high < 0) return `No, e-prop does harm here: ${told}, ${by}.`;
  return `It is not shown that e-prop does anything here: ${told}, ${by}.`;
}
