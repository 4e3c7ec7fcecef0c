import type { Dynamics, NeuronModel } from "../nest/dynamics.js";
import { dynamics } from "../nest/models.generated.js";
import { fields, given, number, optional } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { Kernel } from "../nest/kernel.js";
import type { NodeCollection } from "../nest/collections.js";
import { Network } from "./network.js";
import { withTimeConstants } from "./nir-flatten.js";
import { withSizes } from "./nir-shapes.js";
import { type Integration, type NIRGraph, type NIRNode, integration, nirGraph } from "./nir-graph.js";
import { type GraphReading, type Spiking, layersOf, membraneOf, modelThat, nodesOf } from "./nir-neurons.js";
import { leaks, longest } from "./nir-numbers.js";
import { type Matrix, type Path, diagonal, eachEntry, identity, pathsThrough, refuse } from "./nir-paths.js";

/** How a graph is read. */
export interface NIRImportOptions {
  /**
   * How its time constants are meant: `euler` where the network was trained with Euler's steps of the same length. As the
   * graph says (`integration`) if left out, or else `exact`.
   */
  integration?: Integration;
}

const importOptions = fields({ integration: optional(integration) });

/**
 * A network from a graph of the Neuromorphic Intermediate Representation.
 *
 * @param resolution Length of a step (ms); that of the graph if left out. A graph that names none, as other programs
 *   write it, needs it.
 * @throws {@link NESTError} that names what eprop has no model for.
 */
export function fromNIR(graph: NIRGraph, resolution?: number, options: NIRImportOptions = {}): Network {
  const checked = given("graph", graph, nirGraph);
  const how = given("options", options, importOptions).integration ?? checked.integration ?? "exact";
  const step = resolution ?? checked.resolution;
  if (step === undefined) {
    throw nestError({
      code: "ValueError",
      message: "the graph does not say how long a step is, and its equations leave it open",
      parameter: "resolution",
      value: "nothing",
      bound: "the length of a step (ms): that which the network was trained with",
    });
  }
  const ms = given("resolution", step, number());
  const whole = withSizes(checked);
  return imported(how === "exact" ? whole : withTimeConstants(whole, eulers(ms / 1000)), ms);
}

/** The time constant with which a voltage decays in a step (s) as Euler's step says. */
const eulers = (step: number) => (tau: number, name: string) => {
  if (tau > step) return -step / Math.log1p(-step / tau);
  return refuse(
    "Euler's step goes beyond the end of the decay",
    `tau = ${tau} s of the node ${name}`,
    `time constants above the step, ${step} s`,
  );
};

/** Types of the nodes that have a state, and of those where values come in and go out. */
const stateful: ReadonlySet<string> = new Set(["Input", "Output", "LI", "IF", "LIF", "Threshold"]);

/** The network of a graph in which each neuron has its own parameters. */
function imported(graph: NIRGraph, resolution: number): Network {
  const { input, inputs, output } = endsOf(graph);
  const pathsTo = pathsThrough(graph, (name) => stateful.has(graph.nodes[name]?.type ?? ""));
  const reading = { graph, resolution, pathsTo };
  const kernel = new Kernel();
  kernel.set({ resolution });
  const generators = kernel.Create("spike_generator", inputs);
  const layers = layersOf(reading, input);
  const readout = readoutOf(reading, output, layers);
  const rule = layers.some(({ model }) => dynamics[model].rule === "interval") ? "interval" : "plus";
  if (rule === "interval") kernel.set({ eprop_reset_neurons_on_update: false });
  const builder = new NetworkBuilder(reading, kernel, rule);
  builder.senders.set(input, generators);
  const neurons = layers.map((layer) => builder.addNeurons(layer));
  const readouts = readout === undefined ? undefined : builder.addReadouts(readout);
  for (const [at, { membrane }] of layers.entries()) {
    builder.connect(membrane, neurons[at] as NodeCollection, graph.nodes[membrane]?.type === "LI");
  }
  if (readout !== undefined && readouts !== undefined) builder.connect(readout, readouts, false);
  return Network.of(kernel);
}

/** The names of the nodes where values come in and go out, and how many come in. */
function endsOf(graph: NIRGraph): { input: string; inputs: number; output: string } {
  const [inputs, outputs] = [nodesOf(graph, "Input"), nodesOf(graph, "Output")];
  const [[first], [last]] = [inputs, outputs];
  if (first === undefined || last === undefined || inputs.length !== 1 || outputs.length !== 1) {
    return refuse(
      "a network has one input and one output",
      `${inputs.length} inputs, ${outputs.length} outputs`,
      "one Input and one Output",
    );
  }
  const [input, { shape }] = first;
  return { input, inputs: shape.reduce((product, length) => product * length, 1), output: last[0] };
}

/** The LI that is the readout, if there is one. Refuses another output, and an LI that is neither it nor of a neuron. */
function readoutOf({ graph, pathsTo }: GraphReading, output: string, layers: Spiking[]): string | undefined {
  const ends = pathsTo(output);
  const names = layers.map(({ name }) => name);
  for (const { from, matrix, delay } of areSideBySide(ends, names) ? [] : ends) {
    const { type } = graph.nodes[from] as NIRNode;
    if (
      ends.length !== 1 ||
      matrix !== undefined ||
      delay !== 0 ||
      (type !== "LI" && !names.includes(from))
    ) {
      refuse(
        "the output is that of one population, or of all neurons side by side, without weights of its own",
        `what leads from the ${type} ${from} to ${output}`,
        "an edge from an LI or from the neurons, without a delay",
      );
    }
  }
  const readout = ends.map(({ from }) => from).find((from) => graph.nodes[from]?.type === "LI");
  const used = new Set([
    ...layers.flatMap(({ uses }) => [...uses]),
    ...(readout === undefined ? [] : [readout]),
  ]);
  const unused = nodesOf(graph, "LI").find(([name]) => !used.has(name));
  if (unused !== undefined) {
    refuse(
      "an LI is part of a neuron or a readout",
      `the LI ${unused[0]}`,
      "an edge to a Threshold or the Output",
    );
  }
  return readout;
}

/** Whether an output is that of all populations, one after the other, as `toNIR` writes that of several. */
function areSideBySide(ends: readonly Path[], populations: readonly string[]): boolean {
  let first = 0;
  const endOf = new Map(ends.map((end) => [end.from, end]));
  return (
    ends.length === populations.length &&
    populations.every((name) => {
      const end = endOf.get(name);
      if (end?.matrix === undefined || end.delay !== 0) return false;
      const { columns, data } = end.matrix;
      let inOrder = data.length === columns && (end.bias?.every((value) => value === 0) ?? true);
      eachEntry(end.matrix, (row, column, value) => (inOrder &&= row === first + column && value === 1));
      first += columns;
      return inOrder;
    })
  );
}

/** A kernel that grows: the neurons, readouts and connections of a graph. */
class NetworkBuilder {
  /** Nodes of the kernel that send spikes, by the node of the graph that they are. */
  readonly senders = new Map<string, NodeCollection>();
  readonly #reading: GraphReading;
  readonly #kernel: Kernel;
  readonly #rule: Dynamics["rule"];

  /** @param rule That of all its neurons and readouts. */
  constructor(reading: GraphReading, kernel: Kernel, rule: Dynamics["rule"]) {
    this.#reading = reading;
    this.#kernel = kernel;
    this.#rule = rule;
  }

  /** Creates the neurons of a layer. */
  addNeurons({ name, model, membrane, params }: Spiking): NodeCollection {
    const neurons = this.#create(model, membrane, { ...params, t_ref: 0 });
    this.senders.set(name, neurons);
    return neurons;
  }

  /** Creates the readouts of an LI. */
  addReadouts(name: string): NodeCollection {
    return this.#create(modelThat({ role: "readout", rule: this.#rule }), name, {});
  }

  /** Creates the neurons or readouts of an LI, LIF or IF. */
  #create(model: NeuronModel, name: string, params: object): NodeCollection {
    const { resolution, pathsTo } = this.#reading;
    const { tau, leak, r, gain } = membraneOf(this.#reading, name);
    const current = new Float64Array(tau.length);
    for (const { bias } of pathsTo(name)) {
      bias?.forEach((value, at) => (current[at] = (current[at] as number) + value));
    }
    // A current is integrated with the leak alone: where there is none, the least that there is.
    const ms = tau.map((value, at) =>
      current[at] === 0 || leaks(resolution, value * 1000) ? value * 1000 : resolution * longest,
    );
    return this.#kernel.Create(model, tau.length, {
      C_m: 1,
      E_L: leak,
      V_m: leak,
      tau_m: ms,
      I_e: current.map((value, at) =>
        leaks(resolution, (tau[at] as number) * 1000)
          ? (value * (r[at] as number)) / (ms[at] as number)
          : (value * gain(at)) / resolution,
      ),
      ...params,
      ...(this.#rule === "interval" && { regular_spike_arrival: true }),
    } as object);
  }

  /**
   * Connects what reaches an LI, LIF or IF.
   *
   * @param hasReset Whether one of the paths from spikes is a reset, which is no connection.
   */
  connect(name: string, targets: NodeCollection, hasReset: boolean): void {
    const { graph, pathsTo } = this.#reading;
    const { gain } = membraneOf(this.#reading, name);
    let isReset = hasReset;
    for (const path of pathsTo(name)) {
      const sources = this.senders.get(path.from);
      if (sources === undefined) {
        refuse(
          "only spikes reach neurons",
          `an edge from ${path.from} to ${name}`,
          "the Input or spiking neurons",
        );
      }
      const fromNeurons = graph.nodes[path.from]?.type !== "Input";
      if (isReset && fromNeurons && path.delay === 0 && diagonal(path) !== undefined) {
        isReset = false;
        continue;
      }
      const matrix = path.matrix ?? identity(targets.length);
      if (matrix.data.length > 0) {
        this.#connectBy(matrix, sources, targets, { gain, steps: this.#stepsOf(path, name) });
      }
    }
  }

  /** Makes a connection of each entry of a matrix; its weight is the entry times the gain of its row. */
  #connectBy(
    matrix: Matrix,
    sources: NodeCollection,
    targets: NodeCollection,
    { gain, steps }: { gain: (row: number) => number; steps: number },
  ): void {
    const count = matrix.data.length;
    const [from, to] = [new Uint32Array(count), new Uint32Array(count)];
    const weight = new Float64Array(count);
    const { ids } = sources;
    let entry = 0;
    eachEntry(matrix, (row, column, value) => {
      from[entry] = ids[column] as number;
      to[entry] = targets.ids[row] as number;
      weight[entry++] = value * gain(row);
    });
    const plastic = this.#rule === "interval" ? "eprop_synapse_bsshslm_2020" : "eprop_synapse";
    this.#kernel.Connect(from, to, "one_to_one", {
      // Synapses that learn have a delay of one step.
      synapse_model: steps === 1 ? plastic : "static_synapse",
      weight,
      delay: steps * this.#reading.resolution,
    });
  }

  /** The steps that spikes take on a path to a node. */
  #stepsOf({ from, delay }: Path, name: string): number {
    const { resolution } = this.#reading;
    const steps = 1 + Math.round((delay * 1000) / resolution);
    if (Math.abs((steps - 1) * resolution - delay * 1000) > 1e-6 * resolution) {
      refuse(
        "delays are whole numbers of steps",
        `${delay} s on the way from ${from} to ${name}`,
        `multiples of ${resolution / 1000} s`,
      );
    }
    return steps;
  }
}
