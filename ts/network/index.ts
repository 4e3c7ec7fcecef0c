export { Network, type Response, type SpikeTrains } from "./network.js";
export { toNIR } from "./nir-export.js";
export { readNIR, writeNIR } from "./nir-file.js";
export type { NIRGraph, NIRNode } from "./nir-graph.js";
export { fromNIR } from "./nir-import.js";
