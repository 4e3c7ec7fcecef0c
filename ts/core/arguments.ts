/**
 * Checks of what public functions are given. Each argument is read once, before anything is done: what comes out is a
 * plain copy, or a {@link NESTError} that names the parameter, what was given and what is allowed.
 */
import type { TypedNumbers } from "./number-list.js";
import { type ErrorCode, NESTError, nestError } from "./errors.js";
import { nearest } from "./nearest.js";

/** What an argument may be. */
export interface Check<T> {
  /** What is allowed, in words. */
  readonly allowed: string;
  /** The value, if it is allowed; `at` says where it stands, as in `options.signal`. */
  read(value: unknown, at: string): T;
}

/** What a check gives. */
export type Checked<C> = C extends Check<infer T> ? T : never;

/** Characters of a text that an error shows. */
const shownLength = 60;

/** A value as an error shows it; never fails, whatever is given. */
export function shown(value: unknown): string {
  try {
    if (Object.is(value, -0)) return "-0";
    if (typeof value === "bigint") return `the BigInt ${value}`;
    if (typeof value === "symbol") return value.toString();
    if (typeof value === "function") return "a function";
    if (value === undefined) return "nothing";
    if (typeof value === "string") {
      return value.length > shownLength
        ? `"${value.slice(0, shownLength)}…" (${value.length} characters)`
        : `"${value}"`;
    }
    if (typeof value !== "object" || value === null) return String(value);
    const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
    if (Array.isArray(value)) return `a list of ${value.length}`;
    if (ArrayBuffer.isView(value) && "length" in value) return `${article(kind)} of ${String(value.length)}`;
    if (kind !== "Object") return article(kind);
    const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
    return typeof name === "string" && name !== "" && name !== "Object" ? article(name) : "an object";
  } catch {
    return "an object that cannot be read";
  }
}

function article(name: string): string {
  // `URL` and `Uint8Array` begin with the sound of a consonant.
  return `${/^(?!u(?:rl|int))[aeiou]/i.test(name) ? "an" : "a"} ${name}`;
}

/** Refuses a value: what is wrong is that it is none of what is allowed, if not said otherwise. */
export function refuse(
  at: string,
  value: unknown,
  allowed: string,
  { code = "TypeMismatch", message = `${at} takes ${allowed}` }: { code?: ErrorCode; message?: string } = {},
): never {
  throw nestError({ code, message, parameter: at, value: shown(value), bound: allowed });
}

/** An argument of a public function, checked. */
export function given<T>(name: string, value: unknown, check: Check<T>): T {
  return reading(name, check.allowed, () => check.read(value, name));
}

/** What a reader makes of an argument, of which this much is allowed. What throws is the value itself: a getter, or a proxy. */
export function reading<T>(name: string, allowed: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof NESTError) throw error;
    throw nestError({
      code: "TypeMismatch",
      message: `${name} cannot be read`,
      parameter: name,
      value: thrown(error),
      bound: allowed,
    });
  }
}

/** What reading an argument threw, in words. */
export function thrown(error: unknown): string {
  try {
    return error instanceof Error ? `reading it threw ${error.message}` : `reading it threw ${shown(error)}`;
  } catch {
    return "reading it threw";
  }
}

const check = <T>(allowed: string, read: (value: unknown, at: string) => T): Check<T> => ({ allowed, read });

/** A number from `min` to `max`. Without bounds it is only asked to be one; the engine knows its bounds. */
export function number(bounds?: { min: number; max: number }, allowed?: string): Check<number> {
  const words =
    allowed ?? (bounds === undefined ? "a number" : `a number from ${bounds.min} to ${bounds.max}`);
  return check(words, (value, at) => {
    if (typeof value !== "number") refuse(at, value, words);
    if (bounds !== undefined && !(value >= bounds.min && value <= bounds.max)) {
      refuse(at, value, words, { code: "ValueError", message: `${at} is outside its bounds` });
    }
    return value;
  });
}

/** A whole number from `min` to `max`. */
export function whole(min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): Check<number> {
  const from = min === Number.MIN_SAFE_INTEGER ? "" : ` from ${min}`;
  const words = `a whole number${from}${max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`}`;
  return check(words, (value, at) => {
    if (typeof value !== "number") refuse(at, value, words);
    if (!Number.isInteger(value) || value < min || value > max) {
      refuse(at, value, words, { code: "ValueError", message: `${at} must be ${words}` });
    }
    return value;
  });
}

/** Numbers of 32 bits without a sign. */
export const u32 = 0xffff_ffff;

export const flag = check("true or false", (value, at) =>
  typeof value === "boolean" ? value : refuse(at, value, "true or false"),
);

/** Characters of a text that is a name, a path or a label. */
const longestText = 65_536;

export const text = check("a text", (value, at) => {
  if (typeof value !== "string") refuse(at, value, "a text");
  if (value.length > longestText) {
    refuse(at, value, `at most ${longestText} characters`, {
      code: "ValueError",
      message: `${at} is too long`,
    });
  }
  return value;
});

/** The path of a file or folder. */
export const path = check("a path", (value, at) => {
  if (typeof value !== "string") refuse(at, value, "a path");
  if (value === "" || value.length > longestText || value.includes("\0")) {
    refuse(at, value, "a path", { code: "ValueError", message: `${at} is no path` });
  }
  return value;
});

/** One of some texts. */
export function oneOf<T extends string>(...choices: readonly T[]): Check<T> {
  const words = `one of ${choices.join(", ")}`;
  return check(words, (value, at) => {
    if (typeof value !== "string") refuse(at, value, words);
    const found = choices.find((choice) => choice === value);
    return found ?? refuse(at, value, words, { code: "ValueError", message: `${at} must be ${words}` });
  });
}

/** The class that all typed arrays inherit from. */
const typedArray = Object.getPrototypeOf(Uint8Array) as { [Symbol.hasInstance](value: unknown): boolean };

/** An instance of a class. */
export function instance<T>(
  kind: { readonly prototype: T; [Symbol.hasInstance](value: unknown): boolean },
  words: string,
): Check<T> {
  return check(words, (value, at) => {
    // What only inherits from a typed array holds no numbers.
    const isHollow = value instanceof typedArray && !ArrayBuffer.isView(value);
    return value instanceof kind && !isHollow ? (value as T) : refuse(at, value, words);
  });
}

export const callable = check("a function", (value, at) =>
  typeof value === "function" ? (value as (...args: never[]) => unknown) : refuse(at, value, "a function"),
);

/** A signal that stops something. */
export const abortSignal = instance(AbortSignal, "an AbortSignal");

/** What may be left out. */
export function optional<T>(inner: Check<T>): Check<T | undefined> {
  return check(`${inner.allowed}, or left out`, (value, at) =>
    value === undefined ? undefined : inner.read(value, at),
  );
}

/** One thing or another; refused as neither. `first` decides by what it is told of the value. */
export function either<A, B>(isFirst: (value: unknown) => boolean, a: Check<A>, b: Check<B>): Check<A | B> {
  return check(`${a.allowed}, or ${b.allowed}`, (value, at) =>
    isFirst(value) ? a.read(value, at) : b.read(value, at),
  );
}

/** Whether a value is a typed array of numbers. */
export function isTyped(value: unknown): value is TypedNumbers {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array)
  );
}

/** A list of numbers. */
export const numbers: Check<Float64Array> = check("a list of numbers", (value, at) => {
  if (value instanceof Float64Array) return value;
  if (isTyped(value)) return Float64Array.from(value);
  if (!Array.isArray(value)) refuse(at, value, "a list of numbers");
  // The length of a sparse list says nothing about what it holds.
  for (let place = 0; place < value.length; place++) {
    if (typeof value[place] !== "number") {
      refuse(`${at}[${place}]`, value[place], "a number");
    }
  }
  return Float64Array.from(value as number[]);
});

/** A list of whole numbers of 32 bits from `min` to `max`. */
export function wholes(
  min: number,
  max: number,
  words: string,
  code: ErrorCode = "ValueError",
): Check<Uint32Array> {
  return check(words, (value, at) => {
    if (value instanceof Uint32Array && min === 0 && max === u32) return value;
    const items: ArrayLike<unknown> =
      isTyped(value) || Array.isArray(value) ? value : refuse(at, value, words);
    for (let place = 0; place < items.length; place++) {
      const item = items[place];
      if (typeof item !== "number") refuse(`${at}[${place}]`, item, "a number");
      if (!Number.isInteger(item) || item < min || item > max) {
        refuse(`${at}[${place}]`, item, words, { code, message: `${at}[${place}] is none of ${words}` });
      }
    }
    return value instanceof Uint32Array ? value : Uint32Array.from(items as ArrayLike<number>);
  });
}

/** A list. */
export function list<T>(item: Check<T>, words: string): Check<T[]> {
  return check(words, (value, at) => {
    if (!Array.isArray(value)) refuse(at, value, words);
    const items: T[] = [];
    for (let place = 0; place < value.length; place++) items.push(item.read(value[place], `${at}[${place}]`));
    return items;
  });
}

/** Whether a value is a dictionary: an object that has no class. */
export function isDictionary(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // One from another realm has another `Object`.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Named values; those that are `undefined` are left out. */
export const dictionary: Check<Record<string, unknown>> = check("a dictionary", (value, at) => {
  if (!isDictionary(value)) refuse(at, value, "a dictionary");
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
});

/** Named values of one kind. */
export function record<T>(item: Check<T>): Check<Record<string, T>> {
  return check(`a dictionary, each value ${item.allowed}`, (value, at) =>
    Object.fromEntries(
      Object.entries(dictionary.read(value, at)).map(([name, entry]) => [
        name,
        item.read(entry, `${at}.${name}`),
      ]),
    ),
  );
}

/** Checks by name. */
type Fields = Readonly<Record<string, Check<unknown>>>;

/** What checks of fields give: those that may be left out are not there if they are. */
export type CheckedFields<F extends Fields> = {
  [N in keyof F as undefined extends Checked<F[N]> ? never : N]: Checked<F[N]>;
} & { [N in keyof F as undefined extends Checked<F[N]> ? N : never]?: Exclude<Checked<F[N]>, undefined> };

/** Which of the known names may be meant: one of which more than half would have to change is another word. */
export function meant(unknown: string, known: readonly string[]): string {
  const name = nearest(unknown, known, Math.max(1, Math.floor(unknown.length / 2)));
  return name === undefined ? "" : `; did you mean ${name}?`;
}

/** Refuses a name that none of the values has that models show. */
export function refuseName(name: string, names: readonly string[], models: Iterable<string>): never {
  throw nestError({
    code: "UnaccessedDictionaryEntry",
    message: `there is no value ${shown(name)}`,
    model: [...new Set(models)].join(", "),
    parameter: name.slice(0, shownLength),
    bound: `one of ${names.join(", ")}${meant(name, names)}`,
  });
}

/** Refuses a dictionary that has others than the known entries: nothing that is said is ignored. */
export function refuseOthers(at: string, values: object, known: readonly string[]): void {
  const unknown = Object.keys(values).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw nestError({
    code: "UnaccessedDictionaryEntry",
    message: `${at} has no ${shown(unknown)}`,
    parameter: `${at}.${unknown.slice(0, shownLength)}`,
    bound: `one of ${known.join(", ")}${meant(unknown, known)}`,
  });
}

/** Every name of an object and of what it inherits from, but for what all objects have. */
function namesIn(object: object): string[] {
  const names: string[] = [];
  for (let of = object; of !== null && of !== Object.prototype; of = Object.getPrototypeOf(of) as object)
    names.push(...Object.getOwnPropertyNames(of));
  return names;
}

function isAllowed(value: unknown, of: Check<unknown>): boolean {
  try {
    of.read(value, "");
    return value !== undefined;
  } catch {
    return false;
  }
}

const plain = (name: string) => name.replaceAll(/[-_]/g, "").toLowerCase();

/** Fields whose names are at least this long are recognized when they are misspelt; of `close`, `clone` is none. */
const recognized = 6;

/**
 * Refuses what an object calls nearly as an optional field that it lacks, and that could be that field: the object may
 * have names of its own, beside which a misspelt one would go unseen. Names that begin with an underscore are its own.
 *
 * @param optionalFields The fields that may be left out.
 */
export function refuseMisspelt(
  object: Readonly<Record<string, unknown>>,
  optionalFields: Readonly<Record<string, Check<unknown>>>,
): void {
  const absent = Object.keys(optionalFields).filter((name) => object[name] === undefined);
  if (absent.length === 0) return;
  for (const name of namesIn(object)) {
    if (Object.hasOwn(optionalFields, name) || name.startsWith("_")) continue;
    const same = absent.find((field) => plain(field) === plain(name));
    const near = nearest(
      name,
      absent.filter((field) => field.length >= recognized),
      2,
    );
    const field =
      same ?? (near && isAllowed(object[name], optionalFields[near] as Check<unknown>) ? near : undefined);
    if (field === undefined) continue;
    throw nestError({
      code: "UnaccessedDictionaryEntry",
      message: `there is no field ${shown(name)}; did you mean ${field}?`,
      parameter: name.slice(0, shownLength),
      bound: `${field}, or a name that is less like it`,
    });
  }
}

/** A dictionary of known fields, such as options. */
export function fields<F extends Fields>(known: F): Check<CheckedFields<F>> {
  return check("a dictionary", (value, at) => {
    const values = dictionary.read(value, at);
    refuseOthers(at, values, Object.keys(known));
    const read: Record<string, unknown> = {};
    for (const [name, of] of Object.entries(known)) {
      const field = of.read(values[name], `${at}.${name}`);
      if (field !== undefined) read[name] = field;
    }
    return read as CheckedFields<F>;
  });
}
