import { resolve } from "node:path";
import { NESTError, nestError } from "../core/errors.js";
import { type HDF5, closeHDF5, libraryFailed, withHDF5 } from "../files/hdf5.js";
import { withoutPasses } from "./nir-flatten.js";
import {
  type Integration,
  type NIRGraph,
  type NIRNode,
  missingFields,
  nodeFields,
  unsupported,
} from "./nir-graph.js";
import { refuserOf } from "../files/file-errors.js";

// An import of node:fs would load all of Node's streams with it, whoever imports eprop.
const { closeSync, openSync, readSync, renameSync, rmSync } = process.getBuiltinModule("node:fs");

/** What every HDF5 file begins with. */
const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Graphs within a graph, and how deep they may lie: a damaged file may lead back to where it came from. */
const [mostGraphs, deepest] = [10_000, 16];

/** Whose files these are. */
const whose = "files of the Neuromorphic Intermediate Representation";

/** The version of the representation that is written. */
const nirVersion = "1.0.8";

/** Nodes at which values come into a node or a graph, and those at which they go out. */
interface Ends {
  in: string[];
  out: string[];
}

/** As `writeNIR` of this folder's index, which loads it. */
export function writeFile(path: string, graph: NIRGraph): Promise<void> {
  return withHDF5(whose, (library) => writeWith(library, path, graph));
}

function writeWith({ File }: HDF5, path: string, graph: NIRGraph): void {
  const partial = `${resolve(path)}.partial-${process.pid}`;
  try {
    const file = new File(partial, "w");
    try {
      file.create_dataset({ name: "version", data: nirVersion });
      const root = file.create_group("node");
      root.create_dataset({ name: "type", data: "NIRGraph" });
      root.create_dataset({ name: "edges", data: graph.edges.flat(), shape: [graph.edges.length, 2] });
      if (graph.resolution !== undefined) {
        const metadata = root.create_group("metadata");
        metadata.create_dataset({
          name: "resolution_ms",
          data: Float64Array.of(graph.resolution),
          shape: [1],
        });
        if (graph.integration !== undefined) {
          metadata.create_dataset({ name: "integration", data: graph.integration });
        }
      }
      const nodes = root.create_group("nodes");
      for (const [name, node] of Object.entries(graph.nodes)) {
        const group = nodes.create_group(name);
        group.create_dataset({ name: "type", data: node.type });
        if (node.type === "Input" || node.type === "Output") {
          const shape = BigInt64Array.from(node.shape, BigInt);
          group.create_dataset({ name: "shape", data: shape, shape: [shape.length] });
          continue;
        }
        for (const field of nodeFields[node.type]) {
          const value = (
            node as unknown as Record<string, Float64Array | { data: Float64Array; shape: readonly number[] }>
          )[field] as Float64Array | { data: Float64Array; shape: readonly number[] };
          const { data, shape } =
            value instanceof Float64Array ? { data: value, shape: [value.length] } : value;
          // Versions that do not know the field read what has its value without it.
          if (field in missingFields && data.every((each) => each === missingFields[field])) continue;
          group.create_dataset({ name: field, data, shape: [...shape] });
        }
      }
    } finally {
      file.close();
    }
    renameSync(partial, path);
  } catch (error) {
    libraryFailed();
    rmSync(partial, { force: true });
    throw nestError({
      code: "ValueError",
      message: `${path} cannot be written: ${(error as Error).message}`,
      parameter: "path",
      bound: "a file in a folder that exists",
    });
  }
}

/** As `readNIR` of this folder's index, which loads it. */
export function readFile(path: string): Promise<NIRGraph> {
  return withHDF5(whose, (library) => readWith(library, path));
}

function readWith({ Dataset, File, Group }: HDF5, path: string): NIRGraph {
  const refuse: ReturnType<typeof refuserOf> = refuserOf(path);
  const files = "a file that the Python package nir wrote";
  const begin = new Uint8Array(signature.length);
  try {
    const descriptor = openSync(path, "r");
    readSync(descriptor, begin);
    closeSync(descriptor);
  } catch (error) {
    return refuse("cannot be read", files, (error as NodeJS.ErrnoException).code);
  }
  const opened = (name: string) => {
    try {
      return new File(name, "r");
    } catch {
      libraryFailed();
      return undefined;
    }
  };
  if (!signature.every((byte, at) => begin[at] === byte)) refuse("is not an HDF5 file", files);
  const file = opened(path) ?? refuse("is damaged", files);
  try {
    const group = (name: string) => {
      const found = file.get(name);
      return found instanceof Group ? found : refuse("is not a graph", files, `no group ${name}`);
    };
    const dataset = (name: string) => {
      const found = file.get(name);
      return found instanceof Dataset ? found : undefined;
    };
    const text = (name: string) => String(dataset(name)?.value ?? "");
    if (text("node/type") !== "NIRGraph") refuse("is not a graph", files, text("node/type"));
    const numbers = (node: string, field: string) => {
      const found = dataset(`${node}/${field}`);
      const { value, shape } = found ?? {};
      if (value === undefined || value === null || typeof value === "string") {
        const otherwise = missingFields[field];
        if (found === undefined && otherwise !== undefined) {
          return { data: Float64Array.of(otherwise), shape: [1] };
        }
        return refuse(`has no numbers for ${field} of the node ${node.split("/nodes/").at(-1)}`, files);
      }
      if (value instanceof Float64Array) return { data: value, shape: [...(shape ?? [])] };
      const list = typeof value === "object" && "length" in value ? value : [value];
      return { data: Float64Array.from(list as ArrayLike<number>, Number), shape: [...(shape ?? [])] };
    };
    let graphs = 0;
    const nodes: Record<string, NIRNode> = {};
    const edges: [string, string][] = [];
    /** Where values come in and go out of nodes that hold a graph, and those that only reshape. */
    const passes = new Set<string>();
    /** Where edges onto a node and from it really go: into a graph, and out of it. */
    const read = (at: string, name: string): Ends => {
      const itself = { in: [name], out: [name] };
      const type = text(`${at}/type`);
      if (type === "NIRGraph") {
        graphs += 1;
        if (graphs > mostGraphs || at.split("/nodes/").length > deepest) {
          refuse("has too many graphs within each other", `${mostGraphs} graphs, ${deepest} deep`, name);
        }
        const ends = readGraph(at, `${name}.`);
        [...ends.in, ...ends.out].forEach((end) => passes.add(end));
        return ends;
      }
      if (type === "Flatten") {
        passes.add(name);
        return itself;
      }
      if (!(type in nodeFields)) {
        throw nestError({
          code: "NotImplemented",
          message: `eprop has no model for the node ${name}, a ${type}${unsupported[type] ? `: ${unsupported[type]}` : ""}`,
          parameter: "graph",
          value: type,
          bound: `one of ${Object.keys(nodeFields).join(", ")}, Flatten, NIRGraph`,
        });
      }
      const known = type as NIRNode["type"];
      if (known === "Input" || known === "Output") {
        nodes[name] = { type: known, shape: [...numbers(at, "shape").data] };
        return itself;
      }
      const fields = nodeFields[known].map((field) => {
        const { data, shape } = numbers(at, field);
        return [field, field === "weight" ? { data, shape } : data];
      });
      nodes[name] = { type: known, ...Object.fromEntries(fields) } as NIRNode;
      return itself;
    };
    const readGraph = (at: string, prefix: string): Ends => {
      const own: Ends = { in: [], out: [] };
      const ends = new Map<string, Ends>();
      for (const name of group(`${at}/nodes`).keys()) {
        const whole = prefix + name;
        ends.set(name, read(`${at}/nodes/${name}`, whole));
        if (nodes[whole]?.type === "Input") own.in.push(whole);
        if (nodes[whole]?.type === "Output") own.out.push(whole);
      }
      for (const [from, to] of (dataset(`${at}/edges`)?.to_array() ?? []) as [string, string][]) {
        for (const source of ends.get(from)?.out ?? [prefix + from]) {
          for (const target of ends.get(to)?.in ?? [prefix + to]) edges.push([source, target]);
        }
      }
      return own;
    };
    readGraph("node", "");
    const resolution = dataset("node/metadata/resolution_ms")?.value;
    const [ms] = resolution instanceof Float64Array ? resolution : [];
    const integration = text("node/metadata/integration");
    return {
      ...withoutPasses({ nodes, edges }, passes),
      ...(ms && { resolution: ms }),
      ...(integration === "euler" && { integration: "euler" as Integration }),
    };
  } catch (error) {
    // What the library says of a damaged file is none of eprop's errors.
    if (error instanceof NESTError) throw error;
    libraryFailed();
    return refuse(`is damaged: ${error instanceof Error ? error.message : String(error)}`, files);
  } finally {
    closeHDF5(file);
  }
}
