import { closeSync, openSync, readFileSync, truncateSync } from "node:fs";
import { cannotWrite } from "../files/file-errors.js";
import { type Iteration, metricNames } from "../training/iteration.js";
import { writeAll } from "../files/write-whole.js";

/** What is written of an iteration: the column's name, its value. */
export const iterationColumns = {
  iteration: ({ iteration }) => iteration,
  phase: ({ phase }) => phase,
  loss: ({ loss }) => loss,
  error: ({ error }) => error,
  ms: ({ ms }) => Number(ms.toPrecision(6)),
  spikes_per_neuron: ({ spikesPerNeuron }) => spikesPerNeuron,
  gradient_norm: ({ gradientNorm }) => gradientNorm,
} as const satisfies Record<string, (iteration: Iteration) => number | string | undefined>;

/** The columns of some iterations: those of all, and one for each metric of the task or the user. */
export function columnsOf(
  iterations: readonly Pick<Iteration, "metrics">[],
): Readonly<Record<string, (iteration: Iteration) => number | string | undefined>> {
  const own = metricNames(iterations).map(
    (name) => [name, ({ metrics }: Iteration) => metrics?.[name]] as const,
  );
  return { ...iterationColumns, ...Object.fromEntries(own) };
}

/** A line of `metrics.jsonl`; a loss that is no number is null. Metrics of the task or the user have their names. */
export interface MetricsLine {
  iteration: number;
  phase: string;
  loss: number | null;
  error?: number | null;
  ms: number;
  spikes_per_neuron: number;
  gradient_norm?: number;
}

/**
 * `metrics.jsonl`: a JSON object per iteration, written as soon as the iteration is over. Each line reaches the system
 * in one piece, so that a process that is killed leaves whole lines, and others can follow the file while it grows.
 */
export class MetricsFile {
  readonly #path: string;
  readonly #file: number;

  /**
   * Begins a file, or goes on with one.
   *
   * @param after Keep the lines up to this iteration and append; a new file if left out.
   * @throws {@link NESTError} that says why it cannot be written, also where a new file exists already.
   */
  constructor(path: string, after?: number) {
    this.#path = path;
    try {
      if (after !== undefined) {
        const kept = readMetrics(path).filter(({ iteration }) => iteration <= after).length;
        const text = readFileSync(path, "utf8");
        const lines = text.split("\n").slice(0, kept);
        truncateSync(path, Buffer.byteLength(lines.map((line) => `${line}\n`).join("")));
      }
      this.#file = openSync(path, after === undefined ? "ax" : "a");
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  append(iteration: Iteration): void {
    const values = Object.entries(columnsOf([iteration])).map(([name, value]) => [name, value(iteration)]);
    try {
      writeAll(this.#file, Buffer.from(`${JSON.stringify(Object.fromEntries(values))}\n`));
    } catch (error) {
      throw cannotWrite(this.#path, error);
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

/**
 * The lines of a file that {@link MetricsFile} wrote or is writing. What follows the last line break is not yet a line.
 *
 * @throws `SyntaxError` where a line is not JSON.
 */
export function readMetrics(path: string): MetricsLine[] {
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as MetricsLine);
}
