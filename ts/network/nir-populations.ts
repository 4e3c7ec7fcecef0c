/** What a network's populations are as nodes of a graph, and which of them a graph has nodes for. */
import { nestError } from "../core/errors.js";
import { NodeCollection } from "../nest/collections.js";
import { leakyModels } from "../nest/dynamics.js";
import type { Kernel } from "../nest/kernel.js";
import { defaultLoss, lossOf } from "../nest/losses.js";
import type { NIRNode } from "./nir-graph.js";
import { before, leaks, stepOf } from "./nir-numbers.js";

/** Refuses what the representation has no node for. */
export function refuse(message: string, parameter: string, value: string, bound: string): never {
  throw nestError({ code: "NotImplemented", message, parameter, value, bound });
}

/** Whether the model of the first of these nodes has a parameter. */
export function has(nodes: NodeCollection, name: string): boolean {
  return nodes.length > 0 && nodes.kernel.native.parametersOf(nodes.ids[0] as number).includes(name);
}

/** A parameter of each node; `otherwise` where a model does not have it. */
export function values(nodes: NodeCollection, name: string, otherwise = Number.NaN): Float64Array {
  const known = new Map<string, boolean>();
  return Float64Array.from(nodes.ids, (id, at) => {
    const model = nodes.kernel.native.modelOf(id);
    const there = known.get(model) ?? has(nodes.at(at), name);
    known.set(model, there);
    return there ? Number(nodes.at(at).get(name)) : otherwise;
  });
}

/** The nodes among these whose model satisfies a condition. */
function select(nodes: NodeCollection, wanted: (node: NodeCollection) => boolean): NodeCollection {
  const known = new Map<string, boolean>();
  const ids = nodes.ids.filter((id, at) => {
    const model = nodes.kernel.native.modelOf(id);
    const is = known.get(model) ?? wanted(nodes.at(at));
    known.set(model, is);
    return is;
  });
  return new NodeCollection(nodes.kernel, ids);
}

/** Times (ms) in seconds. */
export const seconds = (ms: Float64Array) => ms.map((value) => value / 1000);

/**
 * A population as it is written: decay in a step, what a unit of input adds in a step, the weight that adds 1, and what
 * constant currents add to the input. `r` is 1, since that is all that some programs read.
 */
export function membrane(nodes: NodeCollection, resolution: number) {
  const tau = values(nodes, "tau_m");
  const decay = tau.map((value) => Math.exp(-resolution / value));
  const gain = tau.map((value) => stepOf(resolution, value));
  const regular = values(nodes, "regular_spike_arrival", 1);
  const unit = gain.map((value, at) => (regular[at] === 0 ? 1 : value));
  const [current, capacity] = [values(nodes, "I_e"), values(nodes, "C_m")];
  const bias = current.map((value, at) => ((tau[at] as number) / (capacity[at] as number)) * value);
  const r = new Float64Array(tau.length).fill(1);
  return { tau: seconds(tau), decay, gain, unit, r, bias, leak: values(nodes, "E_L") };
}

/** Neurons that are reset to a voltage: those next to each other that leak, or that do not, as a population. */
export function layer(
  nodes: NodeCollection,
  resolution: number,
): { node: NIRNode; unit: Float64Array; bias: Float64Array } {
  const { tau, decay, r, bias, unit, leak } = membrane(nodes, resolution);
  const [threshold, reset] = [values(nodes, "V_th"), values(nodes, "V_reset")];
  if (leaks(resolution, (tau[0] as number) * 1000)) {
    const node = {
      type: "LIF",
      tau,
      r,
      v_leak: leak,
      v_threshold: threshold.map(before),
      v_reset: reset,
    } as const;
    return { node, unit, bias };
  }
  // An IF begins at 0, and sums what it gets second by second.
  const above = (voltage: Float64Array) => voltage.map((value, at) => value - (leak[at] as number));
  const step = resolution / 1000;
  return {
    node: { type: "IF", r, v_threshold: above(threshold).map(before), v_reset: above(reset) },
    unit: unit.map(() => step),
    // As the neurons do: a current is integrated with the leak alone.
    bias: bias.map((value, at) => (value * (1 - (decay[at] as number))) / step),
  };
}

/** The populations of a network that a graph has nodes for. */
export interface Populations {
  inputs: NodeCollection;
  neurons: NodeCollection;
  readouts: NodeCollection;
}

/** The populations of a kernel. */
export function populationsOf(kernel: Kernel): Populations {
  const all = kernel.GetNodes();
  const isParrot = ({ ids }: NodeCollection) => kernel.native.modelOf(ids[0] as number) === "parrot_neuron";
  return {
    inputs: select(all, (node) => has(node, "spike_times") || isParrot(node)),
    neurons: select(all, (node) => has(node, "surrogate_gradient_function")),
    readouts: select(all, (node) => has(node, "error_signal")),
  };
}

/** Whether these neurons, of which {@link checkPopulations} refused none, are reset to a voltage. */
export const areResetToVoltage = (neurons: NodeCollection) => has(neurons, "V_reset");

/** Refuses neurons whose equations no node of a graph states. */
function checkModels({ kernel, ids }: NodeCollection): void {
  const models = new Set(Array.from(ids, (id) => kernel.native.modelOf(id)));
  for (const model of models) {
    // A copy computes what the model that it is of does.
    const base = String(kernel.GetDefaults(model as "parrot_neuron", "type_id"));
    if (leakyModels.some((name) => name === base)) continue;
    refuse(`neurons of the model ${base} are not written as NIR`, "model", base, leakyModels.join(", "));
  }
}

/** Refuses populations that the representation has no node for. */
export function checkPopulations({ neurons, readouts }: Populations): void {
  for (const population of [neurons, readouts]) {
    checkModels(population);
    const floor = values(population, "V_min").find((value) => value > -Number.MAX_VALUE);
    if (floor !== undefined) {
      refuse("NIR has no lower bound of the voltage", "V_min", `${floor} mV`, "no bound");
    }
  }
  const refractory = values(neurons, "t_ref").find((time) => time > 0);
  if (refractory !== undefined) {
    refuse(
      "NIR has no refractory time",
      "t_ref",
      `${refractory} ms`,
      "0 ms: set t_ref to 0 to write the network without it",
    );
  }
  const shared = has(readouts, "loss")
    ? Array.from(readouts.ids, (_, at) => String(readouts.at(at).get("loss"))).find(
        (loss) => lossOf(loss).isShared,
      )
    : undefined;
  if (shared !== undefined) refuse("NIR has no softmax", "loss", shared, defaultLoss);
  const resets = select(neurons, (node) => has(node, "V_reset")).length;
  if (resets > 0 && resets < neurons.length) {
    refuse(
      "a population of NIR resets all of its neurons in one way",
      "V_reset",
      "some neurons have it",
      "all or none",
    );
  }
  if (resets > 0 && values(neurons, "adapt_beta", 0).some((value) => value !== 0)) {
    refuse("the LIF of NIR has no adaptive threshold", "adapt_beta", "not 0", "0");
  }
}
