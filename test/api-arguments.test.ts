/** What public functions do with arguments of the wrong kind. */
import { describe, expect, it } from "vitest";
import * as eprop from "../ts/index.js";
import * as nest from "../ts/nest/index.js";
import * as report from "../ts/report/index.js";
import { fuzzSeed } from "./fuzz/fast-check.js";
import { World, complaint, fuzzApi, kinds, lenient, refusal, targets } from "./fuzz/api.js";

const { Kernel, NESTError, NESTErrors, NumpyRandom } = eprop;

/** Names of the functions that a module exports, and of the methods of its classes. */
function functionsOf(module: object, prefix = ""): string[] {
  return Object.entries(module).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value !== "function") return [];
    if (!Function.prototype.toString.call(value).startsWith("class ")) return [`${prefix}${name}`];
    const methods = (of: object) =>
      Object.entries(Object.getOwnPropertyDescriptors(of))
        .filter(([key, has]) => key !== "constructor" && (typeof has.value === "function" || has.set))
        .map(([key]) => `${name}.${key}`);
    return [`new ${name}`, ...methods((value as { prototype: object }).prototype), ...methods(value)];
  });
}

/** Functions that take nothing which could be wrong, that are covered under another name, or that are none of a user's. */
const others = new Set([
  ..."state stateAsync restore restoreAsync takeEventsAsync takeValuesAsync writeEvents setNodes"
    .split(" ")
    .map((name) => `Kernel.${name}`),
  "NodeCollection.idsIn",
  "new SynapseCollection",
  // They take nothing.
  ..."PrintNodes Prepare Cleanup Rank NumProcesses SyncProcesses GetLocalVPs get_verbosity"
    .split(" ")
    .map((name) => `Kernel.${name}`),
  ..."nodes toString toJSON".split(" ").map((name) => `NodeCollection.${name}`),
  ..."disconnect toString sources targets".split(" ").map((name) => `SynapseCollection.${name}`),
  // As Simulate.
  "Kernel.Run",
  // Those of the default kernel.
  ..."PrintNodes Prepare Run Cleanup Rank NumProcesses SyncProcesses GetLocalVPs".split(" "),
  ..."GetLocalNodeCollection get_verbosity set_verbosity".split(" "),
  // What buildNetwork makes.
  "new BuiltNetwork",
  ..."connect scaleLearningRates connections weights".split(" ").map((name) => `BuiltNetwork.${name}`),
  // They are not a user's.
  ..."takeAway holdLearningRates".split(" ").map((name) => `Kernel.${name}`),
  ..."places oldestOf pick isOf".split(" ").map((name) => `SynapseCollection.${name}`),
  "new Network",
  "Network.read",
  // They take nothing.
  ..."clone state".split(" ").map((name) => `Network.${name}`),
  ..."next result resultAsync close finish".split(" ").map((name) => `Trainer.${name}`),
  "new NESTError",
  "NESTError.toJSON",
  "NESTError.from",
  "NESTError.within",
  // Those of the default kernel are its methods.
  ...functionsOf(nest).filter((name) => `Kernel.${name}` in targets),
]);

it("all of them are tried", () => {
  const all = [
    ...functionsOf(eprop),
    ...functionsOf(nest),
    ...functionsOf(nest.random, "random."),
    ...functionsOf(eprop.tasks, "tasks."),
    ...functionsOf(report, "report.").map((name) =>
      name.startsWith("new ") || name.startsWith("NESTError") ? name : name,
    ),
  ];
  expect(all.filter((name) => !(name in targets) && !others.has(name))).toEqual([]);
});

describe("one wrong argument", () => {
  it.each(Object.keys(targets))("of %s is refused by name, and changes nothing", async (name) => {
    using world = new World();
    const of = targets[name] as (typeof targets)[string];
    const found: string[] = [];
    for (const [at, { names, spares }] of of.parameters.entries()) {
      let before = world.digest();
      const refused: string[] = [];
      for (const [kind, make] of Object.entries(kinds)) {
        const value = make(world);
        if (spares?.(value)) continue;
        const args = of.parameters.map(({ right: [first] }, place) =>
          place === at ? value : first?.(world),
        );
        const outcome = await refusal(of, world, args);
        if (outcome === undefined) {
          // What is accepted may change the kernel.
          if (!/^(Kernel|NodeCollection|SynapseCollection)\./.test(name)) continue;
          before = world.digest();
          refused.length = 0;
          continue;
        }
        refused.push(kind);
        const wrong = complaint(outcome.error);
        if (wrong !== undefined) found.push(`${names[0]} = ${kind}: ${wrong}`);
        const { message } = outcome.error as Error;
        // Without something that is right, the others are wrong, too.
        const alone = of.parameters.every(({ right }, place) => place === at || right.length > 0);
        if (alone && !names.some((known) => message.includes(known))) {
          found.push(`${names[0]} = ${kind}: not named in "${message.slice(0, 200)}"`);
        }
      }
      if (world.digest() !== before)
        found.push(`${names[0]}: the kernel is changed by one of ${refused.join()}`);
    }
    expect(found).toEqual([]);
  });
});

/** Functions of `eprop/nest` by name, each with what it is called on. */
function nestFunctions(world: World): [string, unknown, (...args: unknown[]) => unknown][] {
  const { kernel, nodes, connections } = world;
  const methods = (prefix: string, self: object, names: string[]) =>
    names.map((name) => [`${prefix}${name}`, self, self[name as never]] as [string, unknown, never]);
  const own = (Class: { prototype: object }) =>
    Object.entries(Object.getOwnPropertyDescriptors(Class.prototype))
      .filter(([name, { value }]) => name !== "constructor" && typeof value === "function")
      .map(([name]) => name);
  return [
    ...methods("", kernel, own(Kernel)),
    ...methods("NodeCollection.", nodes, own(nest.NodeCollection)),
    ...methods("SynapseCollection.", connections, own(nest.SynapseCollection)),
    ...Object.entries({ random: nest.random, math: nest.math, logic: nest.logic }).flatMap(([name, of]) =>
      methods(`${name}.`, of, Object.keys(of)),
    ),
    ...methods(
      "",
      nest,
      Object.keys(nest).filter((name) => /^[A-Za-z_]+$/.test(name) && Object.hasOwn(kernel, name)),
    ),
    ["load", Kernel, Kernel.load as never],
  ];
}

describe("arguments beyond those that a function has", () => {
  it("are refused by all functions of eprop/nest, with its name, and change nothing", async () => {
    using world = new World();
    const before = world.digest();
    const functions = nestFunctions(world).filter(([name]) => !lenient.has(name));
    expect(functions.length).toBeGreaterThan(110);
    const found: string[] = [];
    for (const [name, self, call] of functions) {
      for (const surplus of [1, null, "C_m", {}, [0]]) {
        const args = [...Array.from({ length: call.length }, () => undefined), surplus];
        const outcome = await refusal(
          { call: () => Reflect.apply(call, self, args), parameters: [] },
          world,
          [],
        );
        const message = outcome === undefined ? "accepted" : String(outcome.error);
        const takes =
          call.length === 0
            ? "no arguments"
            : call.length === 1
              ? "one argument"
              : `at most ${call.length} arguments`;
        if (!message.includes(`${name} takes ${takes}`) || !message.includes(`argument ${call.length + 1}`))
          found.push(`${name}: ${message}`);
        if (outcome !== undefined && complaint(outcome.error) !== undefined)
          found.push(`${name}: ${message}`);
      }
    }
    expect(found).toEqual([]);
    expect(world.digest()).toBe(before);
  });

  it("are refused by constructors", () => {
    const kernel = new Kernel();
    kernel.Create("parrot_neuron");
    const make = (Class: unknown, ...args: unknown[]) =>
      new (Class as new (...all: unknown[]) => unknown)(...args);
    expect(() => make(Kernel, {}, {})).toThrow(/Kernel takes one argument.*argument 2/);
    expect(() => make(nest.NodeCollection, kernel, [1], true)).toThrow(/NodeCollection takes at most 2/);
    expect(make(nest.NodeCollection, kernel, [1], undefined)).toHaveLength(1);
  });

  it("are left out where they are undefined", () => {
    const kernel = new Kernel();
    const call = kernel.GetStatus as (...args: unknown[]) => unknown;
    const nodes = kernel.Create("eprop_iaf", 2);
    expect(() => call(nodes, "tau_m", "C_m")).toThrow(
      /GetStatus takes at most 2 arguments.*argument 3.*"C_m"/,
    );
    expect(call(nodes, "tau_m", undefined)).toEqual([10, 10]);
  });

  it("reject where a function gives a promise", async () => {
    const kernel = new Kernel();
    const promise = (kernel.SimulateAsync as (...args: unknown[]) => Promise<void>)(0, {}, 1);
    await expect(promise).rejects.toThrow(NESTErrors.TypeMismatch);
  });

  it("are those of a list where a function of one argument is handed to its methods", () => {
    const kernel = new Kernel();
    expect(["resolution", "print_time"].map(kernel.get as never)).toEqual([0.1, false]);
    expect([2, 3].map(nest.random.uniform_int).map(({ first }) => first)).toEqual([2, 3]);
    expect(Array.from(Float64Array.of(1, 2).map(kernel.memory as never))).toHaveLength(2);
    const apart = kernel.get as unknown as (...args: unknown[]) => unknown;
    expect(() => apart("rng_seed", 1, ["rng_seed", "print_time"])).toThrow(/get takes one argument/);
    expect(() => apart("rng_seed", 0)).toThrow(/get takes one argument/);
  });

  it("are those of tests and events where these call a function", async () => {
    const kernel = new Kernel();
    expect(() => (kernel.ResetKernel as (event: unknown) => void)({ task: 1 })).not.toThrow();
    await (kernel.close as (event: unknown) => Promise<void>)("SIGINT");
    expect(JSON.stringify({ nodes: new Kernel().Create("parrot_neuron", 2) })).toBe('{"nodes":[1,2]}');
  });
});

it("histories of calls with arguments of every kind", async () => {
  const seconds = process.env["EPROP_FUZZ_SECONDS"];
  const length = seconds === undefined ? { seconds: 3600, most: 200 } : { seconds: Number(seconds) };
  const { histories, calls, refused } = await fuzzApi({ ...length, seed: fuzzSeed });
  console.log(`API histories: seed ${fuzzSeed}, ${histories} histories, ${calls} calls, ${refused} refused`);
  expect(refused).toBeGreaterThan(0);
  expect(refused).toBeLessThan(calls);
}, 4e6);

describe("NEST's ways to call", () => {
  it("parameters of one node come in place of their number", () => {
    const kernel = new Kernel();
    const meter = kernel.Create("multimeter", { interval: 2, record_from: ["V_m"] });
    expect(meter.length).toBe(1);
    expect(meter.get("interval")).toBe(2);
    expect(() => kernel.Create("multimeter", { interval: 2 } as never, { interval: 3 } as never)).toThrow(
      /given twice/,
    );
  });

  it("positions make no nodes", () => {
    const kernel = new Kernel();
    expect(() => kernel.Create("parrot_neuron", 3, [1, 2, 3] as never)).toThrow(/params\[0\].*dictionary/);
    expect(() =>
      (kernel.Create as (...args: unknown[]) => unknown)("parrot_neuron", 3, null, [1, 2, 3]),
    ).toThrow(NESTErrors.NotImplemented);
    expect(kernel.GetNodes().length).toBe(0);
  });

  it("a name that is taken names no copy", () => {
    const kernel = new Kernel();
    expect(() => kernel.CopyModel("eprop_iaf", "parrot_neuron")).toThrow(NESTErrors.NewModelNameExists);
    kernel.CopyModel("eprop_iaf", "mine");
    expect(() => kernel.CopyModel("eprop_synapse", "mine")).toThrow(NESTErrors.NewModelNameExists);
  });

  it("defaults are single values", () => {
    const kernel = new Kernel();
    expect(() => kernel.SetDefaults("eprop_iaf", { tau_m: nest.random.normal() as never })).toThrow(
      /single value/,
    );
    expect(() => kernel.SetDefaults("static_synapse", { weight: nest.random.normal() as never })).toThrow(
      /single value/,
    );
  });

  it("connections give all their values", () => {
    const kernel = new Kernel();
    const nodes = kernel.Create("parrot_neuron", 2);
    kernel.Connect(nodes, nodes, "one_to_one", { weight: [2, 3], delay: 1 });
    const all = kernel.GetConnections().get();
    expect(all).toMatchObject({
      source: Uint32Array.of(1, 2),
      target: Uint32Array.of(1, 2),
      weight: Float64Array.of(2, 3),
      delay: Float64Array.of(1, 1),
      synapse_model: ["static_synapse", "static_synapse"],
    });
    expect(kernel.GetConnections(1, 2).get()).toMatchObject({
      source: new Uint32Array(0),
      synapse_model: [],
    });
  });

  it("probabilities of a choice are a list", () => {
    const [one, other] = [new NumpyRandom(3), new NumpyRandom(3)];
    expect(one.choice(2, 7, [0.3, 0.7])).toEqual(other.choice(2, 7, Float64Array.of(0.3, 0.7)));
    expect(() => one.choice(3, 7, [0.3, 0.7])).toThrow(/probabilities.*list of 2.*3 probabilities/);
  });
});

describe("collections", () => {
  it("are those of one kernel, until it is reset", () => {
    const [kernel, other] = [new Kernel(), new Kernel()];
    const [nodes, foreign] = [kernel.Create("parrot_neuron", 2), other.Create("parrot_neuron", 2)];
    expect(() => kernel.Connect(nodes, foreign)).toThrow(/targets.*another kernel|another kernel.*targets/);
    expect(() => kernel.SetStatus(foreign, {})).toThrow(/another kernel/);
    expect(() => kernel.SetDefaults("weight_recorder", { senders: foreign })).toThrow(
      /another kernel.*senders/,
    );
    kernel.Connect(nodes, nodes);
    const connections = kernel.GetConnections();
    kernel.ResetKernel();
    kernel.Create("parrot_neuron", 2);
    expect(() => nodes.get("model")).toThrow(NESTErrors.UnknownNode);
    expect(() => nodes.slice(0, 1)).toThrow(/has been reset/);
    expect(() => connections.get("weight")).toThrow(/has been reset/);
  });

  it("of no nodes have nothing to give", () => {
    const nodes = new Kernel().Create("parrot_neuron", 2).slice(0, 0);
    expect(nodes.get()).toEqual({});
    expect(nodes.get("V_m" as string)).toEqual([]);
    expect(nodes.get(["model", "global_id"])).toEqual({ model: [], global_id: [] });
    expect(() => nodes.at(0)).toThrow(/it is empty/);
    expect(() => nodes.get("events" as string)).toThrow(/one recorder/);
  });

  it("of connections are cut as lists are", () => {
    const kernel = new Kernel();
    const nodes = kernel.Create("parrot_neuron", 3);
    kernel.Connect(nodes, nodes, "all_to_all", { delay: 1 });
    const all = kernel.GetConnections();
    const targetsOf = (...args: Parameters<typeof all.slice>) => [...all.slice(...args).get("target")];
    const list = [1, 2, 3, 1, 2, 3, 1, 2, 3];
    expect(targetsOf(-3)).toEqual(list.slice(-3));
    expect(targetsOf(1, -1)).toEqual(list.slice(1, -1));
    expect(targetsOf(0, 9, 4)).toEqual([1, 2, 3]);
    expect(() => all.slice(0, 9, 0)).toThrow(/step/);
  });

  it("of a closed kernel are refused as the kernel is", async () => {
    const kernel = new Kernel();
    const nodes = kernel.Create("parrot_neuron", 2);
    await kernel.close();
    for (const call of [
      () => nodes.get("model"),
      () => nodes.get(),
      () => kernel.GetNodes("parrot_neuron"),
      () => kernel.get(),
    ]) {
      expect(call).toThrow(/kernel is closed/);
    }
    await expect(kernel.SimulateAsync(1)).rejects.toThrow(/kernel is closed/);
  });
});

describe("errors", () => {
  const refused = () => {
    try {
      new Kernel().Create("eprop_iaf", 1, { tau_m: -1 });
    } catch (error) {
      return error as InstanceType<typeof NESTError>;
    }
    throw new Error("it was accepted");
  };
  const fields = ({
    code,
    name,
    message,
    model,
    parameter,
    value,
    bound,
  }: InstanceType<typeof NESTError>) => ({
    code,
    name,
    message,
    model,
    parameter,
    value,
    bound, // prettier-ignore
  });

  it("keep message and fields as JSON", () => {
    const error = refused();
    const data = JSON.parse(JSON.stringify({ error })) as { error: unknown };
    expect(data.error).toEqual(fields(error));
    const again = NESTError.from(data.error) as typeof error;
    expect(again).toBeInstanceOf(NESTErrors.BadProperty);
    expect(fields(again)).toEqual(fields(error));
  });

  it("keep message and fields as a structured clone", () => {
    const error = refused();
    const clone = structuredClone(error);
    expect(clone.message).toBe(error.message);
    expect(clone.stack).toMatch(/^BadProperty: /);
    const again = NESTError.from(clone) as typeof error;
    expect(again).toBeInstanceOf(NESTErrors.BadProperty);
    expect(fields(again)).toEqual(fields(error));
    expect(again.stack).toBe(error.stack);
  });

  it("that are none of ours come back as they are", () => {
    for (const other of [
      new Error("x"),
      null,
      3,
      "x",
      { message: "x", code: "toString" },
      { code: "BadProperty" },
    ]) {
      expect(NESTError.from(other)).toBe(other);
    }
  });
});
