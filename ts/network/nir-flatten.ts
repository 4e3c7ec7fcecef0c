import type { NIRGraph, NIRNode } from "./nir-graph.js";

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

/** A graph in which each neuron and integrator has its own parameters: those of length 1 stand for all. */
export function withSizes(graph: NIRGraph): NIRGraph {
  const rowsInto = (name: string): number[] =>
    graph.edges
      .filter(([, to]) => to === name)
      .map(([from]) => graph.nodes[from])
      .map((node) => {
        switch (node?.type) {
          case "Linear":
          case "Affine":
            return node.weight.shape[0];
          case "Input":
            return node.shape.reduce((product, length) => product * length, 1);
          case "Scale":
            return node.scale.length;
          default:
            return 1;
        }
      });
  const sized = (name: string, node: NIRNode): NIRNode => {
    if (node.type !== "LI" && node.type !== "LIF" && node.type !== "IF") return node;
    const { type, ...values } = node;
    const lists = Object.entries(values) as [string, Float64Array][];
    const size = Math.max(...lists.map(([, list]) => list.length), ...rowsInto(name));
    const filled = lists.map(([field, list]) => [
      field,
      list.length === 1 ? new Float64Array(size).fill(list[0] as number) : list,
    ]);
    return { type, ...Object.fromEntries(filled) } as NIRNode;
  };
  const nodes = Object.fromEntries(
    Object.entries(graph.nodes).map(([name, node]) => [name, sized(name, node)]),
  );
  return { ...graph, nodes };
}
