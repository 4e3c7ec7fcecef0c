import { describe, expect, it } from "vitest";
import { NESTError, Trainer, sweep, tasks, train, trainToEnd } from "../ts/index.js";

const task = tasks.sineWaves({ iterations: 1 });

/** The error that a call is refused with. */
async function refusal(call: () => unknown): Promise<NESTError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof NESTError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("an option that there is not", () => {
  it.each<[string, () => unknown, string, string]>([
    ["train", () => train(task, { Threads: 1 } as never).next(), "Threads", "threads"],
    ["trainToEnd", () => trainToEnd(task, { onIterations: () => 0 } as never), "onIterations", "onIteration"],
    ["Trainer", () => new Trainer(task, { thread: 1 } as never), "thread", "threads"],
    ["a record", () => new Trainer(task, { record: { neuron: 2 } as never }), "neuron", "neurons"],
    [
      "a checkpoint",
      () => new Trainer(task, { checkpoint: { path: "x", evry: 2 } as never }),
      "evry",
      "every",
    ],
    ["resume", () => Trainer.resume("nowhere", { signals: 1 } as never), "signals", "signal"],
    [
      "sweep",
      () => sweep("sine-waves", { seeds: [1] }, { concurency: 2 } as never),
      "concurency",
      "concurrency",
    ],
    ["a grid", () => sweep("sine-waves", { seeds: [1], parameter: {} } as never), "parameter", "parameters"],
  ])("of %s is refused with the one that is meant", async (_, call, given, meant) => {
    const error = await refusal(call);
    expect(error.code).toBe("UnaccessedDictionaryEntry");
    expect(error.parameter?.split(".").at(-1)).toBe(given);
    expect(error.message).toContain(`did you mean ${meant}?`);
  });
});

it("another word is refused without one that is meant", async () => {
  const error = await refusal(() => new Trainer(task, { colour: 1 } as never));
  expect(error.bound).toMatch(/one of .*threads/);
  expect(error.message).not.toContain("did you mean");
});

describe("a value that an option does not take", () => {
  it.each<[string, object, string, RegExp]>([
    [
      "no iterations between checkpoints",
      { checkpoint: { path: "x", every: 0 } },
      "checkpoint.every",
      /whole number from 1/,
    ],
    ["a checkpoint without a path", { checkpoint: { every: 1 } }, "checkpoint.path", /a path/],
    ["half a thread", { threads: 0.5 }, "threads", /whole number from 1/],
    ["another precision", { precision: "f16" }, "precision", /one of f64, f32/],
    ["a controller for its signal", { signal: new AbortController() }, "signal", /an AbortSignal/],
    ["a text for a truth value", { record: "yes" }, "record", /a dictionary/],
    ["no neurons", { record: { neurons: 0 } }, "record.neurons", /whole number from 1/],
    ["null", { threads: null }, "threads", /whole number/],
  ])("%s is refused", async (_, options, parameter, bound) => {
    const error = await refusal(() => new Trainer(task, options as never));
    expect(error.parameter?.replace(/^options\./, "")).toBe(parameter);
    expect(error.bound).toMatch(bound);
  });
  it("what is undefined is left out", async () => {
    const { iterations } = await trainToEnd(task, { threads: undefined, onIteration: undefined } as never);
    expect(iterations).toHaveLength(1);
  });
});
