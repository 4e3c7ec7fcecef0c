import { fields, given, instance, optional } from "../core/arguments.js";
import { NodeCollection } from "../nest/collections.js";
import { Network } from "./network.js";
import { withTimeConstants } from "./nir-flatten.js";
import { type Integration, type NIRGraph, type NIRNode, integration, numbersOf } from "./nir-graph.js";
import { before, leaks, quotient, stepOf } from "./nir-numbers.js";
import {
  checkPopulations,
  has,
  layer,
  membrane,
  populationsOf,
  refuse,
  areResetToVoltage,
  seconds,
  values,
} from "./nir-populations.js";

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

/** Places in a list, by id. */
const placesOf = (ids: Uint32Array) => new Map(Array.from(ids, (id, at) => [id, at]));

/** A graph that grows: its nodes and edges so far, and connections of a kernel as more of them. */
class GraphBuilder {
  readonly nodes: Record<string, NIRNode> = {};
  readonly edges: [string, string][] = [];
  /** Length of a step (ms). */
  readonly resolution: number;

  constructor(resolution: number) {
    this.resolution = resolution;
  }

  /** Adds a matrix for each source and delay, and the constant input of the target to the first. */
  connect(sources: readonly Part[], target: Target, always = false): void {
    const { unit, bias } = target;
    const rows = placesOf(target.nodes.ids);
    let constant = bias?.some((value) => value !== 0) ? bias : undefined;
    for (const { name: from, nodes } of sources) {
      const columns = nodes.length;
      const matrices = this.#matrices(nodes, target.nodes, rows, constant !== undefined || always);
      for (const [steps, sums] of matrices) {
        const name = `${from}_${target.name}${steps === 1 ? "" : `_${steps}`}`;
        const data = sums.map((sum, at) => quotient(sum, unit[Math.floor(at / columns)] as number));
        const weight = { data, shape: [rows.size, columns] as const };
        this.nodes[name] =
          constant === undefined ? { type: "Linear", weight } : { type: "Affine", weight, bias: constant };
        constant = undefined;
        this.edges.push([name, target.name], [this.#delayed(from, columns, steps), name]);
      }
    }
  }

  /**
   * The sums of weights between nodes by the steps of their delay: rows per target, columns per source.
   *
   * @param rows The row of each target.
   * @param always Whether there is a matrix of one step without connections, too: the first.
   */
  #matrices(
    sources: NodeCollection,
    targets: NodeCollection,
    rows: ReadonlyMap<number, number>,
    always: boolean,
  ): Map<number, Float64Array> {
    const columns = placesOf(sources.ids);
    const matrices = new Map<number, Float64Array>();
    const matrix = (steps: number) => {
      const known = matrices.get(steps) ?? new Float64Array(targets.length * sources.length);
      matrices.set(steps, known);
      return known;
    };
    if (always) matrix(1);
    const found = targets.kernel.GetConnections(sources, targets);
    const [source, to, delay, weight] = [
      found.get("source"),
      found.get("target"),
      found.get("delay"),
      found.get("weight"),
    ] as const;
    for (let at = 0; at < source.length; at++) {
      const data = matrix(Math.round((delay[at] as number) / this.resolution));
      const row = rows.get(to[at] as number) as number;
      const place = row * sources.length + (columns.get(source[at] as number) as number);
      data[place] = (data[place] as number) + (weight[at] as number);
    }
    return matrices;
  }

  /** The node that hands on what comes from another after so many steps, the last of which it takes anyway. */
  #delayed(from: string, size: number, steps: number): string {
    if (steps === 1) return from;
    const name = `${from}_delay_${steps}`;
    if (this.nodes[name] === undefined) this.edges.push([from, name]);
    const delay = ((steps - 1) * this.resolution) / 1000;
    this.nodes[name] ??= { type: "Delay", delay: new Float64Array(size).fill(delay) };
    return name;
  }
}

/** The graph of a network, whatever its numbers. */
function exported(network: Network): NIRGraph {
  const { kernel, resolution } = given("network", network, instance(Network, "a Network"));
  const populations = populationsOf(kernel);
  checkPopulations(populations);
  const { inputs, neurons, readouts } = populations;
  const graph = new GraphBuilder(resolution);
  graph.nodes["input"] = { type: "Input", shape: [inputs.length] };
  const input = { name: "input", nodes: inputs };
  const spiking = addNeurons(graph, neurons, input);
  if (readouts.length > 0) addReadouts(graph, readouts, input, spiking);
  addOutput(graph, neurons, readouts, spiking);
  return { nodes: graph.nodes, edges: graph.edges, resolution };
}

/** Adds the neurons of a network: the nodes whose values are their spikes. */
function addNeurons(graph: GraphBuilder, neurons: NodeCollection, input: Part): Part[] {
  if (areResetToVoltage(neurons)) return addLayers(graph, neurons, input);
  return neurons.length > 0 ? [addSubtracting(graph, neurons, input)] : [];
}

/** Adds neurons that are reset to a voltage, in the order of their ids: `LIF`, and `IF` where they do not leak. */
function addLayers(graph: GraphBuilder, neurons: NodeCollection, input: Part): Part[] {
  const { resolution } = graph;
  const leaky = values(neurons, "tau_m").map((tau) => Number(leaks(resolution, tau)));
  const begins = [...leaky.keys()].filter((at) => at === 0 || leaky[at] !== leaky[at - 1]);
  const parts = begins.map((begin, at) => {
    const part = new NodeCollection(neurons.kernel, neurons.ids.slice(begin, begins[at + 1]));
    const name = begins.length === 1 ? "neurons" : `neurons_${at + 1}`;
    const { node, ...gains } = layer(part, resolution);
    graph.nodes[name] = node;
    return { name, nodes: part, ...gains };
  });
  // Readers number populations as they come upon them from the input: it leads to all, in their order.
  for (const part of parts) graph.connect([input], part, parts.length > 1);
  for (const { bias: _, ...part } of parts) graph.connect(parts, part);
  return parts;
}

/** Adds neurons whose threshold is subtracted when they fire, perhaps with an adaptive one. */
function addSubtracting(graph: GraphBuilder, neurons: NodeCollection, input: Part): Part {
  const { nodes, edges } = graph;
  const m = membrane(neurons, graph.resolution);
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
  addAdaptation(graph, neurons);
  const target = { name: "neurons", nodes: neurons, unit: m.unit };
  graph.connect([input], { ...target, bias: m.bias });
  const part = { name: "spikes", nodes: neurons };
  graph.connect([part], target);
  return part;
}

/** Adds what raises the threshold of neurons with each of their spikes, if anything does. */
function addAdaptation({ nodes, edges, resolution }: GraphBuilder, neurons: NodeCollection): void {
  const beta = values(neurons, "adapt_beta", 0);
  if (beta.every((value) => value === 0)) return;
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

/** Adds the readouts of a network. Their constant input comes with the spikes, or with the input if there are none. */
function addReadouts(graph: GraphBuilder, readouts: NodeCollection, input: Part, spiking: Part[]): void {
  const { tau, r, leak, unit, bias } = membrane(readouts, graph.resolution);
  graph.nodes["readouts"] = { type: "LI", tau, r, v_leak: leak };
  const target = { name: "readouts", nodes: readouts, unit };
  graph.connect([input], spiking.length === 0 ? { ...target, bias } : target);
  if (spiking.length > 0) graph.connect(spiking, { ...target, bias });
}

/** Adds the output of a network: its readouts, or the neurons where there are none. */
function addOutput(
  graph: GraphBuilder,
  neurons: NodeCollection,
  readouts: NodeCollection,
  spiking: Part[],
): void {
  const size = readouts.length > 0 ? readouts.length : neurons.length;
  graph.nodes["output"] = { type: "Output", shape: [size] };
  if (readouts.length > 0) graph.edges.push(["readouts", "output"]);
  else if (spiking.length === 1) graph.edges.push([(spiking[0] as Part).name, "output"]);
  else addSideBySide(graph, neurons.length, spiking);
}

/** Adds what makes one output of several populations: their neurons in order. */
function addSideBySide({ nodes, edges }: GraphBuilder, neurons: number, spiking: Part[]): void {
  let first = 0;
  for (const { name, nodes: part } of spiking) {
    const data = new Float64Array(neurons * part.length);
    for (let at = 0; at < part.length; at++) data[(first + at) * part.length + at] = 1;
    first += part.length;
    nodes[`${name}_output`] = { type: "Linear", weight: { data, shape: [neurons, part.length] } };
    edges.push([name, `${name}_output`], [`${name}_output`, "output"]);
  }
}
