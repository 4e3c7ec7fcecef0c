import { fields, given, instance, optional } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { NodeCollection } from "../nest/collections.js";
import { Network } from "./network.js";
import { defaultLoss, lossOf } from "../nest/losses.js";
import { withTimeConstants } from "./nir-flatten.js";
import { type Integration, type NIRGraph, type NIRNode, integration } from "./nir-graph.js";

/** The number before `value`: what is above it is at least `value`. */
function before(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  const bits = new BigInt64Array(new Float64Array([value]).buffer);
  bits[0] = (bits[0] as bigint) + (value > 0 ? -1n : 1n);
  return new Float64Array(bits.buffer)[0] as number;
}

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
 * A population as it is written: decay in a step, gain of a unit of input, the current that a weight stands for, and
 * what constant currents add to it. `r` is 1, since that is all that some programs read.
 */
function membrane(nodes: NodeCollection, resolution: number) {
  const tau = values(nodes, "tau_m");
  const decay = tau.map((value) => Math.exp(-resolution / value));
  const regular = values(nodes, "regular_spike_arrival", 1);
  const gain = decay.map((alpha, at) => (regular[at] === 0 ? 1 - alpha : 1));
  const r = gain.map((value, at) => value / (1 - (decay[at] as number)));
  const [current, capacity] = [values(nodes, "I_e"), values(nodes, "C_m")];
  const bias = current.map((value, at) => ((tau[at] as number) / (capacity[at] as number)) * value);
  const one = new Float64Array(tau.length).fill(1);
  return { tau: seconds(tau), decay, scale: r, r: one, bias, leak: values(nodes, "E_L") };
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
  if (how === "exact") return graph;
  const step = (graph.resolution as number) / 1000;
  return {
    ...withTimeConstants(graph, (tau) => step / -Math.expm1(-step / tau)),
    integration: how,
  };
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
  const spiking = neurons.length === 0 ? undefined : hard ? "neurons" : "spikes";
  if (spiking !== undefined) {
    const m = membrane(neurons, resolution);
    const threshold = values(neurons, "V_th");
    if (spiking === "neurons") {
      nodes["neurons"] = {
        type: "LIF",
        tau: m.tau,
        r: m.r,
        v_leak: m.leak,
        v_threshold: threshold.map(before),
        v_reset: values(neurons, "V_reset"),
      };
    } else {
      nodes["neurons"] = { type: "LI", tau: m.tau, r: m.r, v_leak: m.leak };
      nodes["spikes"] = { type: "Threshold", threshold: threshold.map(before) };
      // Once an interval, the threshold is subtracted in the step after the spike, else before the voltage decays.
      const late = has(neurons, "regular_spike_arrival");
      nodes["reset"] = {
        type: "Scale",
        scale: threshold.map((value, at) => {
          const height = value - (m.leak[at] as number);
          return (-height * (late ? 1 : (m.decay[at] as number))) / (1 - (m.decay[at] as number));
        }),
      };
      edges.push(["neurons", "spikes"], ["spikes", "reset"], ["reset", "neurons"]);
      if (adapts) {
        const tau = values(neurons, "adapt_tau", 1);
        nodes["adaptation"] = {
          type: "LI",
          tau: seconds(tau),
          r: tau.map((value) => 1 / (1 - Math.exp(-resolution / value))),
          v_leak: new Float64Array(tau.length),
        };
        nodes["adaptive_threshold"] = { type: "Scale", scale: beta.map((value) => -value) };
        edges.push(
          ["spikes", "adaptation"],
          ["adaptation", "adaptive_threshold"],
          ["adaptive_threshold", "spikes"],
        );
      }
    }
    connect("input", inputs, "neurons", neurons, m.scale, m.bias);
    connect(spiking, neurons, "neurons", neurons, m.scale);
  }
  if (readouts.length > 0) {
    const m = membrane(readouts, resolution);
    nodes["readouts"] = { type: "LI", tau: m.tau, r: m.r, v_leak: m.leak };
    connect("input", inputs, "readouts", readouts, m.scale, spiking === undefined ? m.bias : undefined);
    if (spiking !== undefined) connect(spiking, neurons, "readouts", readouts, m.scale, m.bias);
  }
  const last = readouts.length > 0 ? "readouts" : spiking;
  nodes["output"] = { type: "Output", shape: [readouts.length > 0 ? readouts.length : neurons.length] };
  if (last !== undefined) edges.push([last, "output"]);
  return { nodes, edges, resolution };

  /** Adds a matrix for each delay between two populations, and the constant input of the target to the first. */
  function connect(
    from: string,
    sources: NodeCollection,
    to: string,
    targets: NodeCollection,
    scale: Float64Array,
    bias?: Float64Array,
  ): void {
    const [row, column] = [targets, sources].map(
      ({ ids }) => new Map(Array.from(ids, (id, at) => [id, at])),
    ) as [Map<number, number>, Map<number, number>];
    const matrices = new Map<number, Float64Array>();
    const matrix = (delay: number) => {
      const known = matrices.get(delay) ?? new Float64Array(targets.length * sources.length);
      matrices.set(delay, known);
      return known;
    };
    if (bias?.some((value) => value !== 0)) matrix(1);
    const found = kernel.GetConnections(sources, targets);
    const [source, target, delay, weight] = [
      found.get("source"),
      found.get("target"),
      found.get("delay"),
      found.get("weight"),
    ] as const;
    for (let at = 0; at < source.length; at++) {
      const data = matrix(Math.round((delay[at] as number) / resolution));
      const of = row.get(target[at] as number) as number;
      const place = of * sources.length + (column.get(source[at] as number) as number);
      data[place] = (data[place] as number) + (weight[at] as number) * (scale[of] as number);
    }
    const constant = bias?.some((value) => value !== 0) ? bias : undefined;
    [...matrices].forEach(([steps, data], at) => {
      const name = `${from}_${to}${steps === 1 ? "" : `_${steps}`}`;
      const shape = [targets.length, sources.length] as const;
      nodes[name] =
        constant !== undefined && at === 0
          ? { type: "Affine", weight: { data, shape }, bias: constant }
          : { type: "Linear", weight: { data, shape } };
      edges.push([name, to]);
      if (steps === 1) {
        edges.push([from, name]);
        return;
      }
      const delayed = `${from}_delay_${steps}`;
      nodes[delayed] = {
        type: "Delay",
        delay: new Float64Array(sources.length).fill(((steps - 1) * resolution) / 1000),
      };
      edges.push([from, delayed], [delayed, name]);
    });
  }
}
