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
import { refuserOf, systemWords } from "../files/file-errors.js";

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

/** The files that can be read. */
const readable = "a file that the Python package nir wrote";

/** Refuses a file: what is wrong, what is wanted, and what is there. */
type Refuser = ReturnType<typeof refuserOf>;

function readWith(library: HDF5, path: string): NIRGraph {
  const refuse: Refuser = refuserOf(path);
  checkSignature(path, refuse);
  const file = opened(library, path) ?? refuse("is damaged", readable);
  try {
    return new GraphReader(library, file, refuse).read();
  } catch (error) {
    // What the library says of a damaged file is none of eprop's errors.
    if (error instanceof NESTError) throw error;
    libraryFailed();
    return refuse(`is damaged: ${error instanceof Error ? error.message : String(error)}`, readable);
  } finally {
    closeHDF5(file);
  }
}

/** Refuses a file that cannot be read or is no HDF5 file. */
function checkSignature(path: string, refuse: Refuser): void {
  const begin = new Uint8Array(signature.length);
  try {
    const descriptor = openSync(path, "r");
    readSync(descriptor, begin);
    closeSync(descriptor);
  } catch (error) {
    refuse(`cannot be read: ${systemWords(error as Error)}`, readable, path, error);
  }
  if (!signature.every((byte, at) => begin[at] === byte)) refuse("is not an HDF5 file", readable);
}

/** The file, open; nothing if the library cannot open it. */
function opened({ File }: HDF5, path: string): InstanceType<HDF5["File"]> | undefined {
  try {
    return new File(path, "r");
  } catch {
    libraryFailed();
    return undefined;
  }
}

/** Takes the graph out of an open file: graphs within it become part of it, their names before those of their nodes. */
class GraphReader {
  readonly #library: HDF5;
  readonly #file: InstanceType<HDF5["File"]>;
  readonly #refuse: Refuser;
  readonly #nodes: Record<string, NIRNode> = {};
  readonly #edges: [string, string][] = [];
  /** Where values come in and go out of nodes that hold a graph, and those that only reshape. */
  readonly #passes = new Set<string>();
  /** Graphs within the graph so far. */
  #graphs = 0;

  constructor(library: HDF5, file: InstanceType<HDF5["File"]>, refuse: Refuser) {
    this.#library = library;
    this.#file = file;
    this.#refuse = refuse;
  }

  /** The graph of the file. */
  read(): NIRGraph {
    const type = this.#text("node/type");
    if (type !== "NIRGraph") this.#refuse("is not a graph", readable, type);
    this.#readGraph("node", "");
    const resolution = this.#dataset("node/metadata/resolution_ms")?.value;
    const [ms] = resolution instanceof Float64Array ? resolution : [];
    const integration = this.#text("node/metadata/integration");
    return {
      ...withoutPasses({ nodes: this.#nodes, edges: this.#edges }, this.#passes),
      ...(ms && { resolution: ms }),
      ...(integration === "euler" && { integration: "euler" as Integration }),
    };
  }

  /**
   * Takes the nodes and edges of a graph. Gives those of its nodes at which values come in and go out.
   *
   * @param at Where the file has it.
   * @param prefix What comes before the names of its nodes.
   */
  #readGraph(at: string, prefix: string): Ends {
    const own: Ends = { in: [], out: [] };
    const ends = new Map<string, Ends>();
    for (const name of this.#group(`${at}/nodes`).keys()) {
      const whole = prefix + name;
      ends.set(name, this.#readNode(`${at}/nodes/${name}`, whole));
      const type = this.#nodes[whole]?.type;
      if (type === "Input") own.in.push(whole);
      if (type === "Output") own.out.push(whole);
    }
    for (const [from, to] of (this.#dataset(`${at}/edges`)?.to_array() ?? []) as [string, string][]) {
      for (const source of ends.get(from)?.out ?? [prefix + from]) {
        for (const target of ends.get(to)?.in ?? [prefix + to]) this.#edges.push([source, target]);
      }
    }
    return own;
  }

  /** Takes a node. Gives where edges onto it and from it really go: into a graph, and out of it. */
  #readNode(at: string, name: string): Ends {
    const type = this.#text(`${at}/type`);
    if (type === "NIRGraph") return this.#readInner(at, name);
    if (type === "Flatten") this.#passes.add(name);
    else if (type in nodeFields) this.#nodes[name] = this.#node(at, type as NIRNode["type"]);
    else refuseType(type, name);
    return { in: [name], out: [name] };
  }

  /** Takes a graph within the graph. Gives where values come into it and go out. */
  #readInner(at: string, name: string): Ends {
    this.#graphs += 1;
    if (this.#graphs > mostGraphs || at.split("/nodes/").length > deepest) {
      this.#refuse("has too many graphs within each other", `${mostGraphs} graphs, ${deepest} deep`, name);
    }
    const ends = this.#readGraph(at, `${name}.`);
    for (const end of [...ends.in, ...ends.out]) this.#passes.add(end);
    return ends;
  }

  /** A node of a type that eprop knows. */
  #node(at: string, type: NIRNode["type"]): NIRNode {
    if (type === "Input" || type === "Output") return { type, shape: [...this.#numbers(at, "shape").data] };
    const fields = nodeFields[type].map((field) => {
      const { data, shape } = this.#numbers(at, field);
      return [field, field === "weight" ? { data, shape } : data];
    });
    return { type, ...Object.fromEntries(fields) } as NIRNode;
  }

  /** The numbers of a node's field and their shape; where older versions lack the field, what it stands for. */
  #numbers(node: string, field: string): { data: Float64Array; shape: number[] } {
    const found = this.#dataset(`${node}/${field}`);
    const { value, shape } = found ?? {};
    if (value === undefined || value === null || typeof value === "string") {
      const otherwise = missingFields[field];
      if (found === undefined && otherwise !== undefined) {
        return { data: Float64Array.of(otherwise), shape: [1] };
      }
      return this.#refuse(
        `has no numbers for ${field} of the node ${node.split("/nodes/").at(-1)}`,
        readable,
      );
    }
    if (value instanceof Float64Array) return { data: value, shape: [...(shape ?? [])] };
    const list = typeof value === "object" && "length" in value ? value : [value];
    return { data: Float64Array.from(list as ArrayLike<number>, Number), shape: [...(shape ?? [])] };
  }

  /** A group of the file. */
  #group(name: string): InstanceType<HDF5["Group"]> {
    const found = this.#file.get(name);
    return found instanceof this.#library.Group
      ? found
      : this.#refuse("is not a graph", readable, `no group ${name}`);
  }

  /** A dataset of the file, if it has it. */
  #dataset(name: string): InstanceType<HDF5["Dataset"]> | undefined {
    const found = this.#file.get(name);
    return found instanceof this.#library.Dataset ? found : undefined;
  }

  /** The text of a dataset, empty if there is none. */
  #text(name: string): string {
    return String(this.#dataset(name)?.value ?? "");
  }
}

/** Refuses a node of a type that there is no model for. */
function refuseType(type: string, name: string): never {
  throw nestError({
    code: "NotImplemented",
    message: `eprop has no model for the node ${name}, a ${type}${unsupported[type] ? `: ${unsupported[type]}` : ""}`,
    parameter: "graph",
    value: type,
    bound: `one of ${Object.keys(nodeFields).join(", ")}, Flatten, NIRGraph`,
  });
}
