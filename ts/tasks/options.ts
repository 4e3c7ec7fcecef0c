/** What is chosen of a task: options that all take, values for rows of its parameter table, and their checks. */
import {
  type Check,
  callable,
  dictionary,
  either,
  fields,
  flag,
  given,
  list,
  meant,
  number,
  optional,
  record,
  refuse,
  text,
} from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import type { NumberParameter, TaskParameter, TaskParameterValues } from "./parameter.js";
import type { Schedule, TaskOptions } from "./task.js";

const isChoice = (row: unknown) => typeof row === "object" && row !== null && "choices" in row;

const parameterRow = either(
  isChoice,
  fields({ default: text, choices: list(text, "a list of texts"), text }),
  fields({
    default: number(),
    unit: text,
    min: number(),
    max: number(),
    whole: optional(flag),
    text,
    follows: optional(callable as Check<NonNullable<NumberParameter["follows"]>>),
    needs: optional(record(list(text, "a list of texts"))),
  }),
);

const parameterValues = record(either((value) => typeof value === "string", text, number()));

/**
 * Refuses values of parameters that others leave without effect.
 *
 * @param values Those that are given, others are the defaults.
 */
export function refuseUnused(
  task: string,
  table: Readonly<Record<string, TaskParameter>>,
  values: Readonly<Record<string, number | string>>,
): void {
  for (const [name, row] of Object.entries(table)) {
    const value = values[name];
    if (value === undefined || value === row.default || !("needs" in row)) continue;
    for (const [other, wanted] of Object.entries(row.needs ?? {})) {
      const found = String(values[other] ?? table[other]?.default);
      if (wanted.includes(found)) continue;
      const bound = wanted.map((of) => `${other}=${of}`).join(" or ");
      throw nestError({
        code: "BadParameterValue",
        message: `${name} has no effect with ${other}=${found}`,
        model: task,
        parameter: name,
        value: String(value),
        bound: `left out, or ${bound} besides`,
      });
    }
  }
}

/** The values of a task's parameters: defaults, overridden by what is given. */
export function taskParameters<T extends Record<string, TaskParameter>>(
  task: string,
  table: T,
  values: { readonly [name in keyof T]?: number | string } = {},
): TaskParameterValues<T> {
  const of = given("task", task, text);
  const rows = given("table", table, record<TaskParameter>(parameterRow));
  const chosen = given("values", values, parameterValues);
  for (const [name, row] of Object.entries(rows)) checkRow(`table.${name}`, row);
  checkParameters(of, rows, chosen);
  refuseUnused(of, rows, chosen);
  const read: Record<string, number | string> = {};
  for (const [name, row] of Object.entries(rows)) {
    const otherwise = "follows" in row ? row.follows?.(read) : undefined;
    read[name] = chosen[name] ?? otherwise ?? row.default;
  }
  return read as never;
}

/** Refuses a row of a parameter table whose default its own values or bounds leave out. */
function checkRow(at: string, row: TaskParameter): void {
  const place = `${at}.default`;
  if ("choices" in row) {
    if (row.choices.includes(row.default)) return;
    refuse(place, row.default, `one of ${row.choices.join(", ")}`, {
      code: "ValueError",
      message: `${place} is none of the choices`,
    });
  }
  if (!(row.min <= row.max)) {
    refuse(`${at}.min`, row.min, `at most ${row.max}, its max`, {
      code: "ValueError",
      message: `${at}.min is larger than max`,
    });
  }
  const isWhole = !row.whole || Number.isSafeInteger(row.default);
  if (row.default >= row.min && row.default <= row.max && isWhole) return;
  refuse(place, row.default, `a ${row.whole ? "whole " : ""}number from ${row.min} to ${row.max}`, {
    code: "ValueError",
    message: `${place} is a value that the parameter does not take`,
  });
}

/** Refuses names that are not in a parameter table, and values that its rows do not take. */
export function checkParameters(
  of: string,
  rows: Readonly<Record<string, TaskParameter>>,
  chosen: Readonly<Record<string, number | string>>,
): void {
  for (const [name, value] of Object.entries(chosen)) {
    const row = Object.hasOwn(rows, name) ? rows[name] : undefined;
    if (row === undefined) {
      throw nestError({
        code: "UnaccessedDictionaryEntry",
        message: `the task ${of} has no parameter ${name}`,
        model: of,
        parameter: name,
        bound: `one of ${Object.keys(rows).join(", ")}${meant(name, Object.keys(rows))}`,
      });
    }
    checkParameter(of, name, row, value);
  }
}

/** Refuses a value that a row of a parameter table does not take. */
function checkParameter(task: string, name: string, row: TaskParameter, value: number | string): void {
  if (!("choices" in row)) {
    const read = given(name, value, number());
    if (row.whole) whole(task, name, read, read, row.min, row.max);
    else checkRange(task, name, read, row.min, row.max);
    return;
  }
  if (row.choices.some((choice) => choice === value)) return;
  refuse(name, value, `one of ${row.choices.join(", ")}`, {
    code: "BadParameterValue",
    message: `${name} has no such value`,
  });
}

/** Refuses a number outside its bounds. */
export function checkRange(task: string, name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) {
    throw nestError({
      code: "BadParameterValue",
      message: `${name} is outside its bounds`,
      model: task,
      parameter: name,
      value: String(value),
      bound: `from ${min} to ${max}`,
    });
  }
}

/** A whole number within bounds, or the default. */
export function whole(
  task: string,
  name: string,
  value: number | undefined,
  otherwise: number,
  min: number,
  max = 1e6,
): number {
  const chosen = value ?? otherwise;
  checkRange(task, name, chosen, min, max);
  if (!Number.isSafeInteger(chosen)) {
    throw nestError({
      code: "BadParameterValue",
      message: `${name} must be a whole number`,
      model: task,
      parameter: name,
      value: String(chosen),
      bound: `a whole number from ${min} to ${max}`,
    });
  }
  return chosen;
}

/** The options that every task takes; a task may have more. */
const common = {
  model: optional(text),
  seed: optional(number()),
  iterations: optional(number()),
  batchSize: optional(number()),
  validateEvery: optional(number()),
  earlyStop: optional(flag),
  testIterations: optional(number()),
  patience: optional(number()),
  stopAbove: optional(number()),
  parameters: optional(dictionary),
} as const;

/**
 * The options of one of eprop's tasks: the common ones, and those of its own.
 *
 * @throws {@link NESTError} that names an option which it does not have.
 */
export function ownOptions<O extends TaskOptions>(
  options: O,
  own: Readonly<Record<string, Check<unknown>>> = {},
): O {
  return given("options", options, fields({ ...common, ...own })) as unknown as O;
}

const commonDefaults = fields({
  iterations: number(),
  batchSize: number(),
  validateEvery: optional(number()),
  testIterations: optional(number()),
});

/**
 * The common options, checked.
 *
 * @param asked The options of a task; others than the common ones are not looked at.
 */
export function commonOptions(
  name: string,
  asked: TaskOptions,
  otherwise: { iterations: number; batchSize: number; validateEvery?: number; testIterations?: number },
): { seed: number; batchSize: number; schedule: Schedule } {
  const task = given("task", name, text);
  const all = given("options", asked, dictionary);
  const options = given(
    "options",
    Object.fromEntries(Object.entries(all).filter(([option]) => Object.hasOwn(common, option))),
    fields(common),
  );
  const defaults = given("defaults", otherwise, commonDefaults);
  const seed = whole(task, "seed", options.seed, 1, 1, 0xffff_ffff);
  const validateEvery = whole(task, "validateEvery", options.validateEvery, defaults.validateEvery ?? 0, 0);
  const patience = whole(task, "patience", options.patience, 0, 0);
  if (patience > 0 && validateEvery === 0) {
    throw nestError({
      code: "BadParameterValue",
      message: "patience counts validations, and there are none",
      model: task,
      parameter: "patience",
      value: String(patience),
      bound: "0, or validateEvery above 0",
    });
  }
  return {
    seed,
    batchSize: whole(task, "batchSize", options.batchSize, defaults.batchSize, 1),
    schedule: {
      iterations: whole(task, "iterations", options.iterations, defaults.iterations, 1),
      validateEvery,
      earlyStopIterations: (options.earlyStop ?? true) && validateEvery > 0 ? 8 : 0,
      earlyStopError: 0.07,
      testIterations: whole(task, "testIterations", options.testIterations, defaults.testIterations ?? 0, 0),
      ...(patience > 0 && { patience }),
      ...(options.stopAbove !== undefined && { stopAbove: options.stopAbove }),
    },
  };
}

/** Bytes of a spike and of a readout's step on their way through generators and recorders. */
const bytesPer = { spike: 48, readoutStep: 96 };

/**
 * Refuses a batch whose inputs and readouts cannot fit into memory.
 *
 * @param rate Spikes of an input per step, on average.
 */
export function checkBatch(
  task: string,
  batchSize: number,
  sequence: { steps: number; inputs: number; rate: number; readouts: number },
): void {
  const { steps, inputs, rate, readouts } = sequence;
  const bytes = batchSize * steps * (inputs * rate * bytesPer.spike + readouts * bytesPer.readoutStep);
  const memory = process.getBuiltinModule("node:os").totalmem();
  // Places of spikes are 32-bit numbers.
  if (bytes > memory || batchSize * steps * inputs > 0xffff_ffff) {
    throw nestError({
      code: "OutOfMemory",
      message: `a batch of this size takes ${(bytes / 2 ** 30).toFixed(1)} GiB`,
      model: task,
      parameter: "batchSize",
      value: String(batchSize),
      bound: `what fits into ${(memory / 2 ** 30).toFixed(1)} GiB`,
    });
  }
}
