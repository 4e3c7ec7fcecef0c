import {
  type Check,
  fields,
  given,
  isDictionary,
  list,
  number,
  oneOf,
  optional,
  refuse,
} from "../core/arguments.js";
import { allTakingNoMore } from "../core/surplus.js";
import { randomDistributions, randomOperations } from "./models.generated.js";

/**
 * A distribution that parameters are drawn from, once per node or connection.
 *
 * Normal numbers are drawn in pairs. As in NEST, the second of a pair is left for the next draw of a kernel from the same
 * object: one object that serves two calls gives other numbers than two objects do.
 */
export interface Distribution {
  readonly distribution: (typeof randomDistributions)[number];
  readonly first: number;
  readonly second: number;
}

/** Name of an operation. */
type Operation = keyof typeof randomOperations;

/** What is computed of numbers that are drawn anew for each node or connection. */
export interface ComputedParameter {
  readonly operation: Operation;
  readonly operands: readonly RandomOperand[];
}

/** A distribution, or what {@link math} and {@link logic} compute of some. */
export type RandomParameter = Distribution | ComputedParameter;

/** A number, or one that is drawn. */
export type RandomOperand = number | RandomParameter;

/** Whether a dictionary is a random parameter. */
export function isRandomParameter(value: object): value is RandomParameter {
  return "distribution" in value || "operation" in value;
}

/** The same parameter as an object of its own: what it draws begins anew. */
export function anew(parameter: RandomOperand): RandomOperand {
  if (typeof parameter === "number") return parameter;
  return "operands" in parameter
    ? { ...parameter, operands: parameter.operands.map(anew) }
    : { ...parameter };
}

const identities = new WeakMap<Distribution, number>();
let known = 0;

/** @internal A number that this object has and no other. */
export function identityOf(parameter: Distribution): number {
  let identity = identities.get(parameter);
  if (identity === undefined) {
    identity = known++;
    identities.set(parameter, identity);
  }
  return identity;
}

const distribution = fields({
  distribution: oneOf(...randomDistributions),
  first: number(),
  second: number(),
});

const operation = fields({
  operation: oneOf(...(Object.keys(randomOperations) as Operation[])),
  operands: list({ allowed: "a number or a random parameter", read: (value) => value }, "operands"),
});

const finiteNumber = number({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE }, "a finite number");

/** Operations within operations, and operations in all. */
const [deepest, mostOperations] = [1000, 1_000_000];

/** As the engine takes it: a number, a distribution with its identity, or an operation with its operands. */
type Encoded =
  | { number: number }
  | { distribution: string; first: number; second: number; identity: number }
  | { distribution: string; dict: (Encoded & { name: string })[] };

/** @internal A random parameter for the engine. */
export function encodeRandom(value: unknown, at: string, depth = 0, seen = { operations: 0 }): Encoded {
  if (typeof value === "number") return { number: finiteNumber.read(value, at) };
  if (!isDictionary(value) || !isRandomParameter(value)) refuse(at, value, "a number or a random parameter");
  if ("distribution" in value) {
    const identity = identityOf(value as Distribution);
    return { ...distribution.read(value, at), identity };
  }
  seen.operations += 1;
  if (depth > deepest || seen.operations > mostOperations) {
    refuse(
      at,
      "an operation",
      `at most ${deepest} operations within each other and ${mostOperations} in all`,
      {
        code: "ValueError",
        message: "too much is computed of random numbers",
      },
    );
  }
  const { operation: name, operands } = operation.read(value, at);
  if (operands.length !== randomOperations[name]) {
    refuse(`${at}.operands`, operands, `${randomOperations[name]} of them`, { code: "ValueError" });
  }
  const dict = operands.map((operand, place) => {
    // What lies deep is named by what it lies in.
    const within = depth < 3 ? `${at}.operands[${place}]` : at;
    return { name: `operand ${place + 1}`, ...encodeRandom(operand, within, depth + 1, seen) };
  });
  return { distribution: name, dict };
}

/** What was looked at when it was made: what is computed of it need not look at it again. */
const looked = new WeakSet<object>();

const operand: Check<RandomOperand> = {
  allowed: "a number or a random parameter",
  read(value, at) {
    if (typeof value !== "object" || value === null || !looked.has(value)) encodeRandom(value, at);
    return value as RandomOperand;
  },
};

/** A random parameter. */
export const randomParameter: Check<RandomParameter> = {
  allowed: "a distribution, or what is computed of some",
  read(value, at) {
    if (typeof value === "number") refuse(at, value, this.allowed);
    return operand.read(value, at) as RandomParameter;
  },
};

const finite = optional(finiteNumber);

/** Distributions with two parameters, or with one. */
const parameters = {
  normal: optional(fields({ mean: finite, std: finite })),
  uniform: optional(fields({ min: finite, max: finite })),
  exponential: optional(fields({ beta: finite })),
};

/** Distributions, drawn from the kernel's generator as NEST does (`rng_seed`). */
export const random = allTakingNoMore("random", {
  /** Normal numbers. */
  normal: (options?: { mean?: number; std?: number }): Distribution => {
    const { mean = 0, std = 1 } = given("options", options, parameters.normal) ?? {};
    return { distribution: "normal", first: mean, second: std };
  },
  /** Numbers from `min` to `max`. */
  uniform: (options?: { min?: number; max?: number }): Distribution => {
    const { min = 0, max = 1 } = given("options", options, parameters.uniform) ?? {};
    return { distribution: "uniform", first: min, second: max };
  },
  /** Exponentials of normal numbers. */
  lognormal: (options?: { mean?: number; std?: number }): Distribution => {
    const { mean = 0, std = 1 } = given("options", options, parameters.normal) ?? {};
    return { distribution: "lognormal", first: mean, second: std };
  },
  /** Exponential numbers with mean `beta`. */
  exponential: (options?: { beta?: number }): Distribution => {
    const { beta = 1 } = given("options", options, parameters.exponential) ?? {};
    return { distribution: "exponential", first: beta, second: 0 };
  },
  /** Whole numbers from 0 on, below `max`. */
  uniform_int: (max: number): Distribution => {
    return { distribution: "uniform_int", first: given("max", max, finiteNumber), second: 0 };
  },
});

const computed = (name: Operation, operands: readonly unknown[]): ComputedParameter => {
  const read = operands.map((value, place) => given(`operand ${place + 1}`, value, operand));
  const parameter = Object.freeze({ operation: name, operands: Object.freeze(read) });
  looked.add(parameter);
  return parameter;
};

type Binary = (a: RandomOperand, b: RandomOperand) => ComputedParameter;
type Unary = (x: RandomOperand) => ComputedParameter;

const binary =
  (name: Operation): Binary =>
  (a, b) =>
    computed(name, [a, b]);
const unary =
  (name: Operation): Unary =>
  (x) =>
    computed(name, [x]);

/** What is computed of random numbers, once per node or connection: `nest.math`, and Python's operators as functions. */
export const math = allTakingNoMore("math", {
  /** `a + b`. */
  add: binary("add"),
  /** `a - b`. */
  subtract: binary("subtract"),
  /** `a * b`. */
  multiply: binary("multiply"),
  /** `a / b`. */
  divide: binary("divide"),
  /** `a ** b`. */
  power: binary("power"),
  exp: unary("exp"),
  sin: unary("sin"),
  cos: unary("cos"),
  min: binary("min"),
  max: binary("max"),
  /**
   * The number, drawn anew until it lies between `min` and `max`, both included. Where a thousand numbers do not, the call
   * that draws is refused.
   */
  redraw: (parameter: RandomParameter, min: number, max: number): ComputedParameter => {
    const bounds = [given("min", min, finiteNumber), given("max", max, finiteNumber)];
    if (min >= max) {
      refuse("max", max, `above min = ${min}`, {
        code: "BadProperty",
        message: "the bounds of redraw hold no number",
      });
    }
    return computed("redraw", [parameter, ...bounds]);
  },
});

/** Comparisons of random numbers, 1 or 0, and choices by them: `nest.logic`, and Python's operators as functions. */
export const logic = allTakingNoMore("logic", {
  /** `a < b`. */
  less: binary("less"),
  /** `a <= b`. */
  less_or_equal: binary("less_or_equal"),
  /** `a == b`. */
  equal: binary("equal"),
  /** `a != b`. */
  unequal: binary("unequal"),
  /** `a >= b`. */
  greater_or_equal: binary("greater_or_equal"),
  /** `a > b`. */
  greater: binary("greater"),
  /** `yes` where the condition is not 0, else `no`. */
  conditional: (condition: RandomOperand, yes: RandomOperand, no: RandomOperand): ComputedParameter =>
    computed("conditional", [condition, yes, no]),
});
