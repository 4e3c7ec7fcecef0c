/** What a live view is of. */
export interface RunInfo {
  task: string;
  text: string;
  seed: number;
  kind: "regression" | "classification";
  /** Whether gradients have a norm: where weights change once an interval. */
  gradient: boolean;
  /** Iterations of all phases if nothing ends the training early. */
  planned: number;
  /** Recurrent populations in the order of their rows in a raster. */
  populations: readonly { readonly name: string; readonly n: number }[];
  /** Neurons, readouts, parameters and what else is worth a line: name and value. */
  facts: readonly (readonly [string, string])[];
  /** The run folder. */
  folder?: string;
}

/** Iterations as columns; of long trainings, those that show the course. */
export interface IterationColumns {
  iteration: number[];
  phase: string[];
  /** A loss that is no number is null. */
  loss: (number | null)[];
  error: (number | null)[];
  /** Firing rate of recurrent neurons (spikes/s). */
  rate: number[];
  /** Norm of the gradient. */
  gradient: (number | null)[];
}

/** Where a training is. */
export interface Progress {
  /** Iterations that are over. */
  done: number;
  /** Iterations in all if nothing ends it early; those that decide on an early end are known once they are over. */
  planned: number;
  phase: string;
  /** Since the begin, and estimated until the end (s). */
  elapsed: number;
  left: number | null;
  /** Time that the simulation of the last iteration took (ms). */
  ms: number;
  /** Whether it was asked to end. */
  ending: boolean;
  /** Whether it is over and being saved. */
  saving: boolean;
}

/** New iterations, and where the training is. */
export interface Update {
  /** Whether `iterations` replace all that came before. */
  whole: boolean;
  iterations: IterationColumns;
  progress: Progress;
}

/** Spikes as points: times in steps, and rows; of large populations, those of neurons chosen at equal distances. */
export interface Raster {
  step: number[];
  row: number[];
  rows: number;
  /** Size of the population. */
  neurons: number;
}

/** What the first sequence of an iteration did. */
export interface SampleMessage {
  iteration: number;
  steps: number;
  /** The step at which the learning window begins. */
  learningFrom: number;
  /** Length of a step (ms). */
  resolution: number;
  input: Raster;
  recurrent: Raster;
  /** Steps at which signals are given, and the signals of each readout there. */
  step: number[];
  readout: number[][];
  target: number[][];
}

/** How a training ended. */
export interface End {
  how: "schedule" | "early-stopping" | "request" | "divergence" | "failure";
  /** What failed. */
  message?: string;
  /** Where the server has the report, as long as it runs; browsers may keep it. */
  report?: string;
}

/** What comes over the stream of events: the events' names and their data. */
export interface Messages {
  run: RunInfo;
  update: Update;
  sample: SampleMessage;
  end: End;
}
