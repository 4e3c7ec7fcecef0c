import { many } from "../core/words.js";
import { type Check as ArgumentCheck, isTyped, refuse } from "../core/arguments.js";
import type { RunData } from "./run-data.js";
import type { NumberArray } from "../formats/npz.js";
import type { RunSummary } from "./summary.js";

/** Whether a value is as it should be; a string says what is wrong inside it. */
type Check = (value: unknown) => boolean | string;

/** A value of a JSON object; a number that is none was written as null. */
const number: Check = (value) => typeof value === "number" || value === null;
const text: Check = (value) => typeof value === "string";
const positive: Check = (value) => typeof value === "number" && value > 0;

const list =
  (of: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every((entry) => of(entry) === true);

/** An object whose fields are as they should be. */
const object =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (typeof value !== "object" || value === null) return false;
    for (const [name, check] of Object.entries(fields)) {
      const found = check((value as Record<string, unknown>)[name]);
      if (found === false) return name;
      if (typeof found === "string") return `${name}.${found}`;
    }
    return true;
  };

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** Lists of numbers by name. */
const numberLists: Check = (value) =>
  typeof value === "object" && value !== null && Object.values(value).every((entry) => list(number)(entry) === true);

/** What figures and reports read of `run.json`. */
const summaryCheck = object({
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
    recurrent: list(object({ model: text, n: positive })),
    readouts: positive,
    populations: optional(list(object({ name: text, kind: text, model: text, n: positive, first: positive }))),
    projections: optional(list(object({ name: text, kind: text, from: list(text), to: list(text) }))),
  }),
  parameters: object({}),
  loss: list(number),
  readout_losses: list(list(number)),
  results: optional(object({ label: list(text), error: list(number) })),
  phases: optional(list(text)),
  weights: object({}),
  spikes_per_neuron: list(number),
  gradient_norm: optional(list(number)),
  metrics: optional(numberLists),
  ms_per_iteration: number,
  ms: list(number),
  memory: object({ simulation: object({ total: number, parts: object({}) }), peak: number }),
});

/** What is wrong with the content of `run.json`; undefined where nothing is. */
export function summaryProblem(summary: unknown): string | undefined {
  const found = summaryCheck(summary);
  if (found !== true)
    return found === false ? "is no object" : `has no ${found}, or another kind of value there`;
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
    if (length !== loss.length) return `has ${many(length, "value")} in ${name} for ${many(loss.length, "iteration")}`;
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
function weightShapes({ populations, projections, ...network }: RunSummary["network"]): Record<string, number[]> {
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
    if (times.length !== data.length) return `has ${many(data.length, "value")} in ${name} for ${many(times.length, "time")}`;
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
      for (const [array, entry] of Object.entries(part as RunData["weights"])) {
        const data = (entry as Partial<NumberArray> | null)?.data;
        if (!isTyped(data)) refuse(`${at}.${name}.${array}.data`, data, "a typed array");
      }
    }
    const run = value as RunData;
    const problem = summaryProblem(run.summary) ?? weightsProblem(run) ?? eventsProblem(run.events);
    if (problem === undefined) return run;
    refuse(at, value, this.allowed, { code: "ValueError", message: `${at} ${problem}` });
  },
};
