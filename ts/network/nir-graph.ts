import {
  type Check,
  dictionary,
  fields,
  list,
  number,
  numbers,
  oneOf,
  optional,
  refuse,
  text,
  u32,
  whole,
  wholes,
} from "../core/arguments.js";
import type { NumberMatrix } from "../random/index.js";

/** Numbers of a population, one a neuron. */
type Values = Float64Array;

/** Nodes of the Neuromorphic Intermediate Representation that eprop writes and reads. Times are in seconds. */
export type NIRNode =
  | { type: "Input"; shape: readonly number[] }
  | { type: "Output"; shape: readonly number[] }
  | { type: "Linear"; weight: NumberMatrix }
  | { type: "Affine"; weight: NumberMatrix; bias: Values }
  | { type: "Scale"; scale: Values }
  | { type: "Delay"; delay: Values }
  | { type: "Threshold"; threshold: Values }
  | { type: "LI"; tau: Values; r: Values; v_leak: Values }
  | { type: "IF"; r: Values; v_threshold: Values; v_reset: Values }
  | { type: "LIF"; tau: Values; r: Values; v_leak: Values; v_threshold: Values; v_reset: Values };

/** The fields of each type of node that are numbers. */
export const nodeFields = {
  Input: [],
  Output: [],
  Linear: ["weight"],
  Affine: ["weight", "bias"],
  Scale: ["scale"],
  Delay: ["delay"],
  Threshold: ["threshold"],
  LI: ["tau", "r", "v_leak"],
  IF: ["r", "v_threshold", "v_reset"],
  LIF: ["tau", "r", "v_leak", "v_threshold", "v_reset"],
} as const satisfies Record<NIRNode["type"], readonly string[]>;

/**
 * The numbers of a node by field.
 *
 * @internal
 */
export function numbersOf(node: NIRNode): (readonly [string, Values])[] {
  const values = node as unknown as Record<string, Values | NumberMatrix>;
  return nodeFields[node.type].map((field) => {
    const value = values[field] as Values | NumberMatrix;
    return [field, value instanceof Float64Array ? value : (value.data as Values)] as const;
  });
}

/** Fields that graphs of older versions lack: the value that they stand for. */
export const missingFields: Readonly<Record<string, number>> = { v_reset: 0 };

/**
 * Types of nodes that there is no model for: why. Others have no neurons that learn by e-prop, either.
 *
 * @internal
 */
export const unsupported: Readonly<Record<string, string>> = {
  CubaLIF:
    "its neurons filter their input with a time constant of its own; those of eprop take spikes as they come",
  CubaLI:
    "its neurons filter their input with a time constant of its own; those of eprop take spikes as they come",
  I: "an integrator without a leak is no readout of eprop's; an LI is",
  Conv1d: "connections are matrices; write a convolution as a Linear",
  Conv2d: "connections are matrices; write a convolution as a Linear",
  SumPool2d: "connections are matrices; write a pooling as a Linear",
  AvgPool2d: "connections are matrices; write a pooling as a Linear",
};

/** A graph of the Neuromorphic Intermediate Representation (Pedersen et al. 2024). */
export interface NIRGraph {
  readonly nodes: Readonly<Record<string, NIRNode>>;
  readonly edges: readonly (readonly [string, string])[];
  /** Length of a step (ms) that the network was simulated with, where it is known. */
  readonly resolution?: number;
  /** How its time constants are meant: `exact` if left out. */
  readonly integration?: Integration;
}

/**
 * How a voltage decays in a step $\Delta t$: by $e^{-\Delta t/\tau}$, the solution of the equation, or by
 * $1 - \Delta t/\tau$, Euler's step, as programs for training compute it.
 */
export type Integration = "exact" | "euler";

/** @internal */
export const integration: Check<Integration> = oneOf("exact", "euler");

const types = Object.keys(nodeFields) as NIRNode["type"][];

const matrix: Check<NumberMatrix> = {
  allowed: "a matrix: data and shape",
  read(value, at) {
    const { data, shape } = fields({ data: numbers, shape: list(whole(0, u32), "rows and columns") }).read(
      value,
      at,
    );
    const [rows = 0, columns = 0] = shape;
    if (shape.length !== 2 || data.length !== rows * columns) {
      refuse(at, value, "as many numbers as its shape says", {
        code: "ValueError",
        message: `a matrix of shape ${shape.join("x")} has ${data.length} numbers`,
      });
    }
    return { data, shape: [rows, columns] };
  },
};

const node: Check<NIRNode> = {
  allowed: "a node",
  read(value, at) {
    const { type, ...values } = dictionary.read(value, at);
    const known = oneOf(...types).read(type, `${at}.type`);
    const read = Object.fromEntries(
      nodeFields[known].map((name) => {
        const check: Check<unknown> = name === "weight" ? matrix : numbers;
        return [name, check.read(values[name], `${at}.${name}`)];
      }),
    );
    if (known === "Input" || known === "Output") {
      const shape = wholes(0, u32, "sizes").read(values["shape"], `${at}.shape`);
      return { type: known, shape: [...shape] };
    }
    return { type: known, ...read } as unknown as NIRNode;
  },
};

/** A graph, if it has all that its nodes need, and its edges lead from one to another. */
export const nirGraph: Check<NIRGraph> = {
  allowed: "a graph: nodes and edges",
  read(value, at) {
    const graph = fields({
      nodes: dictionary,
      edges: list(list(text, "two names of nodes"), "a list of edges"),
      resolution: optional(number({ min: Number.MIN_VALUE, max: Number.MAX_VALUE }, "a number above 0")),
      integration: optional(integration),
    }).read(value, at);
    const nodes = Object.fromEntries(
      Object.entries(graph.nodes).map(([name, of]) => [name, node.read(of, `${at}.nodes.${name}`)]),
    );
    const edges = graph.edges.map((edge, place): readonly [string, string] => {
      const [from, to] = edge;
      if (edge.length !== 2 || from === undefined || to === undefined) {
        refuse(`${at}.edges[${place}]`, edge, "two names of nodes");
      }
      for (const end of [from, to]) {
        if (!Object.hasOwn(nodes, end)) {
          refuse(`${at}.edges[${place}]`, end, "names of the graph's nodes", { code: "ValueError" });
        }
      }
      return [from, to];
    });
    return {
      nodes,
      edges,
      ...(graph.resolution !== undefined && { resolution: graph.resolution }),
      ...(graph.integration !== undefined && { integration: graph.integration }),
    };
  },
};
