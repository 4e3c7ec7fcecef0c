// Declarations are read by programs whose target has no such library.
/// <reference lib="esnext.disposable" preserve="true" />
import {
  type Check,
  abortSignal,
  callable,
  either,
  fields,
  flag,
  given,
  oneOf,
  optional,
  path as filePath,
  refuse,
  whole,
} from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { InPieces, type Pieces, atOnce, inSlices } from "../core/event-loop.js";
import type { NativeState } from "../native/index.js";
import { Kernel, type MemoryEstimate } from "../nest/kernel.js";
import { Network } from "../network/network.js";
import { Recorders, type RecordOptions, type Recorded, recordOptions } from "./recorders.js";
import { WeightCourses } from "./weight-courses.js";
import type { TaskEntry } from "../tasks/index.js";
import { checkNetwork, checkedIteration, checkedTask } from "../tasks/check.js";
import { Draws } from "../tasks/draws.js";
import type { DataSplit, IterationData, Task } from "../tasks/task.js";
import type { Checkpoint } from "./checkpoint.js";
import { type Metrics, evaluations, readoutSignals } from "./metrics.js";
import { type NetworkOptions, type PlasticWeights, TaskNetwork } from "./network.js";
import { type Observer, Sampler } from "./sampler.js";
import {
  type Ending,
  type Phase,
  type Position,
  beginning,
  iterationsLeft,
  nextStretch,
} from "./schedule.js";

/** An iteration that is over. */
export interface Iteration extends Metrics {
  /** Its number, from 1 on, over all phases. */
  iteration: number;
  phase: Phase;
  /** Time that its simulation took (ms). */
  ms: number;
  /**
   * Spikes of a recurrent neuron in a sequence, on average. With e-prop+, the same for identical iterations that were
   * simulated together.
   */
  spikesPerNeuron: number;
  /** Norm of the gradient of all weights, averaged over the batch; of weights that change once an interval. */
  gradientNorm?: number;
}

/** What may be chosen anew where a training is resumed. */
export interface ResumeOptions {
  /** Threads; all cores if left out. */
  threads?: number;
  /** Stops the training: it rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Ends the training with the iteration that comes next: everything is recorded and returned as at a planned end.
   * Before that iteration it is saved, if it saves itself, to go on from there.
   */
  finish?: AbortSignal;
  /** Looks into sequences while the training runs. */
  observer?: Observer;
  /** Saves the training by itself; where it is resumed, to the same file as often as before if left out. */
  checkpoint?: CheckpointOptions;
}

/** Where a training is saved by itself: when it is asked to finish before its end, and while it goes on. */
export interface CheckpointOptions {
  path: string;
  /** Also each time that so many more iterations have been handed out. */
  every?: number;
}

/** How a task is trained. */
export interface TrainOptions extends ResumeOptions, NetworkOptions {
  /** What to record besides losses; nothing if left out. */
  record?: RecordOptions | boolean;
}

const observerCheck: Check<Observer> = {
  allowed: "an observer: wants() and sample()",
  read(value, at) {
    const { wants, sample } = (value ?? {}) as Partial<Observer>;
    if (typeof wants !== "function" || typeof sample !== "function") refuse(at, value, this.allowed);
    return value as Observer;
  },
};

/** What may be chosen where a training begins or is resumed, and how it is told. */
const resumeFields = {
  threads: optional(whole(1, 1024)),
  signal: optional(abortSignal),
  finish: optional(abortSignal),
  observer: optional(observerCheck),
  checkpoint: optional(fields({ path: filePath, every: optional(whole(1)) })),
} as const;

const trainFields = {
  ...resumeFields,
  gradient: optional(oneOf("adjoint", "forward")),
  precision: optional(oneOf("f64", "f32")),
  record: optional(either((value) => typeof value === "boolean", flag, recordOptions)),
} as const;

const trainOptions = fields(trainFields);
const anything: Check<unknown> = { allowed: "anything", read: (value) => value };
const resumeOptions = fields({ ...resumeFields, task: anything });
const trainToEndOptions = fields({ ...trainFields, onIteration: optional(callable) });

/** What a training leaves. */
export interface TrainingResult {
  task: Task;
  iterations: readonly Iteration[];
  weights: { before: PlasticWeights; after: PlasticWeights };
  recorded: Recorded;
  ended: Ending;
  /** Time that the simulation of an iteration took, on average (ms). */
  msPerIteration: number;
  /** Memory that the simulation took. */
  memory: MemoryEstimate;
  /** The trained network, to be used. */
  network: Network;
  /** What it was computed with. */
  settings: {
    gradient: "adjoint" | "forward";
    precision: "f64" | "f32";
    threads: number;
    record?: RecordOptions | boolean;
  };
}

/**
 * Neurons times steps of identical iterations that are simulated together: about 50 ms. It does not follow the clock,
 * so that the same training is cut in the same places.
 */
const together = { interval: 1e7, event: 1e6 } as const;

/** How far a training is; plain data, so that it can be saved. */
export interface Progress {
  position: Position;
  /** What it does next: choose iterations, read out those before, simulate the rest, read out the last, nothing. */
  stage: "choose" | "read" | "rest" | "last" | "over";
  /** Step that the simulation goes to next. */
  goal: number;
  /** Iterations begun, of those the ones in the present stretch, and its phase. */
  started: number;
  count: number;
  phase: Phase;
  /** Iterations that have drawn their inputs from each split. */
  drawn: Record<DataSplit, number>;
  /** Iterations that are simulated and not yet read out. */
  pending: { iteration: number; phase: Phase }[];
  /** Time that their simulation took (ms). */
  pendingMs: number;
  spikesBefore: number;
  /** Iterations handed out. */
  delivered: number;
  /** The iteration after which weights are noted next. */
  snapshotAt: number;
}

/** What is made before a training begins. */
interface SetUp {
  network: TaskNetwork;
  recorders: Recorders;
  courses: WeightCourses | undefined;
  /** The weights that the training begins with. */
  before: PlasticWeights;
}

/** Spikes that are looked at in one piece, and generators that are set in one. */
const pieceLengths = { spikes: 1 << 14, generators: 50 } as const;

/**
 * Trains a task, an iteration at a time.
 *
 * @example
 * const trainer = new Trainer(tasks.sineWaves());
 * for await (const { iteration, loss } of trainer) {
 *   if (iteration % 10 === 0) await trainer.save("sine-waves.checkpoint");
 * }
 * const { weights } = trainer.result();
 */
export class Trainer implements AsyncIterable<Iteration>, AsyncDisposable {
  readonly task: Task;
  readonly #options: TrainOptions;
  readonly #kernel = new Kernel();
  #setUp: InPieces<SetUp>;
  #observer: Observer | undefined;
  #sampler: Sampler | undefined;
  readonly #iterations: Iteration[] = [];
  #progress: Progress = {
    position: { ...beginning },
    stage: "choose",
    goal: 0,
    started: 0,
    count: 0,
    phase: "training",
    drawn: { training: 0, test: 0 },
    pending: [],
    pendingMs: 0,
    spikesBefore: 0,
    delivered: 0,
    snapshotAt: 0,
  };
  /** Iterations handed out when it was last saved by itself, and when it was saved because it is to finish. */
  #savedAt = 0;
  #savedToFinishAt: number | undefined;
  /** Whether what is held is between two states: inputs are being drawn, or readouts evaluated. */
  #inTransit = false;
  /** What is being saved; until its state is taken, nothing goes on. */
  #saving: Promise<unknown> | undefined;
  /** What it draws from the task, once its network is built. */
  #draws: Draws | undefined;
  /** Steps of spikes that generators have not yet sent, by input. */
  #spikesLeft: Float64Array[] = [];
  /** Changes of targets that have not yet come, by readout. */
  #targetsLeft: { times: Float64Array; values: Float64Array }[] = [];

  /**
   * @throws {@link NESTError} for a task or an option that cannot be. What takes long to make is checked when it is
   *   made, and what the task gives for an iteration before that is simulated.
   */
  constructor(task: Task, options: TrainOptions = {}) {
    this.task = checkedTask(task);
    this.#options = given("options", options, trainOptions) as TrainOptions;
    this.#observer = this.#options.observer;
    this.#setUp = new InPieces(this.#begin());
  }

  /** Builds the network, and what looks on. */
  *#build(): Pieces<Omit<SetUp, "before">> {
    const { task } = this;
    const options = this.#options;
    yield* checkNetwork(task);
    this.#draws = new Draws(task);
    const network = yield* TaskNetwork.build(this.#kernel, task, options);
    const recorders = new Recorders(network, task, options.record ?? false);
    yield;
    if (!options.record) return { network, recorders, courses: undefined };
    return { network, recorders, courses: yield* WeightCourses.of(network, task.schedule.iterations) };
  }

  *#begin(): Pieces<SetUp> {
    const built = yield* this.#build();
    const before = yield* built.network.weights();
    const none = { times: new Float64Array(0), values: new Float64Array(0) };
    this.#spikesLeft = Array.from({ length: this.task.network.inputs }, () => none.times);
    this.#targetsLeft = Array.from({ length: this.task.network.readout.n }, () => none);
    built.courses?.snapshot(0);
    this.#beginToObserve(built.network);
    return { ...built, before };
  }

  /** Goes on with what was saved. */
  async #goOn(saved: Checkpoint): Promise<void> {
    const { task } = this;
    const kernel = this.#kernel;
    const built = await inSlices(this.#build());
    const threads = kernel.get("local_num_threads");
    await kernel.restoreAsync(saved.kernel);
    kernel.set({ local_num_threads: threads });
    this.#draws = new Draws(task, saved.random);
    this.#progress = saved.progress;
    this.#savedAt = saved.progress.delivered;
    this.#iterations.push(...saved.iterations);
    this.#spikesLeft = saved.spikesLeft;
    this.#targetsLeft = saved.targetsLeft;
    built.recorders.restore(saved.recorded);
    built.courses?.restore(saved.courses);
    this.#beginToObserve(built.network);
    this.#setUp = new InPieces<SetUp>({ value: { ...built, before: saved.before } });
  }

  /** The task's network. It is made with the first iteration, or when it is first asked for. */
  get network(): TaskNetwork {
    return this.#setUp.now().network;
  }

  /**
   * Goes on with a training from a file that {@link Trainer.save} wrote; it ends with the same bits as one that was
   * never interrupted.
   *
   * @param options `task` is the task or what makes it, where it is none of eprop's own.
   * @throws {@link NESTError} that says what is wrong with the file, or that the task's data have changed.
   */
  static async resume(
    path: string,
    options: ResumeOptions & { task?: Task | TaskEntry } = {},
  ): Promise<Trainer> {
    const file = given("path", path, filePath);
    const { task, ...rest } = given("options", options, resumeOptions) as ResumeOptions & {
      task?: Task | TaskEntry;
    };
    const { readCheckpoint } = await import("./checkpoint.js");
    const saved = await readCheckpoint(file, task);
    const { every, ...before } = saved.options;
    const checkpoint = every === undefined ? {} : { checkpoint: { path: file, ...(every > 0 && { every }) } };
    const trainer = new Trainer(saved.task, { ...before, ...checkpoint, ...rest });
    await trainer.#goOn(saved);
    return trainer;
  }

  /**
   * Saves how far the training is, between two iterations. The file is written whole or not at all: until it is, one
   * that was there before stays.
   *
   * @throws {@link NESTError} while an iteration is simulated, and where the file cannot be written.
   */
  async save(path: string): Promise<void> {
    const file = given("path", path, filePath);
    if (this.#inTransit) {
      throw nestError({
        code: "KernelException",
        message: "an iteration is being simulated; a training is saved between two",
      });
    }
    const collected = this.#collect(this.#saving);
    const saving = collected.catch(() => undefined);
    this.#saving = saving;
    try {
      const saved = await collected;
      const { writeCheckpoint } = await import("./checkpoint.js");
      await writeCheckpoint(file, saved);
    } finally {
      if (this.#saving === saving) this.#saving = undefined;
    }
  }

  /** What is saved: all of it as it is now, whatever happens until it is written. */
  async #collect(before: Promise<unknown> | undefined): Promise<Checkpoint> {
    if (before !== undefined) await before;
    const setUp = this.#setUp.isMade ? this.#setUp.now() : await this.#ready();
    const { gradient, precision, record, checkpoint } = this.#options;
    // The kernel takes no other call from here on, and the rest is copied before anybody else has a turn.
    const kernel: Promise<NativeState> = this.#kernel.stateAsync();
    const recorded = setUp.recorders.recorded();
    const saved: Omit<Checkpoint, "kernel" | "recorded"> = {
      task: this.task,
      options: {
        ...(gradient !== undefined && { gradient }),
        ...(precision !== undefined && { precision }),
        ...(record !== undefined && { record }),
        ...(checkpoint !== undefined && { every: checkpoint.every ?? 0 }),
      },
      random: (this.#draws ??= new Draws(this.task)).state,
      progress: structuredClone(this.#progress),
      iterations: [...this.#iterations],
      before: setUp.before,
      spikesLeft: this.#spikesLeft,
      targetsLeft: this.#targetsLeft,
      courses: setUp.courses?.notes() ?? { times: [], weights: {} },
    };
    return { ...saved, kernel: await kernel, recorded: await inSlices(recorded) };
  }

  /** Lets an observer look into sequences from the next iterations on, in place of one before it. */
  observe(observer: Observer): void {
    this.#observer = given("observer", observer, observerCheck);
    if (this.#setUp.isMade) this.#beginToObserve(this.network);
  }

  #beginToObserve(network: TaskNetwork): void {
    if (this.#observer !== undefined) this.#sampler = new Sampler(network, this.task, this.#observer);
  }

  /** Iterations handed out so far. */
  get iterations(): readonly Iteration[] {
    return this.#iterations.slice(0, this.#progress.delivered);
  }

  /** What ends it, as far as is known: its schedule, unless something else does. */
  get ending(): Ending {
    return this.#progress.position.ended;
  }

  /** Whether all iterations have been handed out. */
  get isOver(): boolean {
    const { stage, delivered } = this.#progress;
    return stage === "over" && delivered === this.#iterations.length;
  }

  /** The next iteration as soon as it is over; nothing at the end. */
  async next(): Promise<Iteration | undefined> {
    const progress = this.#progress;
    await this.#saving;
    await this.#saveIfDue();
    while (progress.delivered === this.#iterations.length && progress.stage !== "over") await this.#advance();
    const iteration = this.#iterations[progress.delivered];
    if (iteration !== undefined) progress.delivered += 1;
    return iteration;
  }

  async #saveIfDue(): Promise<void> {
    const { checkpoint } = this.#options;
    const { delivered } = this.#progress;
    if (checkpoint?.every === undefined || delivered === this.#savedAt || this.isOver) return;
    // What was saved before the iteration that ends it is what it goes on from.
    if (this.ending === "request") return;
    if (delivered % checkpoint.every !== 0) return;
    await this.save(checkpoint.path);
    this.#savedAt = delivered;
  }

  /** Whether the iteration that comes next is the last because that was asked for. What is left then is saved. */
  async #isToFinish(): Promise<boolean> {
    const { finish, checkpoint } = this.#options;
    if (!finish?.aborted) return false;
    const { position, delivered } = this.#progress;
    const isSaved = delivered === this.#savedToFinishAt;
    if (checkpoint !== undefined && !isSaved && iterationsLeft(this.task, position)) {
      await this.save(checkpoint.path);
      this.#savedToFinishAt = delivered;
    }
    return true;
  }

  /** The iterations that are left, each as soon as it is over. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Iteration, void, undefined> {
    for (;;) {
      const iteration = await this.next();
      if (iteration === undefined) return;
      yield iteration;
    }
  }

  /** What the training has left so far. */
  result(): TrainingResult {
    return atOnce(this.#result());
  }

  /** As {@link result}, without holding up the event loop. */
  async resultAsync(): Promise<TrainingResult> {
    await this.#ready();
    return inSlices(this.#result());
  }

  *#result(): Pieces<TrainingResult> {
    const { network, recorders, courses, before } = this.#setUp.now();
    this.#snapshot(true);
    const { iterations } = this;
    const after = yield* network.weights();
    yield;
    const recorded = yield* recorders.recorded();
    const noted = courses?.recorded();
    yield;
    const memory = network.kernel.memory();
    yield;
    return {
      task: this.task,
      iterations,
      weights: { before, after },
      recorded: { ...recorded, ...noted },
      ended: this.#progress.position.ended,
      msPerIteration: iterations.reduce((sum, { ms }) => sum + ms, 0) / Math.max(1, iterations.length),
      memory,
      network: Network.of(network.kernel),
      settings: {
        gradient: network.kernel.get("gradient"),
        precision: network.kernel.get("precision"),
        threads: network.kernel.get("local_num_threads"),
        ...(this.#options.record !== undefined && { record: this.#options.record }),
      },
    };
  }

  /** Gives its memory back. */
  async close(): Promise<void> {
    await this.#saving;
    await this.#kernel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Makes what is made before a training begins. */
  async #ready(signal?: AbortSignal): Promise<SetUp> {
    if (this.#setUp.isMade) return this.#setUp.now();
    await this.task.prepare?.(signal);
    return this.#setUp.inSlices(signal);
  }

  /** Does what comes next. Where that is cancelled, it can be done again. */
  async #advance(): Promise<void> {
    const { network } = await this.#ready(this.#options.signal);
    const progress = this.#progress;
    switch (progress.stage) {
      case "choose": {
        const finish = await this.#isToFinish();
        await this.#inOne(async () => {
          const chosen = await this.#choose(finish);
          progress.goal = progress.started * this.#length + network.timeline.lag;
          progress.stage = chosen ? "read" : "last";
        });
        break;
      }
      case "read":
        await this.#simulate();
        await this.#inOne(async () => {
          await this.#evaluate();
          const { count, phase, started } = progress;
          progress.pending = Array.from({ length: count }, (_, at) => ({
            iteration: started + at + 1,
            phase,
          }));
          progress.started += count;
          progress.goal = progress.started * this.#length;
          progress.stage = "rest";
        });
        break;
      case "rest":
        await this.#simulate();
        progress.stage = "choose";
        break;
      case "last":
        await this.#simulate();
        await this.#inOne(async () => {
          await this.#evaluate();
          progress.stage = "over";
        });
        break;
      case "over":
    }
  }

  /** Does what has to be done as a whole, between two states that can be saved. */
  async #inOne(work: () => Promise<void>): Promise<void> {
    this.#inTransit = true;
    try {
      await work();
    } finally {
      this.#inTransit = false;
    }
  }

  /** Steps of an iteration. */
  get #length(): number {
    return this.task.steps * this.task.batchSize;
  }

  /** Sets up the iterations that come next; false at the end. */
  async #choose(finish: boolean): Promise<boolean> {
    const { task } = this;
    const { network, recorders } = this.#setUp.now();
    const progress = this.#progress;
    const { stretch, position } = nextStretch(task.schedule, progress.position, {
      lastError: this.#iterations.at(-1)?.error ?? Number.POSITIVE_INFINITY,
      finish,
      together: (left) => this.#together(left),
    });
    if (stretch !== undefined) {
      const { phase, count, last } = stretch;
      const split: DataSplit = phase === "test" ? "test" : "training";
      const { data, drawn } = await this.#draw(split, count);
      network.setLearningRate(phase === "training" ? (task.network.optimizer.eta ?? 0) : 0);
      const begin = progress.started * this.#length;
      const end = begin + count * this.#length;
      if (last) recorders.observe(end - this.#length, end);
      if (progress.started === 0) recorders.observe(0, this.#length);
      this.#sampler?.arm(progress.started + count, end - this.#length);
      await inSlices(this.#load(data, begin));
      progress.drawn = drawn;
      progress.count = count;
      progress.phase = phase;
    }
    progress.position = position;
    return stretch !== undefined;
  }

  /** Draws the inputs of iterations, all of them or none. */
  async #draw(split: DataSplit, count: number): Promise<{ data: IterationData[]; drawn: Progress["drawn"] }> {
    const { task } = this;
    const { signal } = this.#options;
    const draws = (this.#draws ??= new Draws(task));
    return draws.draw(async () => {
      const drawn = { ...this.#progress.drawn };
      const data: IterationData[] = [];
      while (data.length < count) {
        signal?.throwIfAborted();
        const next = await task.next(split, { ...drawn }, signal);
        const iteration = this.#progress.started + data.length + 1;
        data.push(await inSlices(checkedIteration(task, next, iteration), signal));
        drawn[split] += 1;
      }
      return { data, drawn };
    });
  }

  /** How many of the iterations left are simulated in one go. */
  #together(left: number): number {
    const { sameEveryIteration, schedule } = this.task;
    if (!sameEveryIteration || schedule.validateEvery > 0 || this.#iterations.length === 0) return 1;
    const { network, courses } = this.#setUp.now();
    const neurons = this.task.network.inputs + network.recurrent.length;
    const budget = Math.floor(together[network.family] / (neurons * this.#length));
    return Math.max(1, Math.min(left, courses?.every ?? 100, 100, budget));
  }

  /** Simulates up to the goal. */
  async #simulate(): Promise<void> {
    const kernel = this.#kernel;
    const { resolution } = this.task;
    const done = Math.round(kernel.get("biological_time") / resolution);
    const begin = performance.now();
    const { signal } = this.#options;
    try {
      await kernel.SimulateAsync(
        (this.#progress.goal - done) * resolution,
        signal === undefined ? {} : { signal },
      );
    } finally {
      this.#progress.pendingMs += performance.now() - begin;
    }
  }

  /** Reads out the iterations that have been simulated since the last call. */
  async #evaluate(): Promise<void> {
    const { task } = this;
    const { network, recorders } = this.#setUp.now();
    const progress = this.#progress;
    await recorders.drain();
    const events = await network.kernel.takeEventsAsync(network.readoutRecorder);
    const count = progress.pending.length;
    if (count === 0) return;
    const readouts = task.network.readout.n;
    const signals = await inSlices(readoutSignals(events, network.readouts.ids[0] as number, readouts));
    const rows = this.#length * readouts;
    if (signals.readout.length !== rows * count) {
      throw nestError({
        code: "InternalError",
        message: "the readouts' record does not cover the iterations",
        value: `${signals.readout.length} values`,
        bound: `${rows * count} values`,
      });
    }
    const signalsOf = (at: number) => ({
      readout: signals.readout.subarray(at * rows, (at + 1) * rows),
      target: signals.target.subarray(at * rows, (at + 1) * rows),
    });
    const metrics = await inSlices(
      evaluations(
        task,
        Array.from({ length: count }, (_, at) => signalsOf(at)),
      ),
    );
    const perNeuron = (spikes: number) => spikes / (task.batchSize * network.recurrent.length);
    const counts = network.kernel.takeIntervalSpikes();
    const norms = network.kernel.takeGradientNorms();
    const spikes = network.kernel.spikeCount();
    const average = (spikes - progress.spikesBefore) / count;
    const ms = progress.pendingMs / count;
    const finished = progress.pending.map((pending, at) => {
      const ofInterval = counts.subarray(at * task.batchSize, (at + 1) * task.batchSize);
      return {
        ...pending,
        ...(metrics[at] as Metrics),
        ms,
        spikesPerNeuron: perNeuron(network.family === "interval" ? total(ofInterval) : average),
        ...(norms.length === count && { gradientNorm: norms[at] as number }),
      };
    });
    progress.spikesBefore = spikes;
    progress.pendingMs = 0;
    progress.pending = [];
    this.#iterations.push(...finished);
    this.#sampler?.deliver(this.#iterations.length, signalsOf(count - 1));
    this.#snapshot();
  }

  /** Notes weights where it is time to. */
  #snapshot(last = false): void {
    const { courses } = this.#setUp.now();
    const done = this.#iterations.length;
    if (courses === undefined || (!last && done < this.#progress.snapshotAt)) return;
    this.#progress.snapshotAt = done + courses.every;
    courses.snapshot(done * this.#length * this.task.resolution);
  }

  /** Gives generators what they emit in iterations that begin at a step. */
  *#load(iterations: readonly IterationData[], begin: number): Pieces<void> {
    const { task } = this;
    const { network } = this.#setUp.now();
    const { resolution } = task;
    this.#spikesLeft = yield* this.#spikes(iterations, begin);
    this.#targetsLeft = yield* this.#targets(iterations, begin);
    for (let at = 0; at < this.#spikesLeft.length; at += pieceLengths.generators) {
      const steps = this.#spikesLeft.slice(at, at + pieceLengths.generators);
      const params = steps.map((of) => spikeParams(of, resolution));
      network.inputs.slice(at, at + pieceLengths.generators).set(params);
      yield;
    }
    network.targets.set(
      this.#targetsLeft.map(({ times, values }) => ({
        amplitude_times: inMilliseconds(times, resolution),
        amplitude_values: values,
      })),
    );
    if (network.learningWindow !== undefined) {
      network.learningWindow.set(windowParams(task, begin + network.timeline.target, iterations.length));
    }
  }

  /** Steps of the spikes of each input that it has not yet sent. */
  *#spikes(iterations: readonly IterationData[], begin: number): Pieces<Float64Array[]> {
    const { task } = this;
    const { inputs } = task.network;
    const { timeline } = this.#setUp.now().network;
    const left: Float64Array[] = [];
    for (const [input, steps] of this.#spikesLeft.entries()) {
      left.push(steps.filter((step) => step > begin));
      if (input % pieceLengths.generators === 0) yield;
    }
    const counts = Uint32Array.from(left, (steps) => steps.length);
    for (const { spikes } of iterations) {
      for (let at = 0; at < spikes.length; at++) {
        const input = (spikes[at] as number) % inputs;
        counts[input] = (counts[input] as number) + 1;
        if (at % pieceLengths.spikes === 0) yield;
      }
    }
    const all = Array.from(counts, (count) => new Float64Array(count));
    yield;
    const filled = new Uint32Array(inputs);
    for (const [input, steps] of left.entries()) {
      all[input]?.set(steps);
      filled[input] = steps.length;
      if (input % pieceLengths.generators === 0) yield;
    }
    for (const [place, { spikes }] of iterations.entries()) {
      const offset = begin + place * this.#length + timeline.spikes;
      for (let at = 0; at < spikes.length; at++) {
        const spike = spikes[at] as number;
        const input = spike % inputs;
        const next = filled[input] as number;
        (all[input] as Float64Array)[next] = offset + (spike - input) / inputs;
        filled[input] = next + 1;
        if (at % pieceLengths.spikes === 0) yield;
      }
    }
    return all;
  }

  /** Changes of the target of each readout that have not yet come. */
  *#targets(
    iterations: readonly IterationData[],
    begin: number,
  ): Pieces<{ times: Float64Array; values: Float64Array }[]> {
    const { timeline } = this.#setUp.now().network;
    const all: { times: Float64Array; values: Float64Array }[] = [];
    for (const [readout, waiting] of this.#targetsLeft.entries()) {
      const first = waiting.times.findIndex((step) => step > begin);
      const kept = first < 0 ? 0 : waiting.times.length - first;
      const changes = iterations.reduce(
        (sum, data) => sum + (data.targets[readout]?.steps.length ?? 0),
        kept,
      );
      const times = new Float64Array(changes);
      const values = new Float64Array(changes);
      if (kept > 0) {
        times.set(waiting.times.subarray(first));
        values.set(waiting.values.subarray(first));
      }
      let next = kept;
      for (const [place, data] of iterations.entries()) {
        const target = data.targets[readout];
        if (target === undefined) continue;
        const offset = begin + place * this.#length + timeline.target;
        target.steps.forEach((step, change) => (times[next + change] = offset + step));
        values.set(target.values, next);
        next += target.steps.length;
        yield;
      }
      all.push({ times, values });
    }
    return all;
  }
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function inMilliseconds(steps: Float64Array, resolution: number): Float64Array {
  return resolution === 1 ? steps : steps.map((step) => step * resolution);
}

/** Spike times of a generator; steps that are there several times are spikes of that multiplicity. */
function spikeParams(steps: Float64Array, resolution: number) {
  if (!steps.some((step, at) => step === steps[at - 1])) {
    return { spike_times: inMilliseconds(steps, resolution), spike_multiplicities: new Float64Array(0) };
  }
  const times: number[] = [];
  const multiplicities: number[] = [];
  for (const step of steps) {
    if (times.length > 0 && times[times.length - 1] === step) {
      multiplicities[multiplicities.length - 1] = (multiplicities.at(-1) as number) + 1;
    } else {
      times.push(step);
      multiplicities.push(1);
    }
  }
  return {
    spike_times: inMilliseconds(Float64Array.from(times), resolution),
    spike_multiplicities: Float64Array.from(multiplicities),
  };
}

/** A signal that is one in the learning windows of sequences and zero outside. */
function windowParams(task: Task, begin: number, iterations: number) {
  const closed = task.steps - task.learningWindow;
  const times: number[] = [];
  const values: number[] = [];
  for (let sequence = 0; sequence < iterations * task.batchSize; sequence++) {
    const first = begin + sequence * task.steps;
    if (closed > 0) {
      times.push(first, first + closed);
      values.push(0, 1);
    } else if (sequence === 0) {
      times.push(first);
      values.push(1);
    }
  }
  return {
    amplitude_times: Float64Array.from(times, (step) => step * task.resolution),
    amplitude_values: Float64Array.from(values),
  };
}

/**
 * Trains a task; gives each iteration as soon as it has been evaluated, and returns what the training leaves.
 *
 * @example
 * for await (const it of train(tasks.evidenceAccumulation({ seed: 1 }))) console.log(it.phase, it.loss, it.error);
 */
export async function* train(
  task: Task,
  options: TrainOptions = {},
): AsyncGenerator<Iteration, TrainingResult, undefined> {
  const trainer = new Trainer(task, options);
  try {
    yield* trainer;
    return await trainer.resultAsync();
  } finally {
    await trainer.close();
  }
}

/** Trains a task to its end. What `onIteration` returns is waited for; if it fails, the training ends with that. */
export async function trainToEnd(
  task: Task,
  options: TrainOptions & { onIteration?: (iteration: Iteration) => unknown } = {},
): Promise<TrainingResult> {
  const { onIteration, ...rest } = given("options", options, trainToEndOptions) as TrainOptions & {
    onIteration?: (iteration: Iteration) => unknown;
  };
  const training = train(task, rest);
  try {
    for (;;) {
      const next = await training.next();
      if (next.done) return next.value;
      await onIteration?.(next.value);
    }
  } finally {
    await training.return(undefined as never);
  }
}
