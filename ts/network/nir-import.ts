import { addTo } from "../core/lists.js";
import { type Dynamics, type ModelsWith, type NeuronModel, modelsWith } from "../nest/dynamics.js";
import { dynamics } from "../nest/models.generated.js";
import { fields, given, number, optional } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { Kernel } from "../nest/kernel.js";
import type { NodeCollection } from "../nest/collections.js";
import { Network } from "./network.js";
import { withTimeConstants } from "./nir-flatten.js";
import { withSizes } from "./nir-shapes.js";
import { type Integration, type NIRGraph, type NIRNode, integration, nirGraph } from "./nir-graph.js";
import { after, leaks, longest, stepOf } from "./nir-numbers.js";
import { type Path, diagonal, eachEntry, identity, pathsThrough, refuse } from "./nir-paths.js";

type NodeOf<T extends NIRNode["type"]> = Extract<NIRNode, { type: T }>;

const close = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

/** A time constant (s) in which nothing is forgotten. */
const never = 1e250;

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

/** The first model whose neurons do that. */
function modelThat<const D extends Partial<Dynamics>>(wanted: D): ModelsWith<D> {
  return modelsWith(wanted)[0] as ModelsWith<D>;
}

/** How the neurons of a graph are built: the model, and what it takes besides the membrane. */
interface Spiking {
  /** The node whose spikes they are, and the one that their input arrives at. */
  name: string;
  membrane: string;
  model: ModelsWith<{ role: "recurrent" }>;
  params: Record<string, Float64Array | number>;
  /** Nodes that this accounts for. */
  uses: ReadonlySet<string>;
}

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

function imported(graph: NIRGraph, resolution: number): Network {
  const entries = Object.entries(graph.nodes);
  const named = <T extends NIRNode["type"]>(type: T) =>
    entries.filter((entry): entry is [string, NodeOf<T>] => entry[1].type === type);
  const [inputs, outputs] = [named("Input"), named("Output")];
  if (inputs.length !== 1 || outputs.length !== 1) {
    refuse(
      "a network has one input and one output",
      `${inputs.length} inputs, ${outputs.length} outputs`,
      "one Input and one Output",
    );
  }
  const [[input, { shape }]] = inputs as [[string, NodeOf<"Input">]];
  const stateful = new Set(["Input", "Output", "LI", "IF", "LIF", "Threshold"]);
  const holds = (name: string) => stateful.has(graph.nodes[name]?.type ?? "");

  const pathsTo = pathsThrough(graph, holds);

  const kernel = new Kernel();
  kernel.set({ resolution });
  const size = shape.reduce((product, length) => product * length, 1);
  const generators = kernel.Create("spike_generator", size);
  const decayOf = (tau: number) => Math.exp(-resolution / (tau * 1000));
  const gainOf = ({ tau, r }: { tau: Float64Array; r: Float64Array }, at: number) =>
    stepOf(resolution, (tau[at] as number) * 1000) * (r[at] as number);

  const integrators = [...named("LIF"), ...named("IF")];
  const thresholds = named("Threshold");
  if (thresholds.length > (integrators.length > 0 ? 0 : 1)) {
    const names = [...integrators, ...thresholds].map(([name]) => name).join(", ");
    refuse(
      "neurons with a Threshold are the only population",
      names,
      "any number of LIF and IF, or one Threshold",
    );
  }
  /** Nodes from the input on, the nearest first. */
  const onward = new Map<string, string[]>();
  for (const [from, to] of graph.edges) addTo(onward, from, to);
  const reached = new Set([input]);
  for (const name of reached) for (const to of onward.get(name) ?? []) reached.add(to);
  const order = new Map(Array.from(reached, (name, place) => [name, place]));
  const placeOf = (name: string) => order.get(name) ?? -1;
  integrators.sort(([one], [other]) => placeOf(one) - placeOf(other));
  /** The populations of neurons: layers, from the input on. */
  const populations = [...integrators.map(fromLIF), ...thresholds.map(fromThreshold)];
  const late = populations.some(({ model }) => dynamics[model].rule === "interval");
  if (late) kernel.set({ eprop_reset_neurons_on_update: false });

  const [output] = outputs.map(([name]) => name) as [string];
  const ends = pathsTo(output);
  const names = populations.map(({ name }) => name);
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
  const readoutName = ends.map(({ from }) => from).find((from) => graph.nodes[from]?.type === "LI");
  const used = new Set([
    ...populations.flatMap(({ uses }) => [...uses]),
    ...(readoutName === undefined ? [] : [readoutName]),
  ]);
  const unused = named("LI").find(([name]) => !used.has(name));
  if (unused !== undefined) {
    refuse(
      "an LI is part of a neuron or a readout",
      `the LI ${unused[0]}`,
      "an edge to a Threshold or the Output",
    );
  }

  const neurons = new Map(
    populations.map(({ name, model, membrane, params }) => [
      name,
      build(model, membrane, { ...params, t_ref: 0, ...(late && { regular_spike_arrival: true as const }) }),
    ]),
  );
  const readouts =
    readoutName === undefined
      ? undefined
      : build(modelThat({ role: "readout", rule: late ? "interval" : "plus" }), readoutName, {});
  for (const { name, membrane, uses } of populations) {
    wire(membrane, neurons.get(name) as NodeCollection, uses);
  }
  if (readoutName !== undefined && readouts !== undefined) wire(readoutName, readouts, new Set());
  return Network.of(kernel);

  function fromLIF([name, node]: [string, NodeOf<"LIF" | "IF">]): Spiking {
    return {
      name,
      membrane: name,
      model: "eprop_iaf_psc_delta",
      params: { V_th: node.v_threshold.map(after), V_reset: node.v_reset },
      uses: new Set([name]),
    };
  }

  /** Neurons made of an LI, a Threshold, a reset by subtraction and perhaps an adaptation, as `toNIR` writes them. */
  function fromThreshold([name, { threshold }]: [string, NodeOf<"Threshold">]): Spiking {
    const paths = pathsTo(name);
    const own = paths.find(({ from, matrix }) => matrix === undefined && graph.nodes[from]?.type === "LI");
    const others = paths.filter((path) => path !== own);
    if (own === undefined || others.length > 1) {
      return refuse(
        "a Threshold follows one LI",
        `the Threshold ${name}`,
        "an edge from the LI that it follows",
      );
    }
    const membrane = graph.nodes[own.from] as NodeOf<"LI">;
    const height = threshold.map((value, at) => after(value) - (membrane.v_leak[at] as number));
    const resets = pathsTo(own.from).filter((path) => path.from === name && path.delay === 0);
    const reset = resets.map(diagonal).find((found) => found !== undefined);
    const expected = (decays: boolean) =>
      height.every((value, at) => {
        const decay = decayOf(membrane.tau[at] as number);
        return close(reset?.[at] ?? 0, (-value * (decays ? decay : 1)) / gainOf(membrane, at));
      });
    const resetsLate = expected(false);
    if (reset === undefined || (!resetsLate && !expected(true))) {
      return refuse(
        "a Threshold is followed by a reset",
        `the Threshold ${name}`,
        "a Scale back to its LI that subtracts the threshold once, at the spike or in the step after it",
      );
    }
    const params: Record<string, Float64Array> = { V_th: threshold.map(after) };
    const uses = new Set([name, own.from]);
    const [adaptation] = others;
    if (adaptation !== undefined) {
      const gains = diagonal(adaptation);
      const node = graph.nodes[adaptation.from];
      const fed = pathsTo(adaptation.from);
      const unit =
        node?.type === "LI" &&
        node.r.every((_, at) => close(gainOf(node, at), 1)) &&
        node.v_leak.every((leak) => leak === 0);
      if (gains === undefined || !unit || fed.length !== 1 || fed[0]?.from !== name || fed[0].matrix) {
        return refuse(
          "an adaptive threshold counts the neuron's own spikes",
          `what the Threshold ${name} gets from ${adaptation.from}`,
          "a Scale of an LI of the spikes that adds 1 a spike",
        );
      }
      params["adapt_beta"] = gains.map((gain) => -gain);
      params["adapt_tau"] = node.tau.map((tau) => tau * 1000);
      uses.add(adaptation.from);
    }
    const model = modelThat({
      role: "recurrent",
      rule: resetsLate ? "interval" : "plus",
      reset: "subtract",
      adapts: adaptation !== undefined,
    });
    return { name, membrane: own.from, model, params, uses };
  }

  /** Creates the neurons or readouts of an LI or LIF. */
  function build(model: NeuronModel, name: string, params: object): NodeCollection {
    const { tau, leak, r, gain } = membraneOf(name);
    const current = new Float64Array(tau.length);
    for (const { bias } of pathsTo(name)) {
      bias?.forEach((value, at) => (current[at] = (current[at] as number) + value));
    }
    // A current is integrated with the leak alone: where there is none, the least that there is.
    const ms = tau.map((value, at) =>
      current[at] === 0 || leaks(resolution, value * 1000) ? value * 1000 : resolution * longest,
    );
    return kernel.Create(model, tau.length, {
      C_m: 1,
      E_L: leak,
      V_m: leak,
      tau_m: ms,
      I_e: current.map((value, at) =>
        leaks(resolution, (tau[at] as number) * 1000)
          ? (value * (r[at] as number)) / (ms[at] as number)
          : (value * gain(at)) / resolution,
      ),
      ...(dynamics[model].role === "readout" &&
        dynamics[model].rule === "interval" && { regular_spike_arrival: true }),
      ...params,
    } as object);
  }

  /**
   * Time constants, leak and gain of an LI or LIF, and what a unit of input in a step adds to the voltage; an IF forgets
   * nothing.
   */
  function membraneOf(name: string) {
    const node = graph.nodes[name] as NodeOf<"LI" | "LIF" | "IF">;
    if (node.type !== "IF") {
      return { tau: node.tau, leak: node.v_leak, r: node.r, gain: (at: number) => gainOf(node, at) };
    }
    const { r } = node;
    return {
      tau: r.map(() => never),
      leak: r.map(() => 0),
      r,
      gain: (at: number) => (resolution / 1000) * (r[at] as number),
    };
  }

  /** Connects what reaches an LI, LIF or IF, but for a reset. */
  function wire(name: string, targets: NodeCollection, own: ReadonlySet<string>): void {
    let isReset = graph.nodes[name]?.type === "LI" && own.size > 0;
    const { gain } = membraneOf(name);
    for (const path of pathsTo(name)) {
      const sources = path.from === input ? generators : neurons.get(path.from);
      if (sources === undefined) {
        refuse(
          "only spikes reach neurons",
          `an edge from ${path.from} to ${name}`,
          "the Input or spiking neurons",
        );
      }
      if (isReset && sources !== generators && path.delay === 0 && diagonal(path) !== undefined) {
        isReset = false;
        continue;
      }
      const matrix = path.matrix ?? identity(targets.length);
      const count = matrix.data.length;
      if (count === 0) continue;
      const [from, to] = [new Uint32Array(count), new Uint32Array(count)];
      const weight = new Float64Array(count);
      const { ids } = sources;
      let entry = 0;
      eachEntry(matrix, (row, column, value) => {
        from[entry] = ids[column] as number;
        to[entry] = targets.ids[row] as number;
        weight[entry++] = value * gain(row);
      });
      const steps = 1 + Math.round((path.delay * 1000) / resolution);
      if (Math.abs((steps - 1) * resolution - path.delay * 1000) > 1e-6 * resolution) {
        refuse(
          "delays are whole numbers of steps",
          `${path.delay} s on the way from ${path.from} to ${name}`,
          `multiples of ${resolution / 1000} s`,
        );
      }
      const plastic = late ? "eprop_synapse_bsshslm_2020" : "eprop_synapse";
      kernel.Connect(from, to, "one_to_one", {
        // Synapses that learn have a delay of one step.
        synapse_model: steps === 1 ? plastic : "static_synapse",
        weight,
        delay: steps * resolution,
      });
    }
  }
}
