import { describe, expect, it } from "vitest";
import { NumpyRandom } from "../ts/index.js";
import { Kernel, random } from "../ts/nest/index.js";

/** What `np.random.RandomState(1)` and NEST give, to the last digit. */
describe("numpy's legacy generator", () => {
  it("draws numbers from 0 to 1", () => {
    expect([...new NumpyRandom(1).random(3)]).toEqual([
      0.417022004702574, 0.7203244934421581, 0.00011437481734488664,
    ]);
  });
  it("draws normal numbers", () => {
    expect([...new NumpyRandom(1).randn(2, 2).data]).toEqual([
      1.6243453636632417, -0.6117564136500754, -0.5281717522634557, -1.0729686221561705,
    ]);
  });
  it("draws whole numbers and permutations", () => {
    expect([...new NumpyRandom(1).randint(0, 10, 5)]).toEqual([5, 8, 9, 5, 0]);
    expect([...new NumpyRandom(1).permutation(10)]).toEqual([2, 9, 6, 4, 0, 3, 1, 7, 8, 5]);
  });
  it("chooses, with and without probabilities", () => {
    expect([...new NumpyRandom(1).choice(2, 8)]).toEqual([1, 1, 0, 0, 1, 1, 1, 1]);
    expect([...new NumpyRandom(1).choice(2, 5, Float64Array.of(0.3, 0.7))]).toEqual([1, 1, 0, 1, 0]);
  });
  it("goes on from a saved state", () => {
    const one = new NumpyRandom(7);
    one.randn(1, 3);
    const other = new NumpyRandom(1);
    other.state = one.state;
    expect(other.randn(2, 3)).toEqual(one.randn(2, 3));
  });
  it("refuses impossible draws", () => {
    expect(() => new NumpyRandom(1).random(-1)).toThrow(/whole number/);
    expect(() => new NumpyRandom(1).choice(2, 3, Float64Array.of(Number.NaN, 1))).toThrow();
  });
});

describe("NEST's generator", () => {
  it("draws parameters as NEST does", () => {
    const kernel = new Kernel();
    kernel.set({ rng_seed: 1 });
    const nodes = kernel.Create("eprop_iaf_bsshslm_2020", 5, { tau_m: random.normal({ mean: 30, std: 2 }) });
    expect(nodes.get("tau_m")).toEqual([
      32.02781784560859, 29.4592614845328, 32.474118206628525, 30.909979065203068, 28.450722779443467,
    ]);
  });
});
