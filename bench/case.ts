/** What is measured: cases as data, which a process of its own can be given. */

/** Width of weights and histories. */
export type Precision = "f64" | "f32";

/** How a kernel computes. */
export interface Settings {
  threads: number;
  gradient?: "adjoint" | "forward";
  precision?: Precision;
}

/** The training of a task; its unit is an iteration, or a part of one. */
export interface TaskRun {
  kind: "task";
  /** Name in the table of tasks. */
  task: string;
  options: Readonly<Record<string, unknown>>;
  /** Parts of an iteration that are counted singly, as the recordings of a group. */
  parts?: number;
  /** Trainings one after the other, of which all iterations but the first count; one if left out. */
  trainings?: number;
}

/** A batch of a network as in the spoken-digits data set; its unit is the batch. */
export interface NetworkRun {
  kind: "network";
  /** When weights change: once an interval, or with every spike (e-prop+). */
  family: "interval" | "event";
  neurons: number;
  batch: number;
  steps: number;
  readouts: number;
  inputs: number;
  /** Input spikes of a sequence. */
  spikes: number;
  /** Synapses that a neuron has from inputs and from neurons, drawn at random; all if left out. */
  indegree?: { inputs: number; neurons: number };
  /** Batches that are measured after the first. */
  repetitions: number;
}

/** The models of a network by rules. */
export type ByRuleModels =
  | {
      neuron: "eprop_iaf_bsshslm_2020";
      readout: "eprop_readout_bsshslm_2020";
      synapse: "eprop_synapse_bsshslm_2020";
      feedback: "eprop_learning_signal_connection_bsshslm_2020";
    }
  | {
      neuron: "eprop_iaf_psc_delta";
      readout: "eprop_readout";
      synapse: "eprop_synapse";
      feedback: "eprop_learning_signal_connection";
    };

/**
 * A sparse network by rules, as in the scaling benchmark of Korcsak-Gorzo et al. (2025): neurons fire by a clock, each
 * with so many synapses. Parameters have NEST's names, so that it can be built there from the same description.
 */
export interface ByRuleRun {
  kind: "by-rule";
  /** When weights change: once an interval, or with every spike (e-prop+). */
  family: "interval" | "event";
  models: ByRuleModels;
  neurons: number;
  /** Synapses that a neuron and a readout have from neurons; neurons that a readout's learning signal reaches. */
  degree: number;
  readouts: number;
  /** Update interval, cutoff and the clock's period (ms). */
  interval: number;
  /** First and last time of a neuron's first spike (ms). */
  offsets: readonly [number, number];
  /** Standard deviation of weights. */
  std: number;
  neuron: Readonly<Record<string, number | string | boolean>>;
  readout: Readonly<Record<string, number | string | boolean>>;
  target: { amplitude_times: readonly number[]; amplitude_values: readonly number[] };
  optimizer: Readonly<Record<string, number | string | boolean>>;
  /** Time before the first iteration, in which the first interval begins in all populations, and of each (ms). */
  before: number;
  duration: number;
  iterations: number;
}

/** What starting costs: a fresh process imports the package, or simulates a small network for the first time. */
export interface StartUpRun {
  kind: "start-up";
  what: "import" | "first-simulate";
}

export type Run = TaskRun | NetworkRun | ByRuleRun | StartUpRun;

/** A row of a table. */
export interface Case {
  name: string;
  table: "tasks" | "spoken digits" | "growth" | "large and sparse" | "e-prop+" | "start-up";
  settings: Settings;
  run: Run;
  /** Fresh processes that it is measured in, in turn with others; their median counts. */
  processes: number;
  /** The same or a smaller run for the forward gradient, compared by neuron-step. */
  forward?: TaskRun | NetworkRun;
  /** The series that it belongs to, and where in it. */
  series?: { name: string; x: number };
}

/** What a process of its own is told to do. */
export interface Job {
  run: Run;
  settings: Settings;
}

/** What a run does, counted: its cost is held against this. */
export interface Work {
  /** Steps of recurrent neurons. */
  neuronSteps: number;
  /** Synapses times steps: what a trace per synapse would update. */
  synapseSteps: number;
  /** Spikes times their plastic synapses. */
  synapticEvents: number;
  /** Bytes that the work must at least read and write. */
  bytes: number;
  /** Additions, subtractions, multiplications, divisions and roots of the work. */
  operations: number;
}

/** What a process measured. */
export interface Measurement {
  /** Milliseconds of the first unit, with all memory new. */
  cold: number;
  /** Milliseconds of each unit after it. */
  warm: readonly number[];
  /** Share of the measured time and threads in which the processor was this process's. */
  busy: number;
  /** Largest resident memory (bytes). */
  peak: number;
  /** Work of a unit; none for start-up. */
  work?: Work;
  /** The loss of each iteration, of a task. */
  losses?: readonly number[];
  /** Spikes of all neurons, of a network by rules. */
  spikes?: number;
}
