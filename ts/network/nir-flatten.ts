import { addTo } from "../core/lists.js";
import type { NIRGraph } from "./nir-graph.js";

type Edge = NIRGraph["edges"][number];

/** A graph without nodes that hand values on as they are: edges lead past them. */
export function withoutPasses(graph: NIRGraph, passes: ReadonlySet<string>): NIRGraph {
  // In the order in which they are made; those onto a pass and from it go.
  const all = new Set<Edge>();
  const [into, onward] = [new Map<string, Edge[]>(), new Map<string, Edge[]>()];
  const add = (edge: Edge) => {
    all.add(edge);
    addTo(into, edge[1], edge);
    addTo(onward, edge[0], edge);
  };
  for (const [from, to] of graph.edges) add([from, to]);
  for (const pass of passes) {
    const ending = (into.get(pass) ?? []).filter((edge) => all.delete(edge));
    // One that leads to itself hands nothing on.
    const begins = (onward.get(pass) ?? []).filter((edge) => all.delete(edge));
    for (const [from] of ending) {
      for (const [, to] of begins) if (from !== pass && to !== pass) add([from, to]);
    }
  }
  const edges = [...all];
  const nodes = Object.fromEntries(Object.entries(graph.nodes).filter(([name]) => !passes.has(name)));
  return { nodes, edges };
}

/** A graph with other time constants. */
export function withTimeConstants(graph: NIRGraph, of: (tau: number, name: string) => number): NIRGraph {
  const nodes = Object.entries(graph.nodes).map(([name, node]) => [
    name,
    node.type === "LI" || node.type === "LIF" ? { ...node, tau: node.tau.map((tau) => of(tau, name)) } : node,
  ]);
  return { ...graph, nodes: Object.fromEntries(nodes) as NIRGraph["nodes"] };
}
