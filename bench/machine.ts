import { cpus } from "node:os";
import { instructionSet } from "../ts/native/index.js";

/** What this machine can do, measured. */
export interface Machine {
  processor: string;
  cores: number;
  instructions: string;
  /** Bytes that one core copies per second, read and written, from and to memory. */
  bandwidth: number;
}

/** Measures memory bandwidth with a copy far larger than the caches. */
export function measureMachine(): Machine {
  const from = new Float64Array(24 << 20).fill(1);
  const to = new Float64Array(from.length);
  to.set(from);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const begin = performance.now();
    to.set(from);
    best = Math.min(best, performance.now() - begin);
  }
  const [first] = cpus();
  return {
    processor: first?.model ?? "unknown",
    cores: cpus().length,
    instructions: instructionSet(),
    bandwidth: (2 * from.byteLength) / (best / 1000),
  };
}
