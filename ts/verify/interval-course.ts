/**
 * The dynamics of a network whose weights change once an update interval, step by step in 64 bits, as
 * docs/derivation.md states them (Frames of an interval, Dynamics, Edges of an interval).
 */
import type { Pieces } from "../core/event-loop.js";
import { formOf } from "./losses.js";
import type { Problem, Synapses } from "./problem.js";
import { surrogateGradient } from "./surrogate.js";

/** Steps from the begin of a simulation to the first interval of recurrent neurons, and to that of readouts. */
export const shifts = { recurrent: 2, readout: 3 } as const;

/** One update interval: what learning needs of it. Rows of neurons or readouts, a row per step. */
export interface IntervalCourse {
  /** Surrogate gradients of recurrent neurons. */
  psi: Float64Array;
  /** Derivatives of what their voltages cost. */
  cost: Float64Array;
  /** 1 where a recurrent neuron fires. */
  fired: Uint8Array;
  /** Spikes of each recurrent neuron; the first interval's are those since the simulation's begin. */
  counts: Uint32Array;
  /** Error signals as they belong to the readouts' steps: zero before the learning window. */
  errors: Float64Array;
  /** Readout signals; zero before the learning window. */
  signals: Float64Array;
  /** Spikes that a readout reads in its first step, by place of the recurrent neuron. */
  readAtStart: Uint32Array;
}

/** A simulation of all sequences. */
export interface Course {
  intervals: IntervalCourse[];
  /** Neurons that fire in the first step after the last interval. */
  firedNext: Uint32Array;
  /** How often the voltage of a readout was held at its lower bound. */
  clipped: number;
  /** All spikes of recurrent neurons: the stamp (steps) and the neuron of each. */
  spikes: { stamps: Uint32Array; neurons: Uint32Array };
}

/** Input spikes in the order of their stamps. */
export function inputsByStamp(problem: Problem): Map<number, Map<number, number>> {
  const all = new Map<number, Map<number, number>>();
  for (const place of problem.spikes) {
    const input = place % problem.inputs;
    const stamp = (place - input) / problem.inputs + shifts.recurrent;
    const at = all.get(stamp) ?? new Map<number, number>();
    at.set(input, (at.get(input) ?? 0) + 1);
    all.set(stamp, at);
  }
  return all;
}

/** Entries of the connections of each source. */
export function bySource({ sources }: Synapses, count: number): number[][] {
  const all: number[][] = Array.from({ length: count }, () => []);
  sources.forEach((source, entry) => all[source]?.push(entry));
  return all;
}

/** Weights that are on their way: a row of targets per step, in a ring. */
export class Arrivals {
  readonly #rows: Float64Array[];

  constructor(targets: number, longest: number) {
    this.#rows = Array.from({ length: longest + 1 }, () => new Float64Array(targets));
  }

  add(step: number, target: number, weight: number): void {
    const row = this.#rows[step % this.#rows.length] as Float64Array;
    row[target] = (row[target] as number) + weight;
  }

  /** What arrives in a step; its row is used again from the next step on. */
  take(step: number): Float64Array {
    const row = this.#rows[step % this.#rows.length] as Float64Array;
    const taken = row.slice();
    row.fill(0);
    return taken;
  }
}

/** Projections with the entries of each source, and whether they reach readouts. */
function outgoing(problem: Problem) {
  return problem.projections
    .filter(({ kind }) => kind !== "feedback")
    .map((synapses) => {
      const count = synapses.from === "input" ? problem.inputs : problem.recurrent.length;
      return { synapses, entries: bySource(synapses, count) };
    });
}

/** Recurrent neurons, readouts, and what is on its way between them. */
class Simulation {
  readonly #problem: Problem;
  readonly #outgoing: ReturnType<typeof outgoing>;
  readonly #onto: { recurrent: Arrivals; readout: Arrivals };
  readonly #inputs: Map<number, Map<number, number>>;
  readonly #v: Float64Array;
  readonly #a: Float64Array;
  readonly #z: Uint8Array;
  readonly #refractory: Float64Array;
  readonly #y: Float64Array;
  clipped = 0;

  constructor(problem: Problem) {
    this.#problem = problem;
    this.#outgoing = outgoing(problem);
    const longest = problem.projections.reduce(
      (most, { delays }) => delays.reduce((least, delay) => Math.max(least, delay), most),
      1,
    );
    const n = problem.recurrent.length;
    this.#onto = {
      recurrent: new Arrivals(n, longest),
      readout: new Arrivals(problem.readouts.length, longest),
    };
    this.#inputs = inputsByStamp(problem);
    this.#v = new Float64Array(n);
    this.#a = new Float64Array(n);
    this.#z = new Uint8Array(n);
    this.#refractory = new Float64Array(n);
    this.#y = new Float64Array(problem.readouts.length);
  }

  /** Sends an event with a stamp over all connections of its source. */
  #send(from: "input" | "recurrent", source: number, stamp: number, multiplicity: number): void {
    const { steps } = this.#problem;
    for (const { synapses, entries } of this.#outgoing) {
      if (synapses.from !== from) continue;
      for (const entry of entries[source] ?? []) {
        const arrival = stamp + (synapses.delays[entry] as number) - 1;
        const isFirst = arrival >= shifts.recurrent && (arrival - shifts.recurrent) % steps === 0;
        // What a plastic synapse would bring in an interval's first step is dropped.
        if (synapses.to === "recurrent" && synapses.kind === "plastic" && isFirst) continue;
        const onto = synapses.to === "recurrent" ? this.#onto.recurrent : this.#onto.readout;
        onto.add(
          arrival,
          synapses.targets[entry] as number,
          multiplicity * (synapses.weights[entry] as number),
        );
      }
    }
  }

  /** Input spikes whose stamp is this step: with a delay of one step they are read in it. */
  emitInputs(step: number): void {
    for (const [input, multiplicity] of this.#inputs.get(step) ?? [])
      this.#send("input", input, step, multiplicity);
  }

  /** One step of the recurrent neurons; gives those that fire. */
  recurrent(step: number, seen: { psi: Float64Array; cost: Float64Array } | undefined): number[] {
    const { recurrent, resolution, steps } = this.#problem;
    const arriving = this.#onto.recurrent.take(step);
    const begins = step >= shifts.recurrent && (step - shifts.recurrent) % steps === 0;
    if (begins) for (const state of [this.#v, this.#a, this.#z, this.#refractory]) state.fill(0);
    const fired: number[] = [];
    // A current is integrated in the step after the one that it flows in: none in the first.
    for (const [j, neuron] of recurrent.entries()) {
      const alpha = Math.exp(-resolution / neuron.tau_m);
      const gain = neuron.regular_spike_arrival ? 1 : 1 - alpha;
      const before = this.#z[j] as number;
      let left = this.#refractory[j] as number;
      if (left > 0) left -= 1;
      const current = (neuron.tau_m / neuron.C_m) * (1 - alpha) * (step > 0 ? neuron.I_e : 0);
      let v = alpha * (this.#v[j] as number) + current + gain * (arriving[j] as number);
      v = Math.max(v - neuron.V_th * before, neuron.V_min);
      const a = neuron.adapts
        ? Math.exp(-resolution / neuron.adapt_tau) * (this.#a[j] as number) + before
        : 0;
      const threshold = neuron.V_th + neuron.adapt_beta * a;
      if (seen !== undefined) {
        seen.psi[j] = left > 0 ? 0 : surrogateGradient(neuron, v - threshold);
        seen.cost[j] = neuron.c_voltage * (Math.max(0, v - threshold) - Math.max(0, -v - neuron.V_th));
      }
      const fires = v >= threshold && left === 0;
      if (fires) fired.push(j);
      this.#v[j] = v;
      this.#a[j] = a;
      this.#z[j] = fires ? 1 : 0;
      this.#refractory[j] = fires ? neuron.refractory : left;
    }
    // A spike of this step is sent with the stamp of the next.
    for (const j of fired) this.#send("recurrent", j, step + 1, 1);
    return fired;
  }

  /** One step of the readouts; gives their voltages. */
  readout(step: number): number[] {
    const { readouts, resolution, steps } = this.#problem;
    const arriving = this.#onto.readout.take(step);
    if (step >= shifts.readout && (step - shifts.readout) % steps === 0) this.#y.fill(0);
    for (const [k, readout] of readouts.entries()) {
      const alpha = Math.exp(-resolution / readout.tau_m);
      const gain = readout.regular_spike_arrival ? 1 : 1 - alpha;
      const current = (readout.tau_m / readout.C_m) * (1 - alpha) * (step > 0 ? readout.I_e : 0);
      const v = alpha * (this.#y[k] as number) + current + gain * (arriving[k] as number);
      if (v < readout.V_min) this.clipped += 1;
      this.#y[k] = Math.max(v, readout.V_min);
    }
    return readouts.map(({ E_L }, k) => (this.#y[k] as number) + E_L);
  }
}

/** The readouts' signals and errors in the learning windows of all sequences. */
class Judge {
  readonly #problem: Problem;
  readonly #sums: { voltages: Float64Array; targets: Float64Array };

  constructor(problem: Problem) {
    this.#problem = problem;
    const zeros = () => new Float64Array(problem.readouts.length);
    this.#sums = { voltages: zeros(), targets: zeros() };
  }

  /** Takes the voltages of a step of an interval's learning window: `place` counts steps of all intervals. */
  take(of: IntervalCourse, place: number, voltages: readonly number[]): void {
    const { steps, learningWindow, readouts, targets, loss } = this.#problem;
    const k = readouts.length;
    const form = formOf(loss);
    const row = place % steps;
    const begin = steps - learningWindow;
    const smoothed = readouts.map(
      ({ smoothing }, at) => (1 - smoothing) * (targets[place * k + at] as number) + smoothing / k,
    );
    const { voltages: sums, targets: wanted } = this.#sums;
    if (row === begin) for (const sum of [sums, wanted]) sum.fill(0);
    voltages.forEach((voltage, at) => (sums[at] = (sums[at] as number) + voltage));
    smoothed.forEach((target, at) => (wanted[at] = (wanted[at] as number) + target));
    const count = row - begin + 1;
    const { ofMean } = form;
    const shown = ofMean ? Array.from(sums, (sum) => sum / count) : voltages;
    form.signals(shown).forEach((signal, at) => {
      of.signals[row * k + at] = signal;
      const target = ofMean ? (wanted[at] as number) / count : (smoothed[at] as number);
      of.errors[row * k + at] = form.error(signal, target);
    });
    if (!ofMean || row < steps - 1) return;
    // All steps of the window have a share in the mean.
    const last = of.errors.slice(row * k);
    for (let earlier = begin; earlier < row; earlier++) of.errors.set(last, earlier * k);
  }
}

/** Simulates all sequences, and two steps more: what learns early is decided there. */
export function* intervalCourse(problem: Problem): Pieces<Course> {
  const { steps, sequences, learningWindow } = problem;
  const [n, k] = [problem.recurrent.length, problem.readouts.length];
  const simulation = new Simulation(problem);
  const judge = new Judge(problem);
  const intervals = Array.from({ length: sequences }, (): IntervalCourse => ({
    psi: new Float64Array(steps * n),
    cost: new Float64Array(steps * n),
    fired: new Uint8Array(steps * n),
    counts: new Uint32Array(n),
    errors: new Float64Array(steps * k),
    signals: new Float64Array(steps * k),
    readAtStart: new Uint32Array(0),
  }));
  const stamps: number[] = [];
  const neurons: number[] = [];
  let firedNext: number[] = [];
  for (let step = 0; step < shifts.readout + sequences * steps; step++) {
    simulation.emitInputs(step);
    const voltages = simulation.readout(step);
    const local = step - shifts.recurrent;
    const at = local < 0 ? -1 : Math.floor(local / steps);
    const u = local - at * steps;
    const interval = intervals[at];
    const [from, to] = [u * n, (u + 1) * n];
    const seen = interval && { psi: interval.psi.subarray(from, to), cost: interval.cost.subarray(from, to) };
    const fired = simulation.recurrent(step, seen);
    for (const j of fired) {
      stamps.push(step + 1);
      neurons.push(j);
      if (interval !== undefined) interval.fired[u * n + j] = 1;
      const counts = intervals[Math.max(0, at)]?.counts;
      if (counts !== undefined) counts[j] = (counts[j] as number) + 1;
    }
    if (u === 0 && interval !== undefined) interval.readAtStart = Uint32Array.from(fired);
    if (at === sequences && u === 0) firedNext = fired;
    const place = step - shifts.readout;
    const of = place < 0 ? undefined : intervals[Math.floor(place / steps)];
    const row = place % steps;
    if (of !== undefined && row >= steps - learningWindow) judge.take(of, place, voltages);
    if (step % 64 === 63) yield;
  }
  return {
    intervals,
    firedNext: Uint32Array.from(firedNext),
    clipped: simulation.clipped,
    spikes: { stamps: Uint32Array.from(stamps), neurons: Uint32Array.from(neurons) },
  };
}
