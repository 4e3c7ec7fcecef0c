import { guarded, nestError } from "../errors.js";
import { NumpyRandom as Native } from "../native/index.js";

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

const count = (n: number): number => {
  if (!Number.isInteger(n) || n < 0 || n > 0xffff_ffff) {
    throw nestError({
      code: "ValueError",
      message: "the number of draws is not possible",
      parameter: "n",
      value: String(n),
      bound: "a whole number from 0 to 4294967295",
    });
  }
  return n;
};

/** numpy's legacy generator `np.random`, to the bit. Matrices are filled row by row, as numpy does. */
export class NumpyRandom {
  readonly #native: Native;

  constructor(seed: number) {
    this.#native = new Native(count(seed));
  }

  /** Starts over, as `np.random.seed(seed)`. */
  seed(seed: number): void {
    this.#native.seed(count(seed));
  }

  /** `n` numbers from 0 to 1. */
  random(n: number): Float64Array {
    return this.#native.random(count(n));
  }

  /** A matrix of numbers from 0 to 1. */
  rand(rows: number, columns: number): NumberMatrix {
    return { data: this.random(rows * columns), shape: [rows, columns] };
  }

  /** A matrix of standard normal numbers. */
  randn(rows: number, columns: number): NumberMatrix {
    return { data: this.#native.randn(count(rows * columns)), shape: [rows, columns] };
  }

  /** `n` numbers from `low` to `high`. */
  uniform(low: number, high: number, n: number): Float64Array {
    return guarded(() => this.#native.uniform(low, high, count(n)));
  }

  /** `n` whole numbers from `low` to `high`, the latter excluded. */
  randint(low: number, high: number, n: number): Float64Array {
    return guarded(() => this.#native.randint(low, high, count(n)));
  }

  /** `n` places below `choices`: of equal probability, or of the given ones. */
  choice(choices: number, n: number, probabilities?: Float64Array): Uint32Array {
    return guarded(() =>
      probabilities === undefined
        ? this.#native.choice(choices, count(n))
        : this.#native.choiceWeighted(probabilities, count(n)),
    );
  }

  /** The numbers below `n` in random order. */
  permutation(n: number): Uint32Array {
    return this.#native.permutation(count(n));
  }

  /**
   * Draws one number per step and input, in that order; returns the places (`step * inputs + input`) where it is
   * below the input's probability. `rows[step]` names the row of `probabilities` that holds in a step.
   */
  spikesBelow(probabilities: Float64Array, inputs: number, rows: Uint32Array): Uint32Array {
    return guarded(() => this.#native.spikesBelow(probabilities, inputs, rows));
  }

  /** The state, to go on from later. */
  get state(): NumpyRandomState {
    const { words, place, kept } = this.#native.getState();
    return { words, place, kept };
  }

  set state({ words, place, kept }: NumpyRandomState) {
    guarded(() => this.#native.setState(kept === undefined ? { words, place } : { words, place, kept }));
  }
}
