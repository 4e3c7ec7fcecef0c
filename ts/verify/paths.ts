/**
 * What a spike does after it was fired, within one interval: which membranes it moves, when and by how much. Both
 * exact gradients, backwards and forwards in time, go along these paths (docs/verify.md).
 */
import { bySource, inputsByStamp, shifts, type IntervalCourse } from "./interval-course.js";
import type { Problem, Synapses } from "./problem.js";

/** A connection from a recurrent neuron: the target's voltage moves by `weight` in the step `after` the spike's. */
export interface Path {
  target: number;
  weight: number;
  after: number;
}

/** An input spike or a spike of a recurrent neuron that a projection's synapses read in a step. */
export interface Read {
  source: number;
  multiplicity: number;
}

/** The constants of the recursions, by neuron and by readout. */
export interface PathConstants {
  alpha: number[];
  gain: number[];
  rho: number[];
  beta: number[];
  outAlpha: number[];
  outGain: number[];
  /** Connections of each recurrent neuron onto recurrent neurons and onto readouts. */
  onward: Path[][];
  out: Path[][];
}

const decay = ({ resolution }: Problem, tau: number) => Math.exp(-resolution / tau);

export function pathConstants(problem: Problem): PathConstants {
  const { recurrent, readouts, projections } = problem;
  const alpha = recurrent.map(({ tau_m }) => decay(problem, tau_m));
  const outAlpha = readouts.map(({ tau_m }) => decay(problem, tau_m));
  const gain = recurrent.map((of, j) => (of.regular_spike_arrival ? 1 : 1 - (alpha[j] as number)));
  const outGain = readouts.map((of, k) => (of.regular_spike_arrival ? 1 : 1 - (outAlpha[k] as number)));
  const onward: Path[][] = recurrent.map(() => []);
  const out: Path[][] = recurrent.map(() => []);
  for (const synapses of projections) {
    if (synapses.kind === "feedback" || synapses.from !== "recurrent") continue;
    const toReadout = synapses.to === "readout";
    bySource(synapses, recurrent.length).forEach((entries, source) => {
      for (const entry of entries) {
        const target = synapses.targets[entry] as number;
        const weight = (synapses.weights[entry] as number) * ((toReadout ? outGain : gain)[target] as number);
        // A readout's interval begins one step later than that of recurrent neurons.
        const after =
          (synapses.delays[entry] as number) - (toReadout ? shifts.readout - shifts.recurrent : 0);
        ((toReadout ? out : onward)[source] as Path[]).push({ target, weight, after });
      }
    });
  }
  return {
    alpha,
    gain,
    rho: recurrent.map(({ adapt_tau }) => decay(problem, adapt_tau)),
    beta: recurrent.map(({ adapts, adapt_beta }) => (adapts ? adapt_beta : 0)),
    outAlpha,
    outGain,
    onward,
    out,
  };
}

/**
 * For each entry of a projection's synapses, the steps of an interval in which it brings spikes, and how many. Spikes
 * fired in the interval before do not count: their neurons began anew.
 */
export function readsOf(
  problem: Problem,
  interval: number,
  course: IntervalCourse,
  synapses: Synapses,
): { step: number; entry: number; multiplicity: number }[] {
  const { steps, recurrent } = problem;
  const n = recurrent.length;
  const all: { step: number; entry: number; multiplicity: number }[] = [];
  const entries = bySource(synapses, synapses.from === "input" ? problem.inputs : n);
  const begin = interval * steps + (synapses.to === "readout" ? shifts.readout : shifts.recurrent);
  const add = (source: number, stamp: number, multiplicity: number) => {
    for (const entry of entries[source] ?? []) {
      const step = stamp + (synapses.delays[entry] as number) - 1 - begin;
      const isDropped = step === 0 && synapses.to === "recurrent" && synapses.kind === "plastic";
      if (step >= 0 && step < steps && !isDropped) all.push({ step, entry, multiplicity });
    }
  };
  if (synapses.from === "input") {
    for (const [stamp, sources] of inputsByStamp(problem)) {
      const local = stamp - interval * steps - shifts.recurrent;
      if (local < 0 || local >= steps) continue;
      for (const [source, multiplicity] of sources) add(source, stamp, multiplicity);
    }
    return all;
  }
  for (let u = 0; u < steps; u++) {
    for (let j = 0; j < n; j++) {
      if (course.fired[u * n + j] === 1) add(j, interval * steps + shifts.recurrent + u + 1, 1);
    }
  }
  return all;
}
