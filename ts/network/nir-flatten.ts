import type { NIRGraph } from "./nir-graph.js";

/** A graph without nodes that hand values on as they are: edges lead past them. */
export function withoutPasses(graph: NIRGraph, passes: ReadonlySet<string>): NIRGraph {
  let edges = [...graph.edges];
  for (const pass of passes) {
    const into = edges.filter(([, to]) => to === pass).map(([from]) => from);
    const onward = edges.filter(([from]) => from === pass).map(([, to]) => to);
    edges = edges.filter(([from, to]) => from !== pass && to !== pass);
    for (const from of into) {
      // One that leads to itself hands nothing on.
      for (const to of onward) if (from !== pass && to !== pass) edges.push([from, to]);
    }
  }
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
