import { given, path as filePath } from "../core/arguments.js";
import { type NIRGraph, nirGraph } from "./nir-graph.js";

export {
  type InferManyOptions,
  type InferOptions,
  Network,
  type Response,
  type SpikeTrains,
} from "./network.js";
export type { NetworkWeights } from "./weights.js";
export type { NamedPopulation, NamedProjection, NetworkParts } from "./parts.js";
export { type NIRExportOptions, toNIR } from "./nir-export.js";
export type { Integration, NIRGraph, NIRNode } from "./nir-graph.js";
export { type NIRImportOptions, fromNIR } from "./nir-import.js";

/**
 * Writes a graph to a file as the Python package `nir` does. Needs the package `h5wasm`.
 *
 * @throws {@link NESTError} that says why it cannot be written.
 */
export async function writeNIR(path: string, graph: NIRGraph): Promise<void> {
  const [file, checked] = [given("path", path, filePath), given("graph", graph, nirGraph)];
  const { writeFile } = await import("./nir-file.js");
  await writeFile(file, checked);
}

/**
 * Reads a graph from a file that the Python package `nir` wrote. Needs the package `h5wasm`.
 *
 * @throws {@link NESTError} that names a node of a type that eprop does not know, or what is wrong with the file.
 */
export async function readNIR(path: string): Promise<NIRGraph> {
  const file = given("path", path, filePath);
  const { readFile } = await import("./nir-file.js");
  return readFile(file);
}
