import { fields, given, instance, optional } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { NodeCollection } from "../nest/collections.js";
import { Network } from "./network.js";
import { defaultLoss, lossOf } from "../nest/losses.js";
import { withTimeConstants } from "./nir-flatten.js";
import { type Integration, type NIRGraph, type NIRNode, integration, numbersOf } from "./nir-graph.js";
import { before, leaks, quotient, stepOf } from "./nir-numbers.js";

/** Whether the model of the first of these nodes has a parameter. */
function has(nodes: NodeCollection, name: string): boolean {
  return nodes.length > 0 && nodes.kernel.native.parametersOf(nodes.ids[0] as number).includes(name);
}

/** A parameter of each node; `otherwise` where a model does not have it. */
function values(nodes: NodeCollection, name: string, otherwise = Number.NaN): Float64Array {
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

const seconds = (ms: Float64Array) => ms.map((value) => value / 1000);

/**
 * A population as it is written: decay in a step, what a unit of input adds in a step, the weight that adds 1, and what
 * constant currents add to the input. `r` is 1, since that is all that some programs read.
 */
function membrane(nodes: NodeCollection, resolution: number) {
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
function layer(
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

function refuse(message: string, parameter: string, value: string, bound: string): never {
  throw nestError({ code: "NotImplemented", message, parameter, value, bound });
}

/** What a graph is written for. */
export interface NIRExportOptions {
  /**
   * `exact` (the default): time constants are those of the equations. `euler`: those with which a program that takes
   * Euler's steps of the network's resolution decays as the network does.
   */
  integration?: Integration;
}

const exportOptions = fields({ integration: optional(integration) });

/**
 * A network as a graph of the Neuromorphic Intermediate Representation.
 *
 * Leaky integrators (`LI`) with `Threshold`s and `Scale`s between them say what neurons with a reset by subtraction
 * and adaptive thresholds do, `LIF` what those do that are reset to a voltage. In a step, input is a current of the
 * weight's height, and edges from spiking nodes take a step; a longer delay is a `Delay` node. Learning, its signals
 * and recorders are left out.
 *
 * @throws {@link NESTError} that names what the representation has no node for.
 */
export function toNIR(network: Network, options: NIRExportOptions = {}): NIRGraph {
  const { integration: how = "exact" } = given("options", options, exportOptions);
  const graph = exported(network);
  if (how === "exact") return finite(graph);
  const step = (graph.resolution as number) / 1000;
  return finite({
    ...withTimeConstants(graph, (tau) => step / stepOf(step, tau)),
    integration: how,
  });
}

/** A graph whose numbers are finite. */
function finite(graph: NIRGraph): NIRGraph {
  for (const [name, node] of Object.entries(graph.nodes)) {
    for (const [field, list] of numbersOf(node)) {
      const wrong = list.find((value) => !Number.isFinite(value));
      if (wrong === undefined) continue;
      refuse(
        "a graph's numbers would not be finite",
        field,
        `${wrong} for ${field} of the node ${name}`,
        "finite numbers: shorter time constants or smaller weights",
      );
    }
  }
  return graph;
}

/** Nodes of the kernel that are a node of the graph. */
interface Part {
  name: string;
  nodes: NodeCollection;
}

/** A part that connections lead to: the height of an input that adds 1, and the constant input. */
interface Target extends Part {
  unit: Float64Array;
  bias?: Float64Array;
}

function exported(network: Network): NIRGraph {
  const { kernel, resolution } = given("network", network, instance(Network, "a Network"));
  const all = kernel.GetNodes();
  const isParrot = ({ ids }: NodeCollection) => kernel.native.modelOf(ids[0] as number) === "parrot_neuron";
  const inputs = select(all, (node) => has(node, "spike_times") || isParrot(node));
  const neurons = select(all, (node) => has(node, "surrogate_gradient_function"));
  const readouts = select(all, (node) => has(node, "error_signal"));

  for (const population of [neurons, readouts]) {
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
  const hard = resets > 0;
  if (hard && resets < neurons.length) {
    refuse(
      "a population of NIR resets all of its neurons in one way",
      "V_reset",
      "some neurons have it",
      "all or none",
    );
  }
  const beta = values(neurons, "adapt_beta", 0);
  const adapts = beta.some((value) => value !== 0);
  if (adapts && hard) {
    refuse("the LIF of NIR has no adaptive threshold", "adapt_beta", "not 0", "0");
  }

  const nodes: Record<string, NIRNode> = {
    input: { type: "Input", shape: [inputs.length] },
  };
  const edges: [string, string][] = [];
  const input: Part[] = [{ name: "input", nodes: inputs }];
  const spiking: Part[] = hard ? layers() : neurons.length > 0 ? [subtracting()] : [];
  if (readouts.length > 0) {
    const { tau, r, leak, unit, bias } = membrane(readouts, resolution);
    nodes["readouts"] = { type: "LI", tau, r, v_leak: leak };
    const target = { name: "readouts", nodes: readouts, unit };
    connect(input, spiking.length === 0 ? { ...target, bias } : target);
    if (spiking.length > 0) connect(spiking, { ...target, bias });
  }
  nodes["output"] = { type: "Output", shape: [readouts.length > 0 ? readouts.length : neurons.length] };
  if (readouts.length > 0) edges.push(["readouts", "output"]);
  else if (spiking.length === 1) edges.push([(spiking[0] as Part).name, "output"]);
  else sideBySide();
  return { nodes, edges, resolution };

  /** Neurons that are reset to a voltage, in the order of their ids: `LIF`, and `IF` where they do not leak. */
  function layers(): Part[] {
    const leaky = values(neurons, "tau_m").map((tau) => Number(leaks(resolution, tau)));
    const begins = [...leaky.keys()].filter((at) => at === 0 || leaky[at] !== leaky[at - 1]);
    const parts = begins.map((begin, at) => {
      const part = new NodeCollection(kernel, neurons.ids.slice(begin, begins[at + 1]));
      const name = begins.length === 1 ? "neurons" : `neurons_${at + 1}`;
      const { node, ...gains } = layer(part, resolution);
      nodes[name] = node;
      return { name, nodes: part, ...gains };
    });
    // Readers number populations as they come upon them from the input: it leads to all, in their order.
    for (const part of parts) connect(input, part, parts.length > 1);
    for (const { bias: _, ...part } of parts) connect(parts, part);
    return parts;
  }

  /** Neurons whose threshold is subtracted when they fire, perhaps with an adaptive one. */
  function subtracting(): Part {
    const m = membrane(neurons, resolution);
    const threshold = values(neurons, "V_th");
    nodes["neurons"] = { type: "LI", tau: m.tau, r: m.r, v_leak: m.leak };
    nodes["spikes"] = { type: "Threshold", threshold: threshold.map(before) };
    // Once an interval, the threshold is subtracted in the step after the spike, else before the voltage decays.
    const late = has(neurons, "regular_spike_arrival");
    nodes["reset"] = {
      type: "Scale",
      scale: threshold.map((value, at) => {
        const height = value - (m.leak[at] as number);
        return (-height * (late ? 1 : (m.decay[at] as number))) / (m.gain[at] as number);
      }),
    };
    edges.push(["neurons", "spikes"], ["spikes", "reset"], ["reset", "neurons"]);
    if (adapts) {
      const tau = values(neurons, "adapt_tau", 1);
      nodes["adaptation"] = {
        type: "LI",
        tau: seconds(tau),
        r: tau.map((value) => 1 / stepOf(resolution, value)),
        v_leak: new Float64Array(tau.length),
      };
      nodes["adaptive_threshold"] = { type: "Scale", scale: beta.map((value) => -value) };
      edges.push(
        ["spikes", "adaptation"],
        ["adaptation", "adaptive_threshold"],
        ["adaptive_threshold", "spikes"],
      );
    }
    const target = { name: "neurons", nodes: neurons, unit: m.unit };
    connect(input, { ...target, bias: m.bias });
    const part = { name: "spikes", nodes: neurons };
    connect([part], target);
    return part;
  }

  /** The output of several populations: the neurons in order. */
  function sideBySide(): void {
    let first = 0;
    for (const { name, nodes: part } of spiking) {
      const data = new Float64Array(neurons.length * part.length);
      for (let at = 0; at < part.length; at++) data[(first + at) * part.length + at] = 1;
      first += part.length;
      nodes[`${name}_output`] = { type: "Linear", weight: { data, shape: [neurons.length, part.length] } };
      edges.push([name, `${name}_output`], [`${name}_output`, "output"]);
    }
  }

  /** Adds a matrix for each source and delay, and the constant input of the target to the first. */
  function connect(sources: readonly Part[], target: Target, always = false): void {
    const { unit, bias } = target;
    const rows = target.nodes.length;
    const row = new Map(Array.from(target.nodes.ids, (id, at) => [id, at]));
    let constant = bias?.some((value) => value !== 0) ? bias : undefined;
    for (const { name: from, nodes: part } of sources) {
      const columns = part.length;
      const column = new Map(Array.from(part.ids, (id, at) => [id, at]));
      const matrices = new Map<number, Float64Array>();
      const matrix = (delay: number) => {
        const known = matrices.get(delay) ?? new Float64Array(rows * columns);
        matrices.set(delay, known);
        return known;
      };
      if (constant !== undefined || always) matrix(1);
      const found = kernel.GetConnections(part, target.nodes);
      const [source, to, delay, weight] = [
        found.get("source"),
        found.get("target"),
        found.get("delay"),
        found.get("weight"),
      ] as const;
      for (let at = 0; at < source.length; at++) {
        const data = matrix(Math.round((delay[at] as number) / resolution));
        const place =
          (row.get(to[at] as number) as number) * columns + (column.get(source[at] as number) as number);
        data[place] = (data[place] as number) + (weight[at] as number);
      }
      for (const [steps, sums] of matrices) {
        const name = `${from}_${target.name}${steps === 1 ? "" : `_${steps}`}`;
        const data = sums.map((sum, at) => quotient(sum, unit[Math.floor(at / columns)] as number));
        const weights = { data, shape: [rows, columns] as const };
        nodes[name] =
          constant === undefined
            ? { type: "Linear", weight: weights }
            : { type: "Affine", weight: weights, bias: constant };
        constant = undefined;
        edges.push([name, target.name], [delayed(from, columns, steps), name]);
      }
    }
  }

  /** The node that hands on what comes from another after so many steps, the last of which it takes anyway. */
  function delayed(from: string, size: number, steps: number): string {
    if (steps === 1) return from;
    const name = `${from}_delay_${steps}`;
    if (nodes[name] === undefined) edges.push([from, name]);
    nodes[name] ??= { type: "Delay", delay: new Float64Array(size).fill(((steps - 1) * resolution) / 1000) };
    return name;
  }
}
