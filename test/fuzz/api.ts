/**
 * Every public function with arguments of every kind, in random order: each call returns, or throws an error of our own
 * that names what was wrong, and leaves the kernel as it was.
 */
import { types } from "node:util";
import * as fc from "./fast-check.js";
import * as eprop from "../../ts/index.js";
import * as nest from "../../ts/nest/index.js";
import { isDictionary } from "../../ts/core/arguments.js";
import * as report from "../../ts/report/index.js";

const { Kernel, NESTError, Network, NumpyRandom, Trainer, tasks } = eprop;

import { type Make, World, values } from "./values.js";

/** A parameter: how messages name it, and what is right. */
interface Parameter {
  names: readonly string[];
  right: readonly Make[];
  /** Whether a value is not tried, since it could be right and do harm. */
  spares?: (value: unknown) => boolean;
}

/** Keys of the dictionaries above: an error about one names it. */
const keys = "tau_n|tau_m|weight|__proto__|constructor|optimizer|distribution|data";

const parameter = (names: string, ...right: Make[]): Parameter => ({ names: names.split("|"), right });
const always =
  (value: unknown): Make =>
  () =>
    value;

const model = parameter("model", always("eprop_iaf_bsshslm_2020"), always("parrot_neuron"));
const ofNodes = (name: string) => parameter(`${name}|node`, ({ nodes }) => nodes, always(1), always([1, 2]));
const whole = (name: string, ...right: number[]) => parameter(name, ...right.map(always));
const noOptions = parameter("options", always(undefined), always({}));
const dictionary = (name: string, ...right: object[]) => parameter(`${name}|${keys}`, ...right.map(always));
const file = (name: string, of: string): Parameter => ({
  names: name.split("|"),
  right: [(world) => world.file(of)],
  // No file is written outside of the folder.
  spares: (value) => typeof value === "string" && value !== "",
});
const time: Parameter = {
  names: ["ms", "simulation time"],
  right: [always(0), always(1), always(5)],
  spares: (value) => typeof value === "number" && value > 1e3 && Number.isFinite(value),
};
const params = dictionary("params", { tau_m: 20 }, { V_m: [1, 2, 3] }, { V_th: eprop.nest.random.uniform() });
const synapse = parameter(`synapse|synapse_model|${keys}`, always("static_synapse"), always({ weight: 2 }));
const ofRecorder = parameter("recorder", ({ recorder }) => recorder);
const values64 = parameter("probabilities", always([0.3, 0.7]));
const never = (name: string) => ({ ...parameter(name), right: [] });
const draws = (name: string) => whole(name, 0, 1, 5);

let copies = 0;

/** A public function. */
interface Target {
  call: (world: World, ...args: never[]) => unknown;
  parameters: readonly Parameter[];
}

const target = (call: (world: World, ...args: never[]) => unknown, ...parameters: Parameter[]): Target => ({
  call,
  parameters,
});

/** A method of something in the world. */
function method<K extends "kernel" | "nodes" | "connections" | "random" | "network">(
  of: K,
  name: string,
  ...list: Parameter[]
) {
  const call = (world: World, ...args: unknown[]) =>
    (world[of] as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args);
  return target(call as Target["call"], ...list);
}

/** A function of a module. */
function plain(call: (...args: never[]) => unknown, ...list: Parameter[]): Target {
  return target(((_world: World, ...args: never[]) => call(...args)) as Target["call"], ...list);
}

const make =
  <A extends unknown[]>(Class: new (...args: A) => unknown) =>
  (...args: A) =>
    new Class(...args);
const taskOptions = parameter(`options|${keys}`, always({ iterations: 1 }));
const trainOptions = parameter("options", always({}), always({ threads: 1, record: true }));

type TaskName = "sineWaves" | "nMnist";

/** Functions that make tasks. */
function taskMakers(names: string, options: typeof taskOptions): Record<string, Target> {
  const each = names
    .split(" ")
    .map((name) => [`tasks.${name}`, plain(tasks[name as TaskName], options)] as const);
  return Object.fromEntries(each);
}

/** Every public function, by name. */
export const targets: Readonly<Record<string, Target>> = {
  "new Kernel": plain(make(Kernel) as never, { ...parameter("options", always(undefined)) }),
  "Kernel.load": plain(Kernel.load.bind(Kernel), file("path", "missing")),
  "Kernel.ResetKernel": method("kernel", "ResetKernel"),
  "Kernel.set": method("kernel", "set", dictionary("values", { rng_seed: 3 }, { print_time: true })),
  "Kernel.get": method("kernel", "get", parameter("name", always(undefined), always("resolution"))),
  "Kernel.Create": method(
    "kernel",
    "Create",
    model,
    whole(`n|params|${keys}`, 1, 2, 3),
    params,
    parameter("positions", always(undefined)),
  ),
  "Kernel.GetNodes": method("kernel", "GetNodes", model),
  "Kernel.SetStatus": method(
    "kernel",
    "SetStatus",
    parameter("nodes|connections|has no parameter", ({ nodes }) => nodes),
    params,
  ),
  "Kernel.GetLocalNodeCollection": method("kernel", "GetLocalNodeCollection", ofNodes("nodes")),
  "Kernel.set_verbosity": method("kernel", "set_verbosity", whole("verbosity", 30)),
  "Kernel.GetStatus": method(
    "kernel",
    "GetStatus",
    parameter("nodes|connections|there is no value", ({ nodes }) => nodes),
    parameter("name|there is no value", always("V_m")),
  ),
  "Kernel.SetDefaults": method("kernel", "SetDefaults", model, dictionary("values", { tau_m: 3 }, {})),
  "Kernel.GetDefaults": method("kernel", "GetDefaults", model),
  "Kernel.CopyModel": method(
    "kernel",
    "CopyModel",
    parameter("existing|model", always("eprop_iaf")),
    parameter("copy", () => `copy ${++copies}`),
    dictionary("values", { tau_m: 3 }),
  ),
  "Kernel.Connect": method(
    "kernel",
    "Connect",
    ofNodes("sources"),
    ofNodes("targets"),
    parameter(`rule|${keys}`, always("all_to_all"), always({ rule: "one_to_one" })),
    synapse,
  ),
  "Kernel.GetConnections": method(
    "kernel",
    "GetConnections",
    ofNodes("source"),
    ofNodes("target"),
    parameter("synapse_model|synapse model", always("static_synapse")),
  ),
  "Kernel.SetKernelStatus": method(
    "kernel",
    "SetKernelStatus",
    dictionary("values", { wfr_tol: 0.5 }, { print_time: true }),
  ),
  "Kernel.GetKernelStatus": method(
    "kernel",
    "GetKernelStatus",
    parameter("name", always("resolution"), always(["resolution", "rng_seed"]), always(undefined)),
  ),
  "Kernel.Disconnect": method(
    "kernel",
    "Disconnect",
    ofNodes("sources"),
    ofNodes("targets"),
    parameter("rule|sources", always("one_to_one"), always({ rule: "all_to_all" })),
    parameter("synapse", always("static_synapse"), always({ synapse_model: "static_synapse" })),
  ),
  "Kernel.Simulate": method("kernel", "Simulate", time),
  "Kernel.SimulateAsync": method("kernel", "SimulateAsync", time, noOptions),
  "Kernel.events": method("kernel", "events", ofRecorder),
  "Kernel.takeEvents": method("kernel", "takeEvents", ofRecorder),
  "Kernel.fileOf": method("kernel", "fileOf", ofRecorder),
  "Kernel.extendSpikes": method(
    "kernel",
    "extendSpikes",
    parameter("generators|node", ({ kernel }) => kernel.GetNodes("spike_generator")),
    whole("begin|spikes", 1000),
    parameter("spikes", always(Uint32Array.of(0, 1))),
  ),
  "Kernel.extendAmplitudes": method(
    "kernel",
    "extendAmplitudes",
    parameter("generators|node", ({ kernel }) => kernel.GetNodes("step_rate_generator")),
    whole("begin|changes", 1000),
    parameter("changes", always([{ steps: Uint32Array.of(), values: Float64Array.of() }])),
  ),
  "Kernel.evaluate": method(
    "kernel",
    "evaluate",
    ofRecorder,
    dictionary("sequences", { steps: 5, learningWindow: 2, batchSize: 1 }),
  ),
  "Kernel.takeLosses": method("kernel", "takeLosses", ofRecorder),
  "Kernel.memory": method("kernel", "memory"),
  "Kernel.save": method(
    "kernel",
    "save",
    file("path", "kernel.safetensors"),
    parameter("options", always(undefined), always({ gather: true })),
  ),
  "Kernel.gradientNorm": method("kernel", "gradientNorm"),
  "Kernel.takeGradientNorms": method("kernel", "takeGradientNorms"),
  "Kernel.spikeCount": method("kernel", "spikeCount"),
  "Kernel.takeIntervalSpikes": method("kernel", "takeIntervalSpikes"),
  "Kernel.close": target(({ closed }) => closed.close()),
  "new NodeCollection": target(
    (_world, ...args: never[]) => new nest.NodeCollection(...(args as unknown as [never, never])),
    parameter("kernel", ({ kernel }) => kernel),
    parameter("ids", always(Uint32Array.of(1))),
  ),
  "NodeCollection.at": method("nodes", "at", whole("place", 0, 1, -1)),
  "NodeCollection.slice": method(
    "nodes",
    "slice",
    whole("begin", 0, 1, -1),
    whole("end", 2, -1),
    whole("step", 1, 2),
  ),
  "NodeCollection.pick": method("nodes", "pick", parameter("places", always([0, -1]), always([]))),
  "NodeCollection.equals": method(
    "nodes",
    "equals",
    parameter("other", ({ recorder }) => recorder),
  ),
  "NodeCollection.concat": method(
    "nodes",
    "concat",
    parameter("other", ({ recorder }) => recorder),
  ),
  "NodeCollection.set": method("nodes", "set", params),
  "NodeCollection.get": method(
    "nodes",
    "get",
    parameter("names|there is no value|recorder", always("V_m"), always(undefined), always(["V_m", "model"])),
  ),
  "SynapseCollection.at": method("connections", "at", whole("place", 0, 1, -1)),
  "SynapseCollection.equals": method(
    "connections",
    "equals",
    parameter("other", ({ connections }) => connections),
  ),
  "SynapseCollection.slice": method(
    "connections",
    "slice",
    whole("begin", 0, 1),
    whole("end", 5),
    whole("step", 1, 2),
  ),
  "SynapseCollection.get": method(
    "connections",
    "get",
    parameter("names|there is no value", always("weight"), always(undefined), always(["source", "delay"])),
  ),
  "SynapseCollection.set": method("connections", "set", dictionary("values", { weight: 0.2 })),
  CollocatedSynapses: plain(nest.CollocatedSynapses, {
    ...parameter("synapses", always("static_synapse"), always({ weight: 2 })),
    // Connect says which models there are.
    spares: (value) => typeof value === "string" || (!types.isProxy(value) && isDictionary(value)),
  }),
  "random.normal": plain(nest.random.normal, dictionary("options", { mean: 1 })),
  "random.uniform": plain(nest.random.uniform, dictionary("options", { max: 2 })),
  "random.uniform_int": plain(nest.random.uniform_int, whole("max", 3)),
  "random.lognormal": plain(nest.random.lognormal, dictionary("options", { std: 2 })),
  "random.exponential": plain(nest.random.exponential, dictionary("options", { beta: 2 })),
  "new NumpyRandom": plain(make(NumpyRandom) as never, whole("seed", 0, 7)),
  "NumpyRandom.seed": method("random", "seed", whole("seed", 0, 7)),
  "NumpyRandom.random": method("random", "random", draws("n")),
  "NumpyRandom.skip": method("random", "skip", draws("n")),
  "NumpyRandom.rand": method("random", "rand", draws("rows"), draws("columns")),
  "NumpyRandom.randn": method("random", "randn", draws("rows"), draws("columns")),
  "NumpyRandom.uniform": method("random", "uniform", whole("low", 0), whole("high", 1), draws("n")),
  "NumpyRandom.randint": method("random", "randint", whole("low|high", 0), whole("high", 10), draws("n")),
  "NumpyRandom.choice": method("random", "choice", whole("choices|probabilities", 2), draws("n"), values64),
  "NumpyRandom.permutation": method("random", "permutation", draws("n")),
  "NumpyRandom.spikesBelow": method(
    "random",
    "spikesBelow",
    values64,
    whole("inputs", 2),
    parameter("rows", always(Uint32Array.of(0, 0))),
  ),
  "NumpyRandom.state": target(
    ({ random }, state: never) => (random.state = state),
    parameter("state", ({ random }) => random.state),
  ),
  "Network.of": plain(
    Network.of.bind(Network),
    parameter("kernel|no neurons to use", ({ kernel }) => kernel),
  ),
  "Network.load": plain(Network.load.bind(Network), file("path", "missing")),
  "Network.save": method("network", "save", file("path", "network.safetensors")),
  "Network.reset": method("network", "reset"),
  "Network.infer": method(
    "network",
    "infer",
    parameter("spikes|tau_n", always({ times: [], senders: [] })),
    time,
  ),
  "Network.inferAsync": method(
    "network",
    "inferAsync",
    parameter("spikes|tau_n", always({ times: [], senders: [] })),
    time,
    noOptions,
  ),
  "Network.inferMany": method(
    "network",
    "inferMany",
    parameter("sequences|spikes|tau_n", always([{ times: [], senders: [] }])),
    time,
    noOptions,
  ),
  "Network.weights": method("network", "weights", never("projection")),
  "Network.restore": method("network", "restore", never("bytes")),
  toNIR: plain(
    eprop.toNIR,
    parameter("network|t_ref", ({ network }) => network),
  ),
  fromNIR: plain(eprop.fromNIR, never("graph"), whole("resolution", 1)),
  writeNIR: plain(eprop.writeNIR, file("path", "graph.nir"), never("graph")),
  readNIR: plain(eprop.readNIR, file("path|file", "missing")),
  "new Trainer": plain(
    make(Trainer) as never,
    parameter("task", ({ task }) => task),
    trainOptions,
  ),
  "Trainer.resume": plain(
    Trainer.resume.bind(Trainer),
    file("path", "missing"),
    parameter("options|file", always({})),
  ),
  "Trainer.save": target(
    ({ task }, path: never) => new Trainer(task).save(path),
    file("path", "training.checkpoint"),
  ),
  "Trainer.observe": target(
    ({ task }, observer: never) => new Trainer(task).observe(observer),
    parameter("observer", always({ wants: () => false, sample: () => undefined })),
  ),
  train: plain(
    (task: never, options: never) => eprop.train(task, options).next(),
    never("task"),
    trainOptions,
  ),
  trainToEnd: plain(eprop.trainToEnd, never("task"), trainOptions),
  threadBudget: plain(eprop.threadBudget),
  setThreadBudget: plain(eprop.setThreadBudget, whole("threads", 1, 2)),
  sweep: plain(eprop.sweep, parameter("task", always("sine-waves")), never("grid"), noOptions),
  meanInterval: plain(eprop.meanInterval, parameter("values", always([1, 2]))),
  quartiles: plain(eprop.quartiles, parameter("values", always([1, 2]))),
  collectSweep: plain(eprop.collectSweep, never("folder")),
  ...taskMakers("sineWaves sineWavesPlus lemniscate infiniteLoop handwriting", taskOptions),
  ...taskMakers("evidenceAccumulation storeRecall delayedMatch", taskOptions),
  ...taskMakers("nMnist shd ssc dvsGesture psmnist", {
    ...taskOptions,
    names: [...taskOptions.names, "data"],
  }),
  "tasks.learningRate": plain(tasks.learningRate, never("of")),
  "tasks.layeredNetwork": plain(tasks.layeredNetwork, never("of"), never("random")),
  "tasks.builtNetwork": plain(tasks.builtNetwork, {
    ...never("build"),
    // It is called; what it throws is its own.
    spares: (value) => typeof value === "function",
  }),
  buildNetwork: plain(eprop.buildNetwork, never("kernel"), never("network")),
  "tasks.taskNamed": plain(tasks.taskNamed, parameter("name", always("sine-waves"))),
  "tasks.findTask": plain(tasks.findTask, parameter("name|task", always("sine-waves"))),
  "tasks.commonOptions": plain(
    tasks.commonOptions,
    parameter("task", always("mine")),
    parameter("options", always({})),
    parameter("defaults|tau_n", always({ iterations: 1, batchSize: 1 })),
  ),
  "tasks.taskParameters": plain(
    tasks.taskParameters as never,
    parameter("task", always("mine")),
    parameter("table|parameter", always({})),
    parameter("values|parameter", always({})),
  ),
  "report.figuresOf": plain(report.figuresOf, never("run")),
  "report.renderPng": plain(report.renderPng, never("svg"), whole("width", 10)),
  "report.renderSvg": plain(report.renderSvg, never("figure"), parameter("scheme", always("dark"))),
  "report.specificationOf": plain(
    report.specificationOf,
    never("figure"),
    parameter("scheme", always("dark")),
  ),
  "report.readRunFolder": plain(report.readRunFolder, file("folder", "missing")),
  "report.runData": plain(report.runData, never("result")),
  "report.writeRunFolder": plain(report.writeRunFolder, file("path", "run"), never("result")),
  "report.writeComparison": plain(
    report.writeComparison,
    parameter("folders|folder", always(["missing"])),
    file("file", "comparison.html"),
  ),
  "report.writeReport": plain(
    report.writeReport,
    file("folder", "report"),
    never("run"),
    parameter("scheme", always("dark")),
  ),
};

/** Functions that others call with what they have to say, as tests and events do. */
export const lenient: ReadonlySet<string> = new Set(["ResetKernel", "close", "NodeCollection.toJSON"]);

/** How many arguments a method takes that refuses more; `undefined` of all others. */
function mostOf(name: string): number | undefined {
  const [of = "", method_ = ""] = name.split(".");
  const { Kernel: kernel, NodeCollection, SynapseCollection } = nest;
  const Class = new Map<string, object>(
    Object.entries({ Kernel: kernel, NodeCollection, SynapseCollection }),
  ).get(of);
  const { prototype } = (Class ?? {}) as { prototype?: Record<string, unknown> };
  const call = prototype?.[method_];
  const isLenient = lenient.has(name.replace("Kernel.", ""));
  return typeof call === "function" && !isLenient ? call.length : undefined;
}

/** What is wrong with how a call was refused; undefined where nothing is. */
export function complaint(error: unknown): string | undefined {
  if (!(error instanceof NESTError)) return `an error that is none of ours: ${String(error)}`;
  if (error.code === "InternalError") return `an internal error: ${error.message}`;
  if (
    /napi|convert .* into|\bundefined \(|is not a function|Cannot (read|convert)|`\w+`/i.test(error.message)
  ) {
    return `a raw message: ${error.message}`;
  }
  if (error.message.length > 1e5 + 2000) return "a message of more than is readable";
  return undefined;
}

/** Calls a function; gives what it threw. */
export async function refusal(
  of: Target,
  world: World,
  args: readonly unknown[],
): Promise<{ error: unknown } | undefined> {
  try {
    await of.call(world, ...(args as never[]));
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** What there is to try, by parameter. */
export const kinds = values;
export { World };

/** What a run of {@link fuzzApi} did. */
export interface FuzzedApi {
  seed: number;
  histories: number;
  calls: number;
  refused: number;
}

/**
 * Random histories of calls, shrunk where one is not as it should be.
 *
 * @param seconds How long at most.
 * @param most How many histories at most.
 * @throws What fast-check says of the shortest history that fails, with the seed.
 */
export async function fuzzApi({
  seconds,
  seed,
  most = Number.MAX_SAFE_INTEGER,
}: {
  seconds: number;
  seed: number;
  most?: number;
}): Promise<FuzzedApi> {
  // Calls of a kernel come more often: they stand on one another.
  const names = Object.keys(targets).flatMap((name): string[] =>
    /^(Kernel|NodeCollection|SynapseCollection)\./.test(name) ? Array(4).fill(name) : [name],
  );
  const made = Object.keys(values);
  const counts: FuzzedApi = { seed, histories: 0, calls: 0, refused: 0 };
  const argument = fc.record({ right: fc.boolean(), pick: fc.nat(1000) });
  const call = fc.record({
    name: fc.constantFrom(...names),
    args: fc.array(argument, { minLength: 4, maxLength: 4 }),
  });
  const history = fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 25 }), async (calls) => {
    using world = new World();
    counts.histories += 1;
    let before = world.digest();
    for (const { name, args } of calls) {
      const of = targets[name] as Target;
      const given = of.parameters.map(({ right, spares }, at) => {
        const { right: isRight, pick } = args[at] as { right: boolean; pick: number };
        const [first] = right;
        if (isRight && first !== undefined) return (right[pick % right.length] as Make)(world);
        const value = (values[made[pick % made.length] as string] as Make)(world);
        return spares?.(value) ? undefined : value;
      });
      // Now and then there is one more than the function has.
      const takes = (args[0] as { pick: number }).pick % 8 === 0 ? mostOf(name) : undefined;
      if (takes !== undefined) given[takes] = "one more";
      const outcome = await refusal(of, world, given);
      if (takes !== undefined && !/ takes .*argument/.test(String(outcome?.error)))
        throw new Error(`${name} takes more arguments than it has`);
      const after = world.digest();
      counts.calls += 1;
      if (outcome !== undefined) {
        counts.refused += 1;
        const wrong = complaint(outcome.error);
        if (wrong !== undefined) throw new Error(`${name}: ${wrong}`);
        if (after !== before) throw new Error(`${name} was refused and changed the kernel`);
      }
      before = after;
    }
  });
  await fc.assert(history, {
    seed,
    numRuns: most,
    interruptAfterTimeLimit: seconds * 1000,
    markInterruptAsFailure: false,
    endOnFailure: false,
  });
  return counts;
}
