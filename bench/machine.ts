import { cpus, totalmem } from "node:os";
import { instructionSet, memoryBandwidth, vectorRate } from "../ts/native/index.js";

/** What this machine can do on so many threads, measured. */
export interface Roof {
  threads: number;
  /** Bytes per second between processor and memory. */
  bandwidth: number;
  /** Operations with 64-bit numbers per second. */
  vectorRate: number;
}

/** The machine that is measured on. */
export interface Machine {
  processor: string;
  cores: number;
  memory: number;
  instructions: string;
  node: string;
  roofs: readonly Roof[];
}

/** The largest of some measurements: others on the machine only take from what it can do. */
function most(measure: () => number): number {
  return Math.max(...Array.from({ length: 3 }, measure));
}

/** The machine as it says of itself. */
export function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memory: totalmem(),
    instructions: instructionSet(),
    node: process.version,
    roofs: [],
  };
}

/** Measures the machine with one thread up to one a core. */
export function measureMachine(): Machine {
  return {
    ...describeMachine(),
    roofs: cpus().map((_, index) => ({
      threads: index + 1,
      bandwidth: most(() => memoryBandwidth(index + 1)),
      vectorRate: most(() => vectorRate(index + 1)),
    })),
  };
}
