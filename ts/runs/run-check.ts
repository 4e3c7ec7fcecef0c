import {
  array,
  custom,
  gtValue,
  number as numeric,
  object,
  optional,
  pipe,
  record,
  string,
  unknown,
} from "valibot";
import { many } from "../core/words.js";
import { type Check as ArgumentCheck, isTyped, refuse } from "../core/arguments.js";
import type { RunData } from "./run-data.js";
import { problemOf } from "../files/schema.js";
import type { NumberArray } from "../formats/npz.js";
import type { RunSummary } from "./summary.js";

/** A number of a JSON text; one that is none was written as null. */
const number = custom<number | null>((value) => typeof value === "number" || value === null);
const positive = pipe(numeric(), gtValue(0));
const text = string();
const numberLists = record(text, array(number));

/** What figures and reports read of `run.json`. */
const summarySchema = object({
  eprop: text,
  date: text,
  machine: object({ processor: text, cores: number, node: text, instructions: text }),
  ended: text,
  best: optional(object({ iteration: positive, loss: number })),
  timing: object({ steps: positive, batchSize: positive, resolution: positive, learningWindow: positive }),
  task: text,
  seed: number,
  loss_function: text,
  network: object({
    inputs: positive,
    recurrent: array(object({ model: text, n: positive })),
    readouts: positive,
    populations: optional(
      array(object({ name: text, kind: text, model: text, n: positive, first: positive })),
    ),
    projections: optional(array(object({ name: text, kind: text, from: array(text), to: array(text) }))),
  }),
  parameters: record(text, unknown()),
  loss: array(number),
  readout_losses: array(array(number)),
  results: optional(object({ label: array(text), error: array(number) })),
  phases: optional(array(text)),
  weights: record(text, unknown()),
  spikes_per_neuron: array(number),
  gradient_norm: optional(array(number)),
  metrics: optional(numberLists),
  ms_per_iteration: number,
  ms: array(number),
  memory: object({ simulation: object({ total: number, parts: record(text, unknown()) }), peak: number }),
});

/** What is wrong with the content of `run.json`; undefined where nothing is. */
export function summaryProblem(summary: unknown): string | undefined {
  const problem = problemOf(summarySchema, summary);
  if (problem !== undefined) return problem;
  const { loss, readout_losses, results, phases, ms, ...more } = summary as RunSummary;
  const { spikes_per_neuron, gradient_norm, metrics } = more;
  if (loss.length === 0) return "has no iterations";
  const columns = {
    readout_losses,
    spikes_per_neuron,
    ms,
    ...(gradient_norm && { gradient_norm }),
    ...Object.fromEntries(Object.entries(metrics ?? {}).map(([name, of]) => [`metrics.${name}`, of])),
    ...(results && { "results.label": results.label, "results.error": results.error }),
    ...(phases && { phases }),
  };
  for (const [name, { length }] of Object.entries(columns)) {
    if (length !== loss.length)
      return `has ${many(length, "value")} in ${name} for ${many(loss.length, "iteration")}`;
  }
  return undefined;
}

const numbers = (values: readonly (number | null)[]) => values.map((value) => value ?? Number.NaN);

/** The numbers of a summary as they were: JSON has null for those that are none. */
export function withNumbers(summary: RunSummary): RunSummary {
  const { results, gradient_norm, metrics } = summary;
  return {
    ...summary,
    loss: numbers(summary.loss),
    readout_losses: summary.readout_losses.map(numbers),
    ...(results && { results: { ...results, loss: numbers(results.loss), error: numbers(results.error) } }),
    ...(gradient_norm && { gradient_norm: numbers(gradient_norm) }),
    ...(metrics && {
      metrics: Object.fromEntries(Object.entries(metrics).map(([name, of]) => [name, numbers(of)])),
    }),
  };
}

/** Rows and columns of the weights of each plastic projection. */
function weightShapes({
  populations,
  projections,
  ...network
}: RunSummary["network"]): Record<string, number[]> {
  if (populations !== undefined && projections !== undefined) {
    const sizes = new Map(populations.map(({ name, n }) => [name, n]));
    const size = (names: readonly string[]) => names.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
    const plastic = projections.filter(({ kind }) => kind === "plastic");
    return Object.fromEntries(plastic.map(({ name, from, to }) => [name, [size(to), size(from)]]));
  }
  const recurrent = network.recurrent.reduce((sum, { n }) => sum + n, 0);
  return {
    in_rec: [recurrent, network.inputs],
    rec_rec: [recurrent, recurrent],
    rec_out: [network.readouts, recurrent],
  };
}

/** What is wrong with `weights.npz` beside its summary; undefined where nothing is. */
export function weightsProblem({ summary: { network }, weights }: RunData): string | undefined {
  for (const [name, wanted] of Object.entries(weightShapes(network))) {
    for (const when of ["before", "after"]) {
      const { data, shape } = weights[`${name}_${when}`] ?? {};
      if (shape?.join() !== wanted.join() || data?.length !== wanted.reduce((a, b) => a * b)) {
        return `has no ${name}_${when} of shape ${wanted.join(" × ")}`;
      }
    }
  }
  return undefined;
}

/** What is wrong with `events.npz`; undefined where nothing is. */
export function eventsProblem(events: Readonly<Record<string, NumberArray>>): string | undefined {
  for (const [name, { data }] of Object.entries(events)) {
    const times = events[`${name.split(".")[0]}.times`]?.data;
    if (times === undefined) return `has ${name} without times`;
    if (times.length !== data.length)
      return `has ${many(data.length, "value")} in ${name} for ${many(times.length, "time")}`;
  }
  return undefined;
}

/** A run as figures and reports take it. */
export const runDataCheck: ArgumentCheck<RunData> = {
  allowed: "a run, as readRunFolder and runData give it",
  read(value, at) {
    const { summary, weights, events } = (value ?? {}) as Partial<RunData>;
    for (const [name, part] of Object.entries({ summary, weights, events })) {
      if (typeof part !== "object" || part === null) refuse(`${at}.${name}`, part, this.allowed);
    }
    for (const [name, part] of Object.entries({ weights, events })) {
      for (const [column, entry] of Object.entries(part as RunData["weights"])) {
        const data = (entry as Partial<NumberArray> | null)?.data;
        if (!isTyped(data)) refuse(`${at}.${name}.${column}.data`, data, "a typed array");
      }
    }
    const run = value as RunData;
    const problem = summaryProblem(run.summary) ?? weightsProblem(run) ?? eventsProblem(run.events);
    if (problem === undefined) return run;
    refuse(at, value, this.allowed, { code: "ValueError", message: `${at} ${problem}` });
  },
};
