/** Which neurons the nodes of a graph are: the model of each population, and what it takes. */
import { addTo } from "../core/lists.js";
import { type Dynamics, type ModelsWith, modelsWith } from "../nest/dynamics.js";
import type { NIRGraph, NIRNode } from "./nir-graph.js";
import { after, stepOf } from "./nir-numbers.js";
import { type Path, diagonal, refuse } from "./nir-paths.js";

type NodeOf<T extends NIRNode["type"]> = Extract<NIRNode, { type: T }>;

/** A graph as it is read. */
export interface GraphReading {
  graph: NIRGraph;
  /** Length of a step (ms). */
  resolution: number;
  /** What leads to a node from those with a state. */
  pathsTo: (target: string) => readonly Path[];
}

/** The nodes of a type, with their names. */
export function nodesOf<T extends NIRNode["type"]>({ nodes }: NIRGraph, type: T): [string, NodeOf<T>][] {
  return Object.entries(nodes).filter((entry): entry is [string, NodeOf<T>] => entry[1].type === type);
}

const close = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

/** A time constant (s) in which nothing is forgotten. */
const never = 1e250;

/** The first model whose neurons do that. */
export function modelThat<const D extends Partial<Dynamics>>(wanted: D): ModelsWith<D> {
  return modelsWith(wanted)[0] as ModelsWith<D>;
}

/** How the neurons of a graph are built: the model, and what it takes besides the membrane. */
export interface Spiking {
  /** The node whose spikes they are, and the one that their input arrives at. */
  name: string;
  membrane: string;
  model: ModelsWith<{ role: "recurrent" }>;
  params: Record<string, Float64Array | number>;
  /** Nodes that this accounts for. */
  uses: ReadonlySet<string>;
}

/** What a unit of input in a step adds to the voltage of a neuron that leaks. */
function gainOf(resolution: number, { tau, r }: { tau: Float64Array; r: Float64Array }, at: number): number {
  return stepOf(resolution, (tau[at] as number) * 1000) * (r[at] as number);
}

/**
 * Time constants, leak and gain of an LI, LIF or IF, and what a unit of input in a step adds to the voltage; an IF
 * forgets nothing.
 */
export function membraneOf({ graph, resolution }: GraphReading, name: string) {
  const node = graph.nodes[name] as NodeOf<"LI" | "LIF" | "IF">;
  if (node.type !== "IF") {
    const gain = (at: number) => gainOf(resolution, node, at);
    return { tau: node.tau, leak: node.v_leak, r: node.r, gain };
  }
  const { r } = node;
  return {
    tau: r.map(() => never),
    leak: r.map(() => 0),
    r,
    gain: (at: number) => (resolution / 1000) * (r[at] as number),
  };
}

/** The populations of neurons: layers, from the input on. */
export function layersOf(reading: GraphReading, input: string): Spiking[] {
  const { graph } = reading;
  const integrators = [...nodesOf(graph, "LIF"), ...nodesOf(graph, "IF")];
  const thresholds = nodesOf(graph, "Threshold");
  if (thresholds.length > (integrators.length > 0 ? 0 : 1)) {
    const names = [...integrators, ...thresholds].map(([name]) => name).join(", ");
    refuse(
      "neurons with a Threshold are the only population",
      names,
      "any number of LIF and IF, or one Threshold",
    );
  }
  const order = orderFrom(graph, input);
  const placeOf = (name: string) => order.get(name) ?? -1;
  integrators.sort(([one], [other]) => placeOf(one) - placeOf(other));
  return [...integrators.map(fromLIF), ...thresholds.map((entry) => fromThreshold(reading, entry))];
}

/** The places of nodes that are reached from the input, the nearest first. */
function orderFrom({ edges }: NIRGraph, input: string): Map<string, number> {
  const onward = new Map<string, string[]>();
  for (const [from, to] of edges) addTo(onward, from, to);
  const reached = new Set([input]);
  for (const name of reached) for (const to of onward.get(name) ?? []) reached.add(to);
  return new Map(Array.from(reached, (name, place) => [name, place]));
}

/** Neurons that are reset to a voltage. */
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
function fromThreshold(reading: GraphReading, [name, { threshold }]: [string, NodeOf<"Threshold">]): Spiking {
  const { graph, pathsTo } = reading;
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
  const isLate = isResetLate(reading, name, own.from);
  const [adaptation] = others;
  const model = modelThat({
    role: "recurrent",
    rule: isLate ? "interval" : "plus",
    reset: "subtract",
    adapts: adaptation !== undefined,
  });
  return {
    name,
    membrane: own.from,
    model,
    params: {
      V_th: threshold.map(after),
      ...(adaptation !== undefined && adaptationBy(reading, name, adaptation)),
    },
    uses: new Set([name, own.from, ...(adaptation === undefined ? [] : [adaptation.from])]),
  };
}

/** Whether the threshold of neurons is subtracted in the step after a spike, and not at the spike. */
function isResetLate({ graph, resolution, pathsTo }: GraphReading, name: string, membrane: string): boolean {
  const { threshold } = graph.nodes[name] as NodeOf<"Threshold">;
  const node = graph.nodes[membrane] as NodeOf<"LI">;
  const height = threshold.map((value, at) => after(value) - (node.v_leak[at] as number));
  const resets = pathsTo(membrane).filter((path) => path.from === name && path.delay === 0);
  const reset = resets.map(diagonal).find((found) => found !== undefined);
  const isExpected = (decays: boolean) =>
    height.every((value, at) => {
      const decay = decays ? Math.exp(-resolution / ((node.tau[at] as number) * 1000)) : 1;
      return close(reset?.[at] ?? 0, (-value * decay) / gainOf(resolution, node, at));
    });
  const isLate = isExpected(false);
  if (reset === undefined || (!isLate && !isExpected(true))) {
    return refuse(
      "a Threshold is followed by a reset",
      `the Threshold ${name}`,
      "a Scale back to its LI that subtracts the threshold once, at the spike or in the step after it",
    );
  }
  return isLate;
}

/** The parameters of an adaptive threshold, from what leads to the Threshold besides the voltage. */
function adaptationBy({ graph, resolution, pathsTo }: GraphReading, name: string, adaptation: Path) {
  const gains = diagonal(adaptation);
  const node = graph.nodes[adaptation.from];
  const fed = pathsTo(adaptation.from);
  const isUnit =
    node?.type === "LI" &&
    node.r.every((_, at) => close(gainOf(resolution, node, at), 1)) &&
    node.v_leak.every((leak) => leak === 0);
  if (gains === undefined || !isUnit || fed.length !== 1 || fed[0]?.from !== name || fed[0].matrix) {
    return refuse(
      "an adaptive threshold counts the neuron's own spikes",
      `what the Threshold ${name} gets from ${adaptation.from}`,
      "a Scale of an LI of the spikes that adds 1 a spike",
    );
  }
  return { adapt_beta: gains.map((gain) => -gain), adapt_tau: node.tau.map((tau) => tau * 1000) };
}
