import {
  type Check,
  fields,
  given,
  number,
  numbers,
  optional,
  u32,
  whole,
  wholes,
} from "../core/arguments.js";
import { guarded, nestError } from "../core/errors.js";
import { NumpyRandom as Native } from "../native/index.js";
import type { NumberList } from "../core/number-list.js";

/** Numbers in rows. */
export interface NumberMatrix {
  readonly data: Float64Array;
  readonly shape: readonly [number, number];
}

/** The state of a generator, for checkpoints. */
export interface NumpyRandomState {
  words: Uint32Array;
  place: number;
  kept: number | undefined;
}

/** Most numbers that are drawn in one call: 2 GiB of them. */
const mostDraws = 2 ** 28;

const seeds = whole(0, u32);
const draws = whole(0, mostDraws);
const finite = number({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE }, "a finite number");
const places = wholes(0, u32, "whole numbers from 0 to 4294967295");

const generatorState: Check<NumpyRandomState> = {
  allowed: "the state of a generator",
  read(value, at) {
    const state = fields({
      words: places,
      place: whole(0, 624),
      kept: optional(finite),
    }).read(value, at);
    return { words: state.words, place: state.place, kept: state.kept };
  },
};

/** numpy's legacy generator `np.random`, to the bit. Matrices are filled row by row, as numpy does. */
export class NumpyRandom {
  readonly #native: Native;

  /** @param seed A whole number from 0 to 4294967295. */
  constructor(seed: number) {
    this.#native = new Native(given("seed", seed, seeds));
  }

  /** Starts over, as `np.random.seed(seed)`. */
  seed(seed: number): void {
    this.#native.seed(given("seed", seed, seeds));
  }

  /** `n` numbers from 0 to 1. */
  random(n: number): Float64Array {
    return this.#native.random(given("n", n, draws));
  }

  /** Leaves out `n` numbers from 0 to 1: what is drawn next is what would have come after {@link random}. */
  skip(n: number): void {
    this.#native.skip(given("n", n, draws));
  }

  /** A matrix of numbers from 0 to 1. */
  rand(rows: number, columns: number): NumberMatrix {
    return { data: this.#native.random(size(rows, columns)), shape: [rows, columns] };
  }

  /** A matrix of standard normal numbers. */
  randn(rows: number, columns: number): NumberMatrix {
    return { data: this.#native.randn(size(rows, columns)), shape: [rows, columns] };
  }

  /** `n` numbers from `low` to `high`. */
  uniform(low: number, high: number, n: number): Float64Array {
    const [from, to] = [given("low", low, finite), given("high", high, finite)];
    const count = given("n", n, draws);
    return guarded(() => this.#native.uniform(from, to, count));
  }

  /** `n` whole numbers from `low` to `high`, the latter excluded. */
  randint(low: number, high: number, n: number): Float64Array {
    const [from, to] = [given("low", low, whole()), given("high", high, whole())];
    const count = given("n", n, draws);
    if (!(from < to)) {
      throw nestError({
        code: "ValueError",
        message: "there is no number to draw",
        parameter: "high",
        value: String(to),
        bound: `above low = ${from}`,
      });
    }
    return guarded(() => this.#native.randint(from, to, count));
  }

  /** `n` places below `choices`: of equal probability, or of the given ones. */
  choice(choices: number, n: number, probabilities?: NumberList): Uint32Array {
    const [of, count] = [given("choices", choices, whole(1, u32)), given("n", n, draws)];
    const chances = given("probabilities", probabilities, optional(numbers));
    if (chances === undefined) return guarded(() => this.#native.choice(of, count));
    if (chances.length !== of) {
      throw nestError({
        code: "ValueError",
        message: "there is not one probability for each choice",
        parameter: "probabilities",
        value: `a list of ${chances.length}`,
        bound: `${of} probabilities`,
      });
    }
    return guarded(() => this.#native.choiceWeighted(chances, count));
  }

  /** The numbers below `n` in random order. */
  permutation(n: number): Uint32Array {
    return this.#native.permutation(given("n", n, draws));
  }

  /**
   * Draws one number per step and input, in that order; returns the places (`step * inputs + input`) where it is
   * below the input's probability. `rows[step]` names the row of `probabilities` that holds in a step.
   */
  spikesBelow(probabilities: NumberList, inputs: number, rows: Uint32Array): Uint32Array {
    const chances = given("probabilities", probabilities, numbers);
    const [count, of] = [given("inputs", inputs, whole(1, u32)), given("rows", rows, places)];
    return guarded(() => this.#native.spikesBelow(chances, count, of));
  }

  /** The state, to go on from later. */
  get state(): NumpyRandomState {
    const { words, place, kept } = this.#native.getState();
    return { words, place, kept };
  }

  set state(state: NumpyRandomState) {
    const { words, place, kept } = given("state", state, generatorState);
    guarded(() => this.#native.setState(kept === undefined ? { words, place } : { words, place, kept }));
  }
}

/** The numbers in a matrix. */
function size(rows: number, columns: number): number {
  const [of, by] = [given("rows", rows, draws), given("columns", columns, draws)];
  return given("rows * columns", of * by, draws);
}
