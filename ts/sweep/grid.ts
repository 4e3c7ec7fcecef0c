import { type Check, given, meant } from "../core/arguments.js";
import { createHash } from "../core/hash.js";
import { nestError } from "../core/errors.js";
import { NumpyRandom } from "../random/index.js";
import type { TaskEntry } from "../tasks/index.js";
import { checkParameters, refuseUnused } from "../tasks/options.js";
import type { TaskOptions } from "../tasks/task.js";
import { type ComputedWith, settingChecks } from "../training/settings.js";

/** A value of what is varied. */
export type SweepValue = number | string;

/** Numbers that values are drawn from. */
export interface SweepRange {
  from: number;
  to: number;
  /** Draw evenly on a logarithmic scale. */
  log?: boolean;
  /** Draw whole numbers, both ends included. */
  whole?: boolean;
}

/** What is varied in a sweep: every seed with every combination of values. */
export interface SweepGrid {
  seeds: readonly number[];
  /**
   * Values, or a range that they are drawn from, by the name of a parameter of the task, of one of its options (such
   * as `model` or `batchSize`), or `precision`, `gradient` and `clipNorm`.
   */
  parameters?: Readonly<Record<string, readonly SweepValue[] | SweepRange>>;
  /** How often values are drawn where there are ranges; 1 if left out. More samples go on where fewer ended. */
  samples?: number;
  /** Seed of what is drawn; 1 if left out. */
  sampleSeed?: number;
}

/** A training of a sweep. */
export interface SweepPoint {
  seed: number;
  /** The values of the grid's parameters. */
  parameters: Readonly<Record<string, SweepValue>>;
}

const mostRuns = 100_000;
const largestSeed = 0xffff_ffff;

/** Options that every task takes, which can be varied beside its parameters. */
const counted = ["batchSize", "iterations", "validateEvery", "testIterations", "patience"];
const optionNames = ["model", ...counted];
/** What a training is computed with. */
const settings: Readonly<Record<string, Check<unknown>>> = settingChecks;

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

const asGiven = "as in eta=1e-3,5e-3 or eta=log:1e-4..1e-2";

const isNumber = (part: string) => part.trim() !== "" && !Number.isNaN(Number(part));

/** The range of `0..1`, `log:1e-4..1e-2` or `int:50..200`; undefined of anything else. */
function parseRange(text: string): SweepRange | undefined {
  const [kinds = ""] = /^(?:log:|int:)*/.exec(text) ?? [];
  const [first = "", last = "", ...more] = text.slice(kinds.length).split("..");
  if (!isNumber(first) || !isNumber(last) || more.length > 0) return undefined;
  return {
    from: Number(first),
    to: Number(last),
    ...(kinds.includes("log:") && { log: true }),
    ...(kinds.includes("int:") && { whole: true }),
  };
}

/** The parameter and the values, or the range, of `eta=1e-3,5e-3` and `eta=log:1e-4..1e-2`. */
export function parseValues(text: string): [string, SweepValue[] | SweepRange] {
  const [name, list] = text.split(/=(.*)/s);
  if (!name || !list) refuse("this sets no parameter", "set", text, asGiven);
  const place = name.replace(/^-+/, "").replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const range = parseRange(list);
  if (range !== undefined) {
    checkRange(place, range, list);
    return [place, range];
  }
  const values = list.split(",").map((part) => {
    const value = part.trim();
    if (value === "") refuse("a value is missing", name, list, asGiven);
    return Number.isFinite(Number(value)) ? Number(value) : value;
  });
  return [place, values];
}

function checkRange(name: string, { from, to, log, whole }: SweepRange, shown = `${from}..${to}`): void {
  const bound = "two finite numbers, the smaller first, as in 0..1, log:1e-4..1e-2 or int:50..200";
  if (!Number.isFinite(from) || !Number.isFinite(to) || from >= to)
    refuse("this is no range", name, shown, bound);
  if (log && from <= 0) refuse("a logarithmic range begins above zero", name, shown, bound);
  if (whole && !(Number.isInteger(from) && Number.isInteger(to))) {
    refuse("a range of whole numbers lies between whole numbers", name, shown, bound);
  }
}

/** Digits of a value that is drawn: it is exactly what it is written as. */
const drawnDigits = 6;

/** Values drawn from a range; neither other parameters nor how many are drawn change the first of them. */
function drawn(name: string, { from, to, log, whole }: SweepRange, count: number, seed: number): number[] {
  const digest = createHash("sha256").update(`${seed}\0${name}`).digest();
  const random = new NumpyRandom(digest.readUInt32LE(0));
  const last = whole ? to + 1 : to;
  const [low, high] = log ? [Math.log(from), Math.log(last)] : [from, last];
  return Array.from(random.random(count), (share) => {
    const value = low + share * (high - low);
    const plain = log ? Math.exp(value) : value;
    const kept = whole ? Math.floor(plain) : Number(plain.toPrecision(drawnDigits));
    return Math.min(to, Math.max(from, kept));
  });
}

/** Refuses to draw other numbers than whole ones of what counts something. */
function checkDraws({ parameters }: TaskEntry, name: string, { from, to, log, whole }: SweepRange): void {
  const row = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  const counts = row === undefined ? counted.includes(name) : !("choices" in row) && row.whole;
  if (whole || !counts) return;
  const kind = log ? "log:" : "";
  refuse(
    `${name} takes whole numbers`,
    name,
    `${kind}${from}..${to}`,
    `${kind}int:${from}..${to} (whole: true)`,
  );
}

/** Whether values are drawn for a parameter. */
export function isRange(values: readonly SweepValue[] | SweepRange): values is SweepRange {
  return !Array.isArray(values);
}

/** A training's options: those of its task, and what it is computed with. */
export interface PointOptions {
  task: TaskOptions & Record<string, unknown>;
  training: ComputedWith;
}

/** The options of a point, beside those that all have. */
export function pointOptions(
  entry: TaskEntry,
  { seed, parameters }: SweepPoint,
  base: TaskOptions,
): PointOptions {
  const task: Record<string, unknown> = { ...base, seed };
  const ofTask: Record<string, SweepValue> = { ...(base.parameters as Record<string, SweepValue>) };
  const training: Record<string, SweepValue> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (Object.hasOwn(entry.parameters, name)) ofTask[name] = value;
    else if (Object.hasOwn(settings, name)) training[name] = value;
    else task[name] = value;
  }
  return { task: { ...task, parameters: ofTask }, training };
}

/** Refuses a value that a parameter or an option does not take. */
function checkValue(entry: TaskEntry, name: string, value: SweepValue, base: TaskOptions): void {
  const options = [...optionNames, ...(entry.options ?? [])];
  const known = [...Object.keys(entry.parameters), ...options, ...Object.keys(settings)];
  if (!known.includes(name)) {
    if (/^seeds?$/i.test(name)) {
      refuse("a seed is no parameter", name, String(value), "seeds given beside the parameters");
    }
    throw nestError({
      code: "UnaccessedDictionaryEntry",
      message: `the task ${entry.name} has no parameter ${name}`,
      model: entry.name,
      parameter: name,
      bound: `one of ${known.join(", ")}${meant(name, known)}`,
    });
  }
  if (Object.hasOwn(settings, name)) {
    given(name, value, settings[name] as Check<unknown>);
  } else if (Object.hasOwn(entry.parameters, name)) {
    const row = entry.parameters[name];
    if (row !== undefined && !("choices" in row) && typeof value !== "number") {
      refuse("this is no number", name, value, "a number");
    }
    checkParameters(entry.name, entry.parameters, { [name]: value });
  } else {
    // What an option may be, the task alone knows.
    entry.create(pointOptions(entry, { seed: 1, parameters: { [name]: value } }, base).task);
  }
}

/** Refuses values that others leave without effect. */
function checkCombination(
  task: TaskEntry,
  combination: Readonly<Record<string, SweepValue>>,
  base: TaskOptions,
): void {
  const values = { ...(base.parameters as Record<string, SweepValue>), ...combination };
  refuseUnused(task.name, task.parameters, values);
}

/**
 * All trainings of a grid, those of one combination of values after each other.
 *
 * @param base Options that all trainings have.
 * @throws {@link NESTError} where the task has no such parameter, a value is outside its bounds or there twice, or
 *   there is nothing to do.
 */
export function sweepPoints(task: TaskEntry, grid: SweepGrid, base: TaskOptions = {}): SweepPoint[] {
  const { seeds, parameters = {}, samples, sampleSeed = 1 } = grid;
  checkList("seeds", seeds);
  for (const seed of seeds) checkSeed(seed);
  const entries = Object.entries(parameters);
  const ranges = entries.filter((entry): entry is [string, SweepRange] => isRange(entry[1]));
  if (samples !== undefined && ranges.length === 0) {
    refuse("nothing is drawn", "samples", String(samples), "a range besides, as in eta=log:1e-4..1e-2");
  }
  let combinations = drawnCombinations(task, ranges, samples ?? 1, sampleSeed, base);
  for (const [parameter, values] of entries) {
    if (isRange(values)) continue;
    checkList(parameter, values);
    for (const value of values) checkValue(task, parameter, value, base);
    checkCount(parameter, combinations.length * values.length * seeds.length);
    combinations = combinations.flatMap((rest) => values.map((value) => ({ ...rest, [parameter]: value })));
  }
  checkCount("seeds", combinations.length * seeds.length);
  // In the order in which they were given.
  const ordered = combinations.map((values) =>
    Object.fromEntries(entries.map(([name]) => [name, values[name] as SweepValue])),
  );
  for (const combination of ordered) checkCombination(task, combination, base);
  return ordered.flatMap((combination) => seeds.map((seed) => ({ seed, parameters: combination })));
}

function checkCount(parameter: string, count: number): void {
  if (count <= mostRuns) return;
  refuse("the grid has too many points", parameter, `more than ${mostRuns} trainings`, `at most ${mostRuns}`);
}

/** The combinations of values that are drawn; one without values where none are. */
function drawnCombinations(
  task: TaskEntry,
  ranges: readonly [string, SweepRange][],
  samples: number,
  sampleSeed: number,
  base: TaskOptions,
): Record<string, SweepValue>[] {
  if (ranges.length === 0) return [{}];
  checkCount("samples", samples);
  const columns = ranges.map(([name, range]) => {
    checkRange(name, range);
    checkDraws(task, name, range);
    for (const end of [range.from, range.to]) checkValue(task, name, end, base);
    return drawn(name, range, samples, sampleSeed);
  });
  const rows = Array.from({ length: samples }, (_, at) =>
    Object.fromEntries(ranges.map(([name], column) => [name, columns[column]?.[at] as number])),
  );
  // Whole numbers from a short range come twice.
  return [...new Map(rows.map((row) => [combinationName(row), row])).values()];
}

/** Refuses what is no seed. */
export function checkSeed(seed: number): void {
  if (!Number.isInteger(seed) || seed < 1 || seed > largestSeed) {
    refuse("this is no seed", "seeds", String(seed), `a whole number from 1 to ${largestSeed}`);
  }
}

/** A point that somebody proposes, checked. */
export function checkedPoint(
  task: TaskEntry,
  { seed, parameters }: SweepPoint,
  base: TaskOptions,
): SweepPoint {
  checkSeed(seed);
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value !== "number" && typeof value !== "string") {
      refuse("this is no value", name, typeof value, "a number or a text");
    }
    checkValue(task, name, value, base);
  }
  checkCombination(task, parameters, base);
  return { seed, parameters: { ...parameters } };
}

function checkList(name: string, values: readonly SweepValue[]): void {
  if (!Array.isArray(values) || values.length === 0) {
    refuse("there is nothing to vary", name, "no values", "at least one value");
  }
  const seen = new Set<SweepValue>();
  for (const value of values) {
    if (seen.has(value)) refuse("a value is there twice", name, String(value), "each value once");
    seen.add(value);
  }
}

/** A combination of values as text: `c_reg=300,eta=0.001`, in the order of names; "default" where nothing is varied. */
export function combinationName(parameters: Readonly<Record<string, SweepValue>>): string {
  const names = Object.keys(parameters).toSorted();
  return names.map((name) => `${name}=${parameters[name]}`).join(",") || "default";
}

/** What a training is called. */
export function pointName({ seed, parameters }: SweepPoint): string {
  return `${combinationName(parameters)},seed=${seed}`;
}

/** The longest name that every file system takes, with room for endings. */
const longestName = 180;

/** What a training's files are called, without their endings. */
export function pointFile(point: SweepPoint): string {
  const name = pointName(point).replaceAll(/[^\w.,=+-]/g, (letter) =>
    [...Buffer.from(letter)].map((byte) => `%${byte.toString(16)}`).join(""),
  );
  if (name.length <= longestName) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 12);
  return `${name.slice(0, longestName - 13)}-${digest}`;
}
