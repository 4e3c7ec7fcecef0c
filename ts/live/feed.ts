import { existsSync } from "node:fs";
import { join } from "node:path";
import { Pace } from "../training/pace.js";
import type { Iteration } from "../training/iteration.js";
import type { Observer, SampledSpikes, SequenceSample } from "../training/sampler.js";
import { rounded } from "../core/rounding.js";
import type {
  End,
  IterationColumns,
  Messages,
  Progress,
  Raster,
  RunInfo,
  SampleMessage,
} from "./messages.js";

/** Iterations that a page gets at the most; of more, the smallest and largest losses of equal stretches. */
const mostIterations = 3000;
/** Spikes of a raster, and steps of a signal, at the most. */
const mostSpikes = 5000;
const mostSteps = 800;
/** Shortest time between two samples (ms). */
const sampleInterval = 500;
/** How many times as long as work for pages took its repetition waits: it takes less than half a per cent of the time. */
const rest = 200;
/** The longest wait (ms): work takes long, too, where other programs have the processor, and pages must not stand still. */
const longestRest = 10_000;

/** How long work for pages waits that took so long the last time (ms). */
export function restAfter(work: number, shortest: number): number {
  return Math.max(shortest, Math.min(longestRest, rest * work));
}

/** What a page has been sent. */
export interface Cursor {
  /** Whether it knows what the run is, and that it ended. */
  greeted: boolean;
  ended: boolean;
  /** Iterations it knows of, and how many of them it was sent since the last whole course. */
  known: number;
  sent: number;
  /** Whether it knows that the training is being saved. */
  saving: boolean;
  /** The iteration of the last sample. */
  sample: number;
}

/** The cursor of a page that was sent nothing. */
export function newCursor(): Cursor {
  return { greeted: false, ended: false, known: 0, sent: 0, saving: false, sample: 0 };
}

/** A training as it can be looked at: it takes iterations and samples, and gives pages what they lack. */
export class LiveFeed implements Observer {
  readonly run: RunInfo;
  readonly #perSecond: number;
  readonly #iterations: Iteration[] = [];
  readonly #pace: Pace;
  #sample: SequenceSample | undefined;
  /** The sample as pages get it, once one wants it, and the time that took (ms). */
  #sampleText: string | undefined;
  #sampleCost = 0;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #ending = false;
  #saving = false;
  #end: End | undefined;
  /** The report of a training that is over: its file, and where pages find it. No two have the same address. */
  report: { readonly file: string; readonly path: string } | undefined;
  /** How many pages look. */
  viewers = 0;
  /** How many of them have taken all that they were sent. Without any, nothing is sampled. */
  readers = 0;

  /** @param duration Length of a sequence (ms). */
  constructor(run: RunInfo, duration: number) {
    this.run = run;
    this.#perSecond = 1000 / duration;
    this.#pace = new Pace(run.planned);
  }

  push(iteration: Iteration): void {
    this.#iterations.push(iteration);
    this.#pace.push(iteration);
  }

  wants(): boolean {
    if (this.readers === 0) return false;
    return performance.now() - this.#sampledAt >= restAfter(this.#sampleCost, sampleInterval);
  }

  sample(sample: SequenceSample): void {
    this.#sampledAt = performance.now();
    this.#sample = sample;
    this.#sampleText = undefined;
  }

  /** Notes that the training was asked to end. */
  ending(): void {
    this.#ending = true;
  }

  /** Notes that the training is over, and is being saved. */
  saving(): void {
    this.#saving = true;
  }

  /** Notes how the training ended; pages are led to the report if its folder has one. */
  end(end: End): void {
    const { folder } = this.run;
    const file = folder === undefined ? undefined : join(folder, "report.html");
    if (file === undefined || end.how === "failure" || !existsSync(file)) {
      this.#end = end;
      return;
    }
    this.report = { file, path: `/report-${Date.now().toString(36)}.html` };
    this.#end = { ...end, report: this.report.path };
  }

  /** The events that a page lacks, as text; the cursor is moved on. */
  take(cursor: Cursor): string {
    const events: string[] = [];
    const add = <K extends keyof Messages>(name: K, data: Messages[K]) => events.push(event(name, data));
    if (!cursor.greeted) add("run", this.run);
    cursor.greeted = true;
    const total = this.#iterations.length;
    if (total > cursor.known || total === 0 || this.#saving !== cursor.saving) {
      const news = total - cursor.known;
      const whole = cursor.known === 0 || news > mostIterations || cursor.sent + news > 2 * mostIterations;
      const iterations = this.#columns(whole ? 0 : cursor.known);
      add("update", { whole, iterations, progress: this.#progress() });
      cursor.sent = iterations.iteration.length + (whole ? 0 : cursor.sent);
      cursor.known = total;
      cursor.saving = this.#saving;
    }
    if (this.#sample !== undefined && this.#sample.iteration !== cursor.sample) {
      events.push(this.#sampleEvent(this.#sample));
      cursor.sample = this.#sample.iteration;
    }
    if (this.#end !== undefined && !cursor.ended) {
      add("end", this.#end);
      cursor.ended = true;
    }
    return events.join("");
  }

  /** A sample as all pages get it. */
  #sampleEvent(sample: SequenceSample): string {
    if (this.#sampleText === undefined) {
      const begin = performance.now();
      this.#sampleText = event("sample", sampleMessage(sample));
      this.#sampleCost = performance.now() - begin;
    }
    return this.#sampleText;
  }

  #columns(from: number): IterationColumns {
    const chosen = this.#course(from);
    return {
      iteration: chosen.map(({ iteration }) => iteration),
      phase: chosen.map(({ phase }) => phase),
      loss: chosen.map(({ loss }) => finite(loss)),
      error: chosen.map(({ error }) => finite(error)),
      rate: chosen.map(({ spikesPerNeuron }) => rounded(spikesPerNeuron * this.#perSecond, 6)),
      gradient: chosen.map(({ gradientNorm }) => finite(gradientNorm)),
    };
  }

  /** The iterations from a place on, or those of them that show the course. */
  #course(from: number): Iteration[] {
    const all = this.#iterations;
    if (all.length - from <= mostIterations) return all.slice(from);
    const stretch = Math.ceil((2 * (all.length - from)) / mostIterations);
    const chosen: Iteration[] = [];
    for (let begin = from; begin < all.length; begin += stretch) {
      const part = all.slice(begin, begin + stretch);
      const extremes = [part[0], part[0]] as [Iteration, Iteration];
      for (const iteration of part) {
        if (iteration.loss < extremes[0].loss) extremes[0] = iteration;
        if (!(iteration.loss <= extremes[1].loss)) extremes[1] = iteration;
      }
      const wanted = new Set([...extremes, ...part.filter(({ phase }) => phase !== "training").slice(0, 1)]);
      chosen.push(...part.filter((iteration) => wanted.has(iteration)));
    }
    const last = all.at(-1) as Iteration;
    return chosen.at(-1) === last ? chosen : [...chosen, last];
  }

  #progress(): Progress {
    const last = this.#iterations.at(-1);
    const done = last?.iteration ?? 0;
    return {
      done,
      planned: this.#pace.planned,
      phase: last?.phase ?? "",
      elapsed: this.#pace.elapsed(),
      left: this.#pace.left() ?? null,
      ms: last?.ms ?? 0,
      ending: this.#ending,
      saving: this.#saving,
    };
  }
}

/** A message as it goes over the stream of events. */
function event<K extends keyof Messages>(name: K, data: Messages[K]): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? rounded(value, 7) : null;
}

function sampleMessage(sample: SequenceSample): SampleMessage {
  const { readouts, signals } = sample;
  const steps = Math.round(sample.duration / sample.resolution);
  const stride = Math.ceil(steps / mostSteps);
  const step = Array.from({ length: Math.ceil(steps / stride) }, (_, at) => at * stride);
  const of = (values: Float64Array) =>
    Array.from({ length: readouts }, (_, readout) =>
      step.map((at) => rounded(values[at * readouts + readout] as number, 5)),
    );
  return {
    iteration: sample.iteration,
    steps,
    learningFrom: Math.round(sample.learningFrom / sample.resolution),
    resolution: sample.resolution,
    input: raster(sample.input, sample.resolution),
    recurrent: raster(sample.recurrent, sample.resolution),
    step,
    readout: of(signals.readout),
    target: of(signals.target),
  };
}

/** The spikes of as many neurons as a page can take, each neuron with all of its spikes. */
function raster({ times, neurons, size }: SampledSpikes, resolution: number): Raster {
  let stride = Math.max(1, Math.ceil(times.length / mostSpikes));
  const counts = new Uint32Array(size);
  for (const neuron of neurons) counts[neuron] = (counts[neuron] as number) + 1;
  const shown = () => counts.reduce((sum, count, neuron) => (neuron % stride === 0 ? sum + count : sum), 0);
  while (shown() > mostSpikes && stride < size) stride++;
  const step: number[] = [];
  const row: number[] = [];
  for (let at = 0; at < times.length && step.length < mostSpikes; at++) {
    const neuron = neurons[at] as number;
    if (neuron % stride !== 0) continue;
    step.push(Math.round((times[at] as number) / resolution));
    row.push(neuron / stride);
  }
  return { step, row, rows: Math.ceil(size / stride), neurons: size };
}
