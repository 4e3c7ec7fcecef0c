import { nestError } from "../core/errors.js";
import type { TaskEntry } from "../tasks/index.js";
import { taskParameters } from "../tasks/options.js";

/** What is varied in a sweep: every seed with every combination of values. */
export interface SweepGrid {
  seeds: readonly number[];
  /** Values of parameters of the task. */
  parameters?: Readonly<Record<string, readonly number[]>>;
}

/** A training of a sweep. */
export interface SweepPoint {
  seed: number;
  /** The values of the grid's parameters. */
  parameters: Readonly<Record<string, number>>;
}

const mostRuns = 100_000;
const largestSeed = 0xffff_ffff;

function refuse(message: string, parameter: string, value: string, bound: string): never {
  throw nestError({ code: "ValueError", message, parameter, value, bound });
}

/** The seeds of `1..20`, `1,2,5` or both. */
export function parseSeeds(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [, first, last] = /^\s*(\d+)\s*(?:\.\.\s*(\d+)\s*)?$/.exec(part) ?? [];
    if (first === undefined) refuse("these are no seeds", "seeds", part, "as in 1..20 or 1,2,5");
    const [from, to] = [Number(first), Number(last ?? first)];
    if (to < from) refuse("a range of seeds ends before it begins", "seeds", part, "as in 1..20");
    if (to - from >= mostRuns) refuse("there are too many seeds", "seeds", part, `at most ${mostRuns}`);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
}

/** The parameter and the values of `eta=1e-3,5e-3`. */
export function parseValues(text: string): [string, number[]] {
  const [name, list] = text.split(/=(.*)/s);
  if (!name || !list) refuse("this sets no parameter", "set", text, "as in eta=1e-3,5e-3");
  const values = list.split(",").map((part) => {
    const value = Number(part);
    if (part.trim() === "" || !Number.isFinite(value)) refuse("this is no number", name, part, "a number");
    return value;
  });
  return [name, values];
}

/**
 * All trainings of a grid, those of one combination of values after each other.
 *
 * @throws {@link NESTError} where the task has no such parameter, a value is outside its bounds or there twice, or
 *   there is nothing to do.
 */
export function sweepPoints(task: TaskEntry, grid: SweepGrid): SweepPoint[] {
  const { name, parameters: table } = task;
  const { seeds, parameters = {} } = grid;
  checkList("seeds", seeds);
  for (const seed of seeds) {
    if (!Number.isInteger(seed) || seed < 1 || seed > largestSeed) {
      refuse("this is no seed", "seeds", String(seed), `a whole number from 1 to ${largestSeed}`);
    }
  }
  const names = Object.keys(parameters);
  let combinations: Record<string, number>[] = [{}];
  for (const parameter of names) {
    const values = parameters[parameter] as readonly number[];
    checkList(parameter, values);
    for (const value of values) taskParameters(name, table, { [parameter]: value });
    if (combinations.length * values.length * seeds.length > mostRuns) {
      refuse(
        "the grid has too many points",
        parameter,
        `more than ${mostRuns} trainings`,
        `at most ${mostRuns}`,
      );
    }
    combinations = combinations.flatMap((rest) => values.map((value) => ({ ...rest, [parameter]: value })));
  }
  return combinations.flatMap((combination) => seeds.map((seed) => ({ seed, parameters: combination })));
}

function checkList(name: string, values: readonly number[]): void {
  if (!Array.isArray(values) || values.length === 0) {
    refuse("there is nothing to vary", name, "no values", "at least one value");
  }
  const seen = new Set<number>();
  for (const value of values) {
    if (seen.has(value)) refuse("a value is there twice", name, String(value), "each value once");
    seen.add(value);
  }
}

/** A combination of values as text: `c_reg=300,eta=0.001`, in the order of names; "default" where nothing is varied. */
export function combinationName(parameters: Readonly<Record<string, number>>): string {
  const names = Object.keys(parameters).toSorted();
  return names.map((name) => `${name}=${parameters[name]}`).join(",") || "default";
}

/** What a training's file is called. */
export function pointName({ seed, parameters }: SweepPoint): string {
  return `${combinationName(parameters)},seed=${seed}`;
}
