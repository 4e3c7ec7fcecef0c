/**
 * Functions that refuse arguments beyond their parameters: nothing that is said is ignored. How many a function has is
 * its `length`, so that none of these functions has parameters with defaults or a rest.
 */
import { isTyped, shown } from "./arguments.js";
import { nestError } from "./errors.js";

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** Refuses the first of these arguments that is not `undefined`, which stands for one that is left out. */
export function refuseSurplus(name: string, most: number, args: readonly unknown[]): void {
  const at = args.findIndex((value, place) => place >= most && value !== undefined);
  if (at < 0) return;
  const takes = most === 0 ? "no arguments" : most === 1 ? "one argument" : `at most ${most} arguments`;
  throw nestError({
    code: "TypeMismatch",
    message: `${name} takes ${takes}`,
    parameter: `argument ${at + 1}`,
    value: shown(args[at]),
    bound: "left out",
  });
}

/** Whether a list handed them over, as `names.map(nest.get)` does: an item, its place and the list. */
function isFromList([item, place, items]: readonly unknown[]): boolean {
  try {
    return (
      typeof place === "number" &&
      (Array.isArray(items) || isTyped(items)) &&
      Object.is((items as ArrayLike<unknown>)[place], item)
    );
  } catch {
    return false;
  }
}

const AsyncFunction = (async () => undefined).constructor;

/** The function, refusing what it has no parameter for. One of a single argument may be handed to a list's methods. */
export function takingNoMore<F>(name: string, call: F & AnyFunction): F {
  const most = call.length;
  const check = (args: readonly unknown[]) => {
    if (args.length > most && !(most === 1 && args.length === 3 && isFromList(args)))
      refuseSurplus(name, most, args);
  };
  const limited: AnyFunction =
    call instanceof AsyncFunction
      ? async function limited(this: unknown, ...args) {
          check(args);
          return Reflect.apply(call, this, args);
        }
      : function limited(this: unknown, ...args) {
          check(args);
          return Reflect.apply(call, this, args);
        };
  // It goes by the name and the number of parameters of the function.
  for (const property of ["name", "length"] as const)
    Object.defineProperty(limited, property, { value: call[property], configurable: true });
  return limited as F;
}

/** The same of all functions in a dictionary. */
export function allTakingNoMore<D extends object>(within: string, functions: D): D {
  const entries = Object.entries(functions) as [string, AnyFunction][];
  return Object.fromEntries(
    entries.map(([name, call]) => [name, takingNoMore(`${within}.${name}`, call)]),
  ) as D;
}

/**
 * Has methods of a class, static ones too, refuse what they have no parameter for.
 *
 * @param within How messages name the class, in front of a method's name; nothing, where methods are called without it.
 * @param lenient Methods that others call with arguments of their own: what handles events, what JSON is made of.
 */
export function limitMethods(
  Class: abstract new (...args: never[]) => object,
  within: string,
  lenient: readonly string[],
): void {
  for (const of of [Class, Class.prototype as object]) {
    for (const [name, { value, ...has }] of Object.entries(Object.getOwnPropertyDescriptors(of))) {
      if (typeof value !== "function" || name === "constructor" || lenient.includes(name)) continue;
      Object.defineProperty(of, name, {
        ...has,
        value: takingNoMore(`${within}${name}`, value as AnyFunction),
      });
    }
  }
}
