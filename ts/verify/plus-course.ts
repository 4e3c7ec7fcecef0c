/**
 * e-prop+ by its definition: every synapse goes through the window of each spike step by step, with its own traces, in
 * 64 bits (docs/derivation.md, e-prop+).
 */
import type { Pieces } from "../core/event-loop.js";
import { Arrivals, bySource, inputsByStamp } from "./interval-course.js";
import { type Gradients, feedbackWeights } from "./interval-eprop.js";
import type { Problem, Synapses } from "./problem.js";
import { surrogateGradient } from "./surrogate.js";

/** Steps from the begin of a simulation to the first step of a sequence, for inputs, targets and readouts alike. */
const shift = 2;

/** Steps that the engine simulates beyond the last sequence. */
export const stepsBeyond = 3;

/** What a simulation leaves. */
export interface PlusCourse {
  /** Weights after it less those before, of the plastic projections. */
  changes: Gradients;
  spikes: { stamps: Uint32Array; neurons: Uint32Array };
  /** Readout signals: place `(sequence * steps + step) * readouts + readout`. */
  signals: Float64Array;
}

/** What neurons and readouts leave for learning: rows by step. */
interface History {
  psi: Float64Array;
  learning: Float64Array;
  regularization: Float64Array;
  errors: Float64Array;
}

/** What the synapses of a plastic projection remember; an entry each. */
class PlasticSynapses {
  readonly synapses: Synapses;
  readonly entries: number[][];
  readonly weights: Float64Array;
  readonly #problem: Problem;
  readonly #history: History;
  /** Stamp of the last spike, 0 before the first; whether one is left over that has not yet entered. */
  readonly #last: Float64Array;
  readonly #leftOver: Uint8Array;
  readonly #zbar: Float64Array;
  readonly #eps: Float64Array;
  readonly #ebar: Float64Array;
  readonly #ereg: Float64Array;
  /** Gradient that waits for the end of a batch, and the last step of the optimizer. */
  readonly #waiting: Float64Array;
  readonly #called: Float64Array;

  constructor(problem: Problem, synapses: Synapses, history: History) {
    this.#problem = problem;
    this.#history = history;
    this.synapses = synapses;
    this.entries = bySource(synapses, synapses.from === "input" ? problem.inputs : problem.recurrent.length);
    this.weights = synapses.weights.slice();
    const zeros = () => new Float64Array(synapses.sources.length);
    [this.#last, this.#zbar, this.#eps, this.#ebar, this.#ereg, this.#waiting, this.#called] = [
      zeros(),
      zeros(),
      zeros(),
      zeros(),
      zeros(),
      zeros(),
      zeros().fill(1),
    ];
    this.#leftOver = new Uint8Array(synapses.sources.length);
  }

  /** Takes in a spike that arrives over an entry: learns from the window before it, then transmits. */
  arrive(entry: number, stamp: number): void {
    const last = this.#last[entry] as number;
    this.#last[entry] = stamp;
    // At the first spike nothing is computed.
    if (last === 0) return;
    const { recurrent, readouts } = this.#problem;
    const target = this.synapses.targets[entry] as number;
    const cutoff =
      this.synapses.to === "readout"
        ? (readouts[target]?.cutoff as number)
        : (recurrent[target]?.cutoff as number);
    const n = Math.min(cutoff, stamp - last);
    const eachStep = this.synapses.optimizer?.optimize_each_step !== false;
    let sum = 0;
    for (let u = last - 1; u <= last - 2 + n; u++) {
      const left = this.#leftOver[entry] as number;
      this.#leftOver[entry] = u === last - 1 ? 1 : 0;
      const gradient = this.#step(entry, u, left);
      if (eachStep) this.#optimize(entry, gradient, u + 1);
      else sum += gradient;
    }
    if (!eachStep) this.#optimize(entry, sum, stamp - 1);
    if (stamp - last > n) this.#skip(entry, stamp - last - n);
  }

  /** One step of the window: the traces, and what it adds to the gradient. */
  #step(entry: number, u: number, spike: number): number {
    const { recurrent, readouts, resolution } = this.#problem;
    const { psi, learning, regularization, errors } = this.#history;
    const target = this.synapses.targets[entry] as number;
    if (this.synapses.to === "readout") {
      const alpha = Math.exp(-resolution / (readouts[target]?.tau_m as number));
      const zbar = alpha * (this.#zbar[entry] as number) + spike;
      this.#zbar[entry] = zbar;
      return (errors[u * readouts.length + target] as number) * zbar;
    }
    const neuron = recurrent[target] as Problem["recurrent"][number];
    const at = u * recurrent.length + target;
    const zbar = Math.exp(-resolution / neuron.tau_m) * (this.#zbar[entry] as number) + spike;
    const beta = neuron.adapts ? neuron.adapt_beta : 0;
    const e = (psi[at] as number) * (zbar - beta * (this.#eps[entry] as number));
    const ebar = neuron.kappa * (this.#ebar[entry] as number) + e;
    const ereg = neuron.kappa_reg * (this.#ereg[entry] as number) + (1 - neuron.kappa_reg) * e;
    this.#zbar[entry] = zbar;
    this.#eps[entry] = Math.exp(-resolution / neuron.adapt_tau) * (this.#eps[entry] as number) + e;
    this.#ebar[entry] = ebar;
    this.#ereg[entry] = ereg;
    return (learning[at] as number) * ebar + (regularization[at] as number) * ereg;
  }

  /** Steps beyond the cutoff: traces decay. */
  #skip(entry: number, steps: number): void {
    const { recurrent, readouts, resolution } = this.#problem;
    const target = this.synapses.targets[entry] as number;
    const toReadout = this.synapses.to === "readout";
    const neuron = recurrent[target];
    const tau = (toReadout ? readouts[target]?.tau_m : neuron?.tau_m) as number;
    const decays: [Float64Array, number][] = [[this.#zbar, Math.exp(-resolution / tau)]];
    if (!toReadout && neuron !== undefined) {
      decays.push(
        [this.#ebar, neuron.kappa],
        [this.#ereg, neuron.kappa_reg],
        [this.#eps, Math.exp(-resolution / neuron.adapt_tau)],
      );
    }
    for (const [trace, decay] of decays) trace[entry] = (trace[entry] as number) * decay ** steps;
  }

  /** Gradient descent in steps of a batch. */
  #optimize(entry: number, gradient: number, index: number): void {
    const { eta = 1e-4, batch_size = 1, Wmin = -100, Wmax = 100 } = this.synapses.optimizer ?? {};
    const sum = (this.#waiting[entry] as number) + gradient;
    const step = 1 + Math.floor(index / batch_size);
    if ((this.#called[entry] as number) >= step) {
      this.#waiting[entry] = sum;
      return;
    }
    this.#called[entry] = step;
    this.#waiting[entry] = 0;
    const weight = (this.weights[entry] as number) - (eta * sum) / batch_size;
    this.weights[entry] = Math.min(Math.max(weight, Wmin), Wmax);
  }
}

/** Recurrent neurons between two steps. */
class Neurons {
  readonly #problem: Problem;
  readonly #v: Float64Array;
  readonly #a: Float64Array;
  /** Spikes of the step before. */
  readonly #z: Uint8Array;
  readonly #refractory: Float64Array;
  readonly #kept: Float64Array;
  readonly #average: Float64Array;

  constructor(problem: Problem) {
    this.#problem = problem;
    const n = problem.recurrent.length;
    this.#v = Float64Array.from(problem.recurrent, ({ V_m }) => V_m);
    [this.#a, this.#refractory, this.#kept, this.#average] = [0, 1, 2, 3].map(() => new Float64Array(n)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    this.#z = new Uint8Array(n);
  }

  /** One step; gives the neurons that fire, and writes what learning needs. */
  step(step: number, arriving: Float64Array, psi: Float64Array, regularization: Float64Array): number[] {
    const { recurrent, resolution } = this.#problem;
    const fired: number[] = [];
    for (const [j, neuron] of recurrent.entries()) {
      const fires = neuron.hardReset
        ? this.#hard(neuron, j, arriving[j] as number, psi)
        : this.#soft(neuron, j, step, arriving[j] as number, psi);
      if (fires) fired.push(j);
      const z = fires ? 1 : 0;
      this.#z[j] = z;
      const average =
        neuron.kappa_reg * (this.#average[j] as number) + ((1 - neuron.kappa_reg) * z) / resolution;
      this.#average[j] = average;
      regularization[j] = neuron.c_reg * (average - (neuron.f_target / 1000) * resolution);
    }
    return fired;
  }

  #adapted(neuron: Problem["recurrent"][number], j: number): number {
    if (!neuron.adapts) return neuron.V_th;
    const { resolution } = this.#problem;
    const a = Math.exp(-resolution / neuron.adapt_tau) * (this.#a[j] as number) + (this.#z[j] as number);
    this.#a[j] = a;
    return neuron.V_th + neuron.adapt_beta * a;
  }

  /** A neuron that loses its threshold when it fires. */
  #soft(
    neuron: Problem["recurrent"][number],
    j: number,
    step: number,
    arriving: number,
    psi: Float64Array,
  ): boolean {
    const { resolution } = this.#problem;
    const alpha = Math.exp(-resolution / neuron.tau_m);
    if ((this.#refractory[j] as number) > 0) this.#refractory[j] = (this.#refractory[j] as number) - 1;
    // A current is integrated in the step after the one that it flows in: none in the first.
    const current = (neuron.tau_m / neuron.C_m) * (1 - alpha) * (step > 0 ? neuron.I_e : 0);
    let v = Math.max(current + arriving + alpha * (this.#v[j] as number), neuron.V_min);
    const threshold = this.#adapted(neuron, j);
    const left = this.#refractory[j] as number;
    psi[j] = left > 0 ? 0 : surrogateGradient(neuron, v - threshold);
    const fires = v >= threshold && left === 0;
    if (fires) {
      v -= neuron.V_th;
      this.#refractory[j] = neuron.refractory;
    }
    this.#v[j] = v;
    return fires;
  }

  /** A neuron that is set to a voltage when it fires, and stands still while it is refractory. */
  #hard(neuron: Problem["recurrent"][number], j: number, arriving: number, psi: Float64Array): boolean {
    const { resolution } = this.#problem;
    const alpha = Math.exp(-resolution / neuron.tau_m);
    let left = this.#refractory[j] as number;
    let threshold = neuron.V_th + (neuron.adapts ? neuron.adapt_beta * (this.#a[j] as number) : 0);
    if (left === 0) {
      const current = (neuron.tau_m / neuron.C_m) * (1 - alpha) * neuron.I_e;
      const kept = this.#kept[j] as number;
      this.#kept[j] = 0;
      this.#v[j] = Math.max(current + alpha * (this.#v[j] as number) + arriving + kept, neuron.V_min);
      threshold = this.#adapted(neuron, j);
    } else {
      if (neuron.refractory_input) {
        const share = Math.exp((-left * resolution) / neuron.tau_m);
        this.#kept[j] = (this.#kept[j] as number) + arriving * share;
      }
      left -= 1;
      this.#refractory[j] = left;
    }
    const v = this.#v[j] as number;
    psi[j] = left > 0 ? 0 : surrogateGradient(neuron, v - threshold);
    if (v < threshold || left > 0) return false;
    this.#v[j] = neuron.V_reset;
    this.#refractory[j] = neuron.refractory;
    return true;
  }
}

/** Simulates and trains: as long as the engine does for one iteration. */
export function* plusCourse(problem: Problem): Pieces<PlusCourse> {
  const { recurrent, readouts, resolution, steps, sequences, learningWindow, targets } = problem;
  const [n, k, length] = [recurrent.length, readouts.length, steps * sequences + stepsBeyond];
  const history: History = {
    psi: new Float64Array(length * n),
    learning: new Float64Array(length * n),
    regularization: new Float64Array(length * n),
    errors: new Float64Array(length * k),
  };
  const plastic = problem.projections
    .filter(({ kind }) => kind === "plastic")
    .map((synapses) => new PlasticSynapses(problem, synapses, history));
  const still = problem.projections
    .filter(({ kind }) => kind === "static")
    .map((synapses) => ({
      synapses,
      weights: synapses.weights,
      entries: bySource(synapses, synapses.from === "input" ? problem.inputs : n),
      arrive: () => undefined,
    }));
  const longest = Math.max(1, ...problem.projections.map(({ delays }) => Math.max(1, ...delays)));
  const onto = { recurrent: new Arrivals(n, longest), readout: new Arrivals(k, longest) };
  const feedback = feedbackWeights(problem, "own");
  const inputs = inputsByStamp(problem);
  const neurons = new Neurons(problem);
  const y = Float64Array.from(readouts, ({ V_m }) => V_m);
  const signals = new Float64Array(steps * sequences * k);
  const found = { stamps: [] as number[], neurons: [] as number[] };
  let fired: number[] = [];
  /** An event with this stamp: synapses of one step learn before they transmit. */
  const send = (from: "input" | "recurrent", source: number, stamp: number, multiplicity: number) => {
    for (const of of [...plastic, ...still]) {
      if (of.synapses.from !== from) continue;
      for (const entry of of.entries[source] ?? []) {
        of.arrive(entry, stamp);
        const arrivals = of.synapses.to === "readout" ? onto.readout : onto.recurrent;
        const arrival = stamp + (of.synapses.delays[entry] as number) - 1;
        arrivals.add(
          arrival,
          of.synapses.targets[entry] as number,
          multiplicity * (of.weights[entry] as number),
        );
      }
    }
  };
  for (let step = 0; step < length; step++) {
    for (const [input, multiplicity] of inputs.get(step) ?? []) send("input", input, step, multiplicity);
    for (const j of fired) send("recurrent", j, step, 1);
    const row = (rows: Float64Array) => rows.subarray(step * n, (step + 1) * n);
    fired = neurons.step(step, onto.recurrent.take(step), row(history.psi), row(history.regularization));
    for (const j of fired) {
      found.stamps.push(step + 1);
      found.neurons.push(j);
    }
    const arriving = onto.readout.take(step);
    const place = step - shift;
    const isOpen = place >= 0 && place < steps * sequences && place % steps >= steps - learningWindow;
    for (const [of, { tau_m, C_m, I_e, E_L, V_min }] of readouts.entries()) {
      const alpha = Math.exp(-resolution / tau_m);
      const current = (tau_m / C_m) * (1 - alpha) * (step > 0 ? I_e : 0);
      const v = Math.max(current + (arriving[of] as number) + alpha * (y[of] as number), V_min);
      y[of] = v;
      if (!isOpen) continue;
      signals[place * k + of] = v + E_L;
      history.errors[step * k + of] = v + E_L - (targets[place * k + of] as number);
    }
    // A readout's error reaches neurons in the step after the one that it belongs to.
    if (step === 0) continue;
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let of = 0; of < k; of++) {
        sum += (feedback[j * k + of] as number) * (history.errors[step * k + of] as number);
      }
      history.learning[(step - 1) * n + j] = sum;
    }
    if (step % 4 === 3) yield;
  }
  return {
    changes: Object.fromEntries(
      plastic.map(({ synapses, weights }) => [
        synapses.name,
        weights.map((weight, entry) => weight - (synapses.weights[entry] as number)),
      ]),
    ),
    spikes: { stamps: Uint32Array.from(found.stamps), neurons: Uint32Array.from(found.neurons) },
    signals,
  };
}
