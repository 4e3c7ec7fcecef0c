/**
 * A network with its data as the slow programs of this folder take it: plain arrays, in NEST's parameters. It is read
 * from a kernel before that simulates anything; what is computed from it shares nothing with the engine.
 */
import { refuse } from "../core/arguments.js";
import type { NodeCollection } from "../nest/collections.js";
import { dynamicsOf, leakyModels } from "../nest/dynamics.js";
import type { OptimizerParams } from "../nest/models.generated.js";
import { formOf } from "./losses.js";
import { type SurrogateShape, surrogateShapes } from "./surrogate.js";
import type { TaskNetwork } from "../training/network.js";
import { type PopulationDescription, names, populationsOf } from "../tasks/network-description.js";
import type { IterationData, Task } from "../tasks/task.js";

/** The steps that a time (ms) lasts: to the nearest microsecond, and to the end of a step that it ends in. */
const lastingSteps = (time: number, resolution: number): number =>
  Math.ceil(Math.floor(time * 1000 + 0.5) / Math.floor(resolution * 1000 + 0.5));

/** A recurrent neuron. Voltages are relative to the resting one. */
export interface NeuronConstants {
  model: string;
  adapts: boolean;
  /** Hard reset (`V_reset`), or the threshold taken off. */
  hardReset: boolean;
  tau_m: number;
  C_m: number;
  I_e: number;
  V_th: number;
  V_min: number;
  V_reset: number;
  /** The voltage that it begins with. */
  V_m: number;
  /** Steps. */
  refractory: number;
  adapt_beta: number;
  adapt_tau: number;
  regular_spike_arrival: boolean;
  surrogate: SurrogateShape;
  height: number;
  width: number;
  c_reg: number;
  /** Coefficient of voltage regularization. */
  c_voltage: number;
  /** Whether its current learns. */
  learns_bias: boolean;
  /** Spikes per second. */
  f_target: number;
  /** e-prop+: decays of the eligibility trace and of the firing rate; the longest window (steps). */
  kappa: number;
  kappa_reg: number;
  cutoff: number;
  refractory_input: boolean;
}

/** A readout. */
export interface ReadoutConstants {
  tau_m: number;
  C_m: number;
  I_e: number;
  E_L: number;
  V_min: number;
  /** The voltage that it begins with. */
  V_m: number;
  regular_spike_arrival: boolean;
  /** Whether its current learns. */
  learns_bias: boolean;
  /** Share of its target that is spread over all readouts. */
  smoothing: number;
  /** e-prop+: the longest window (steps). */
  cutoff: number;
}

/** Connections of a projection, one entry each: places of sources and targets in their populations. */
export interface Synapses {
  name: string;
  kind: "plastic" | "static" | "feedback";
  from: PopulationDescription["kind"];
  to: PopulationDescription["kind"];
  sources: Uint32Array;
  targets: Uint32Array;
  weights: Float64Array;
  /** Steps. */
  delays: Uint32Array;
  /** The model of its synapses, a copy where it has an optimizer of its own. */
  model: string;
  /** How its weights follow gradients, where they learn. */
  optimizer: OptimizerParams | undefined;
}

/** What is computed. */
export interface Problem {
  family: "interval" | "event";
  resolution: number;
  /** Steps of a sequence. */
  steps: number;
  learningWindow: number;
  sequences: number;
  loss: Task["loss"];
  /** Divide gradients by the learning window. */
  average: boolean;
  inputs: number;
  recurrent: NeuronConstants[];
  readouts: ReadoutConstants[];
  projections: Synapses[];
  /** Input spikes: place `(sequence * steps + step) * inputs + input`. */
  spikes: Uint32Array;
  /** Target of each readout in each step: place `(sequence * steps + step) * readouts + readout`. */
  targets: Float64Array;
}

/** A parameter of all nodes of a population, a number each. */
function column(nodes: NodeCollection, name: string): number[] {
  const value = nodes.get(name);
  return (Array.isArray(value) ? value : [value]).map(Number);
}

function texts(nodes: NodeCollection, name: string): string[] {
  const value = nodes.get(name);
  return (Array.isArray(value) ? value : [value]).map(String);
}

function refuseUncovered(
  parameter: string,
  value: unknown,
  message: string,
  bound = "what the reference program covers",
): never {
  refuse(parameter, value, bound, { code: "NotImplemented", message });
}

/** @throws {@link NESTError} that names a model whose equations the slow programs do not state. */
export function checkModel(model: string): void {
  if (leakyModels.some((name) => name === model)) return;
  refuseUncovered("model", model, `neurons of the model ${model} are not verified`, leakyModels.join(", "));
}

/** The shape of a surrogate gradient by its name. */
function shapeOf(name: string): SurrogateShape {
  if (Object.hasOwn(surrogateShapes, name)) return name as SurrogateShape;
  const bound = Object.keys(surrogateShapes).join(", ");
  return refuseUncovered(
    "surrogate_gradient_function",
    name,
    `surrogate gradients ${name} are not verified`,
    bound,
  );
}

function neuronsOf(nodes: NodeCollection, model: string, resolution: number): NeuronConstants[] {
  checkModel(model);
  const dynamics = dynamicsOf(model);
  const isInterval = dynamics?.rule === "interval";
  const adapts = dynamics?.adapts === true;
  const hardReset = dynamics?.reset === "hard";
  const of = (name: string, there = true, otherwise = 0) =>
    there ? column(nodes, name) : Array.from({ length: nodes.length }, () => otherwise);
  if (isInterval && of("ignore_and_spike").some(Boolean)) {
    refuseUncovered("ignore_and_spike", true, "neurons that fire by the clock are not verified");
  }
  const all = {
    tau_m: of("tau_m"),
    C_m: of("C_m"),
    I_e: of("I_e"),
    E_L: of("E_L"),
    V_th: of("V_th"),
    V_min: of("V_min"),
    V_reset: of("V_reset", hardReset),
    V_m: of("V_m"),
    t_ref: of("t_ref"),
    adapt_beta: of("adapt_beta", adapts),
    adapt_tau: of("adapt_tau", adapts, 1),
    regular: of("regular_spike_arrival", isInterval, 1),
    height: of("surrogate_gradient_height"),
    width: of("surrogate_gradient_width"),
    c_reg: of("c_reg"),
    c_voltage: of("c_voltage", isInterval),
    learns_bias: of("learns_bias", isInterval),
    f_target: of("f_target"),
    kappa: of("kappa", !isInterval),
    kappa_reg: of("kappa_reg", !isInterval),
    cutoff: of("eprop_isi_trace_cutoff", !isInterval, Number.POSITIVE_INFINITY),
    refractory_input: of("refractory_input", hardReset),
  };
  const shapes = texts(nodes, "surrogate_gradient_function");
  return Array.from({ length: nodes.length }, (_, at) => {
    const value = (name: keyof typeof all) => all[name][at] as number;
    return {
      model,
      adapts,
      hardReset,
      tau_m: value("tau_m"),
      C_m: value("C_m"),
      I_e: value("I_e"),
      V_th: value("V_th") - value("E_L"),
      V_min: value("V_min") - value("E_L"),
      V_reset: value("V_reset") - value("E_L"),
      V_m: value("V_m") - value("E_L"),
      refractory: lastingSteps(value("t_ref"), resolution),
      adapt_beta: value("adapt_beta"),
      adapt_tau: value("adapt_tau"),
      regular_spike_arrival: value("regular") !== 0,
      surrogate: shapeOf(shapes[at] as string),
      height: value("height"),
      width: value("width"),
      c_reg: value("c_reg"),
      c_voltage: value("c_voltage"),
      learns_bias: value("learns_bias") !== 0,
      f_target: value("f_target"),
      kappa: value("kappa"),
      kappa_reg: value("kappa_reg"),
      cutoff: lastingSteps(value("cutoff"), resolution),
      refractory_input: value("refractory_input") !== 0,
    };
  });
}

function readoutsOf(nodes: NodeCollection, isInterval: boolean, resolution: number): ReadoutConstants[] {
  const of = (name: string) => column(nodes, name);
  const [tau_m, C_m, I_e, E_L, V_min, V_m] = ["tau_m", "C_m", "I_e", "E_L", "V_min", "V_m"].map(
    of,
  ) as number[][];
  const regular = isInterval ? of("regular_spike_arrival") : undefined;
  const smoothing = isInterval ? of("label_smoothing") : undefined;
  const learns = isInterval ? of("learns_bias") : undefined;
  const cutoff = isInterval ? undefined : of("eprop_isi_trace_cutoff");
  return Array.from({ length: nodes.length }, (_, at) => ({
    tau_m: tau_m?.[at] as number,
    C_m: C_m?.[at] as number,
    I_e: I_e?.[at] as number,
    E_L: E_L?.[at] as number,
    V_min: (V_min?.[at] as number) - (E_L?.[at] as number),
    V_m: (V_m?.[at] as number) - (E_L?.[at] as number),
    regular_spike_arrival: regular === undefined || regular[at] !== 0,
    smoothing: smoothing?.[at] ?? 0,
    learns_bias: learns?.[at] === 1,
    cutoff: cutoff === undefined ? Number.POSITIVE_INFINITY : lastingSteps(cutoff[at] as number, resolution),
  }));
}

/** How the weights of a synapse model follow gradients. A model tells its method as `optimizer`. */
function optimizerOf(network: TaskNetwork, model: string): OptimizerParams {
  const { optimizer } = network.kernel.GetDefaults(model as "eprop_synapse");
  const { optimizer: type = "gradient_descent", ...rest } = optimizer as OptimizerParams;
  return { type, ...rest };
}

/** The connections of each projection, in the order in which the kernel lists them. */
function synapsesOf(network: TaskNetwork, resolution: number): Synapses[] {
  const { built } = network;
  const first = {
    input: built.inputs.ids[0] as number,
    recurrent: built.recurrent.ids[0] as number,
    readout: built.readouts.ids[0] as number,
  };
  return built.projections.map(({ name, kind, model, sources, targets }) => {
    const described = built.description.projections[name] as { from: string | readonly string[]; to: string };
    const kindOf = (of: string | readonly string[]) =>
      (built.description.populations[names(of)[0] as string] as PopulationDescription).kind;
    const [from, to] = [kindOf(described.from), kindOf(described.to)];
    const connections = network.kernel.GetConnections(sources, targets, model as "static_synapse");
    const ends = { source: first[from], target: first[to] };
    const delays = connections.get("delay");
    return {
      name,
      kind,
      from,
      to,
      model,
      optimizer: kind === "plastic" ? optimizerOf(network, model) : undefined,
      sources: Uint32Array.from(connections.get("source"), (id) => id - ends.source),
      targets: Uint32Array.from(connections.get("target"), (id) => id - ends.target),
      weights: Float64Array.from(connections.get("weight")),
      delays: Uint32Array.from(delays, (delay) => Math.round(delay / resolution)),
    };
  });
}

/** The target of each readout in each step. */
export function targetsOf(data: IterationData, rows: number, readouts: number): Float64Array {
  const all = new Float64Array(rows * readouts);
  data.targets.forEach(({ steps, values }, readout) => {
    let value = 0;
    let next = 0;
    for (let row = 0; row < rows; row++) {
      if (steps[next] === row) value = values[next++] as number;
      all[row * readouts + readout] = value;
    }
  });
  return all;
}

/**
 * Reads a network from its kernel.
 *
 * @throws {@link NESTError} that names what the reference programs do not cover.
 */
export function problemOf(network: TaskNetwork, task: Task, data: IterationData): Problem {
  const { built, family } = network;
  const { resolution, steps, learningWindow, batchSize: sequences, loss } = task;
  formOf(loss);
  const recurrent = populationsOf(built.description, "recurrent").flatMap(({ name, model }) =>
    neuronsOf(built.populations[name] as NodeCollection, model, resolution),
  );
  const readouts = populationsOf(built.description, "readout").flatMap(({ name, model }) => {
    checkModel(model);
    return readoutsOf(built.populations[name] as NodeCollection, family === "interval", resolution);
  });
  return {
    family,
    resolution,
    steps,
    learningWindow,
    sequences,
    loss,
    average: built.description.averageGradient === true && family === "interval",
    inputs: built.inputs.length,
    recurrent,
    readouts,
    projections: synapsesOf(network, resolution),
    spikes: data.spikes,
    targets: targetsOf(data, steps * sequences, readouts.length),
  };
}
