/** How many values go in and out of each node of a graph, and whether they fit. */
import { addTo } from "../core/lists.js";
import { nestError } from "../core/errors.js";
import { type NIRGraph, type NIRNode, numbersOf } from "./nir-graph.js";

/** Numbers of values; undefined where only its neighbours say. */
interface Size {
  in: number | undefined;
  out: number | undefined;
}

function misfit(message: string, value: string, bound: string): never {
  throw nestError({ code: "ValueError", message, parameter: "graph", value, bound });
}

/** The lists of a node that has a value for each neuron, or one for all. */
function listsOf(node: NIRNode): [string, Float64Array][] {
  if (node.type === "Input" || node.type === "Output" || node.type === "Linear" || node.type === "Affine") {
    return [];
  }
  const { type: _type, ...lists } = node;
  return Object.entries(lists) as [string, Float64Array][];
}

/** What a node says of its size by itself. */
function ownSize(name: string, node: NIRNode): Size {
  if (node.type === "Input" || node.type === "Output") {
    const size = node.shape.reduce((product, length) => product * length, 1);
    return { in: size, out: size };
  }
  if (node.type === "Linear" || node.type === "Affine") {
    const [rows, columns] = node.weight.shape;
    if (node.type === "Affine" && node.bias.length !== rows && node.bias.length !== 1) {
      misfit(
        "there is a bias for each row",
        `${node.bias.length} of ${name}, an Affine`,
        `${rows}, or 1 for all`,
      );
    }
    return { in: columns, out: rows };
  }
  const lists = listsOf(node);
  const size = Math.max(...lists.map(([, list]) => list.length));
  for (const [field, list] of lists) {
    if (list.length !== size && list.length !== 1) {
      misfit(
        "the parameters of a node have different lengths",
        `${list.length} numbers for ${field} of ${name}`,
        `${size}, or 1 for all`,
      );
    }
  }
  return size === 1 ? { in: undefined, out: undefined } : { in: size, out: size };
}

/** Refuses numbers that no neuron or connection can have. */
function checkValues(name: string, node: NIRNode): void {
  for (const [field, list] of numbersOf(node)) {
    const wrong = list.find(
      (value) =>
        !Number.isFinite(value) || (field === "tau" && value <= 0) || (field === "delay" && value < 0),
    );
    if (wrong === undefined) continue;
    const least = field === "tau" ? " above 0" : field === "delay" ? " from 0 on" : "";
    misfit("a node has a number that cannot be", `${field} ${wrong} of ${name}`, `finite numbers${least}`);
  }
}

/** The sizes of all nodes: what they say, and where they do not, what their neighbours say. */
function sizesOf(graph: NIRGraph): Map<string, Size> {
  const sizes = new Map(Object.entries(graph.nodes).map(([name, node]) => [name, ownSize(name, node)]));
  const around = new Map<string, (readonly [string, string])[]>();
  for (const edge of graph.edges) {
    for (const end of edge) addTo(around, end, edge);
  }
  const waiting = [...sizes.keys()];
  for (let at = 0; at < waiting.length; at++) {
    for (const [from, to] of around.get(waiting[at] as string) ?? []) {
      const [source, target] = [sizes.get(from) as Size, sizes.get(to) as Size];
      if (source.out === target.in) continue;
      if (source.out !== undefined && target.in !== undefined) {
        misfit(
          "nodes of an edge do not fit",
          `${from} gives ${source.out} values, ${to} takes ${target.in}`,
          "as many values",
        );
      }
      // A node that does not say its size has as many values going in as out.
      const [size, name] = source.out === undefined ? [target.in, from] : [source.out, to];
      sizes.set(name, { in: size, out: size });
      waiting.push(name);
    }
  }
  return sizes;
}

const filled = (list: Float64Array, size: number) =>
  list.length === size ? list : new Float64Array(size).fill(list[0] as number);

/**
 * A graph in which each neuron has its own parameters: those of length 1 stand for all.
 *
 * @throws {@link NESTError} that names nodes whose shapes do not fit, or that hold what no neuron can have.
 */
export function withSizes(graph: NIRGraph): NIRGraph {
  for (const [name, node] of Object.entries(graph.nodes)) checkValues(name, node);
  const sizes = sizesOf(graph);
  const sized = (name: string, node: NIRNode): NIRNode => {
    const size = sizes.get(name)?.out ?? 1;
    if (node.type === "Affine") return { ...node, bias: filled(node.bias, size) };
    const lists = listsOf(node).map(([field, list]) => [field, filled(list, size)]);
    return { ...node, ...Object.fromEntries(lists) } as NIRNode;
  };
  const nodes = Object.entries(graph.nodes).map(([name, node]) => [name, sized(name, node)] as const);
  return { ...graph, nodes: Object.fromEntries(nodes) };
}
