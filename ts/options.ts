/** Checks of option objects against tables, so that a name that is misspelt is no option that is left out. */
import { nestError } from "./errors.js";
import { nearest } from "./nearest.js";

/** What an option takes. */
export interface OptionKind {
  /** In words. */
  bound: string;
  holds(value: unknown): boolean;
  /** Options of its own, where the value is an object that {@link holds} is not asked about. */
  table?: OptionTable;
}

/** The options there are, by name. */
export type OptionTable = Readonly<Record<string, OptionKind>>;

/** The table of all options that `T` has. */
export type OptionsOf<T> = { readonly [name in keyof Required<T>]: OptionKind };

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** A whole number from `min` on, up to `max` if given. */
export const wholeFrom = (min: number, max = Number.MAX_SAFE_INTEGER): OptionKind => ({
  bound: `a whole number from ${min} ${max === Number.MAX_SAFE_INTEGER ? "on" : `to ${max}`}`,
  holds: (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
});

/** One of some names. */
export const oneOf = (...names: readonly string[]): OptionKind => ({
  bound: `one of ${names.join(", ")}`,
  holds: (value) => names.includes(value as string),
});

/** True or false. */
export const truth: OptionKind = { bound: "true or false", holds: (value) => typeof value === "boolean" };

/** A path. */
export const filePath: OptionKind = {
  bound: "a path",
  holds: (value) => typeof value === "string" && value !== "",
};

/** An `AbortSignal`. */
export const abortSignal: OptionKind = {
  bound: "an AbortSignal",
  // Not by its class: another realm has its own.
  holds: (value) => isObject(value) && "aborted" in value && "addEventListener" in value,
};

/** A function. */
export const callback: OptionKind = { bound: "a function", holds: (value) => typeof value === "function" };

/** A list, whose values whoever takes it checks. */
export const someList: OptionKind = { bound: "a list", holds: (value) => Array.isArray(value) };

/** An object, whose entries whoever takes it checks. */
export const someObject: OptionKind = {
  bound: "an object",
  holds: (value) => isObject(value) && !Array.isArray(value),
};

/** An object with some methods. */
export const objectWith = (...methods: readonly string[]): OptionKind => ({
  bound: `an object with ${methods.join(" and ")}`,
  holds: (value) =>
    isObject(value) &&
    methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function"),
});

/** An object with options of its own; `or` is what may stand for it. */
export const optionsIn = (table: OptionTable, or?: OptionKind): OptionKind => ({
  bound: `${or === undefined ? "" : `${or.bound}, or `}an object with some of ${Object.keys(table).join(", ")}`,
  holds: (value) => or?.holds(value) ?? false,
  table,
});

/**
 * Checks an object of options.
 *
 * @param of What takes them, as in `train`.
 * @throws {@link NESTError} for an option that there is not, with the nearest that there is, and for a value that an
 *   option does not take.
 */
export function checkOptions(of: string, given: unknown, table: OptionTable): void {
  if (!isObject(given)) {
    const bound = "an object";
    throw nestError({ code: "TypeMismatch", message: `${of} takes options`, value: String(given), bound });
  }
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(table, name) ? table[name] : undefined;
    if (kind === undefined) {
      const names = Object.keys(table);
      const meant = nearest(name, names, 1 + name.length / 3);
      throw nestError({
        code: "UnaccessedDictionaryEntry",
        message: `${of} has no option ${name}${meant === undefined ? "" : `; did you mean ${meant}?`}`,
        parameter: name,
        bound: `some of ${names.join(", ")}`,
      });
    }
    if (value === undefined || kind.holds(value)) continue;
    if (kind.table !== undefined && isObject(value)) {
      checkOptions(`${of}'s ${name}`, value, kind.table);
      continue;
    }
    throw nestError({
      code: "BadParameterValue",
      message: `${of} takes no such ${name}`,
      parameter: name,
      value: typeof value === "string" ? `"${value}"` : String(value),
      bound: kind.bound,
    });
  }
}
