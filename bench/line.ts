import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Case, Job, Measurement, Work } from "./case.js";
import { median } from "./statistics.js";
import type { Machine } from "./machine.js";

/** What a case cost. */
export interface Line {
  name: string;
  table: Case["table"];
  threads: number;
  precision: "f64" | "f32";
  /** Milliseconds of a unit, as {@link unitTime}; the median of the processes. */
  ms: number;
  /** That of the fastest process. */
  leastMs: number;
  /** Milliseconds of the first unit, with all memory new. */
  coldMs: number;
  /** Processes. */
  processes: number;
  /** Share of the measured time and threads in which the processor was the case's. */
  busy: number;
  peakBytes: number;
  nsPerNeuronStep?: number;
  nsPerSynapticEvent?: number;
  synapseStepsPerSecond?: number;
  /** How many times faster than the gradient by its definition, by neuron-step. */
  againstForward?: number;
  /** Share of the measured memory bandwidth that the counted bytes take. */
  bandwidthShare?: number;
  /** Share of the measured vector rate that the counted operations take. */
  vectorShare?: number;
  work?: Work;
  series?: { name: string; x: number };
}

const script = fileURLToPath(new URL("process.js", import.meta.url));

/** Measures in a process of its own. */
export function measure(job: Job): Measurement {
  const { stdout, stderr, status, error } = spawnSync(process.execPath, [script, JSON.stringify(job)], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`a measurement failed: ${JSON.stringify(job)}\n${stderr}`);
  return JSON.parse(stdout) as Measurement;
}

/** Milliseconds of a unit in a process: the median of those after the first; the first where there are no others. */
export const unitTime = ({ cold, warm }: Pick<Measurement, "cold" | "warm">) =>
  warm.length > 0 ? median(warm) : cold;

/**
 * Measures cases, each process of its own; `done` is told each line. Cases with several processes take turns, so that
 * what else happens to the machine for a while falls on all of them.
 */
export function linesOf(cases: readonly Case[], machine: Machine, done: (line: Line) => void): Line[] {
  const rounds = Math.max(...cases.map(({ processes }) => processes));
  const measured = cases.map((): Measurement[] => []);
  const lines: Line[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [place, one] of cases.entries()) {
      const own = measured[place] as Measurement[];
      if (round >= one.processes) continue;
      own.push(measure({ run: one.run, settings: one.settings }));
      if (own.length < one.processes) continue;
      const line = lineOf(one, own, machine);
      lines.push(line);
      done(line);
    }
  }
  return lines;
}

/** What a case cost by the measurements of its processes. */
function lineOf(one: Case, measured: readonly Measurement[], machine: Machine): Line {
  const { settings } = one;
  const times = measured.map(unitTime);
  const ms = median(times);
  const leastMs = Math.min(...times);
  const line: Line = {
    name: one.name,
    table: one.table,
    threads: settings.threads,
    precision: settings.precision ?? "f64",
    ms,
    leastMs,
    coldMs: median(measured.map(({ cold }) => cold)),
    processes: measured.length,
    busy: median(measured.map(({ busy }) => busy)),
    peakBytes: Math.max(...measured.map(({ peak }) => peak)),
    ...(one.series && { series: one.series }),
  };
  const work = measured[0]?.work;
  if (work === undefined) return line;
  const seconds = ms / 1e3;
  const roof = machine.roofs.find(({ threads }) => threads === settings.threads);
  const forward =
    one.forward && measure({ run: one.forward, settings: { ...settings, gradient: "forward" } });
  const forwardCost = forward?.work && unitTime(forward) / forward.work.neuronSteps;
  const valuesPerDouble = line.precision === "f32" ? 2 : 1;
  return {
    ...line,
    nsPerNeuronStep: (ms * 1e6) / work.neuronSteps,
    nsPerSynapticEvent: (ms * 1e6) / work.synapticEvents,
    synapseStepsPerSecond: work.synapseSteps / seconds,
    ...(forwardCost !== undefined && { againstForward: forwardCost / (ms / work.neuronSteps) }),
    ...(roof && {
      bandwidthShare: work.bytes / seconds / roof.bandwidth,
      vectorShare: work.operations / seconds / (valuesPerDouble * roof.vectorRate),
    }),
    work,
  };
}
