// Declarations are read by programs whose target has no such library.
/// <reference lib="esnext.disposable" preserve="true" />
import { given, path as filePath } from "../core/arguments.js";
import { NESTErrors, nestError } from "../core/errors.js";
import { InPieces, type Pieces, atOnce, inSlices } from "../core/event-loop.js";
import type { NativeState } from "../native/index.js";
import { Kernel } from "../nest/kernel.js";
import { checkNetwork, checkedTask } from "../tasks/check.js";
import { Draws } from "../tasks/draws.js";
import { moduleDigest } from "../tasks/module-digest.js";
import type { LearningRate } from "../tasks/learning-rate.js";
import type { MetricTable } from "../tasks/metric.js";
import type { Task } from "../tasks/task.js";
import { TaskUse } from "../tasks/uses.js";
import { BestWeights } from "./best-weights.js";
import { Callbacks } from "./callbacks.js";
import type { Checkpoint } from "./checkpoint.js";
import { divergenceAfter, inIteration } from "./divergence.js";
import { evaluated } from "./evaluation.js";
import { tell } from "./diagnostics.js";
import { type InitialWeights, checkRead, initialNetwork, readInitialWeights } from "./initial-weights.js";
import { InputsAhead, type Wanted } from "./inputs-ahead.js";
import type { Iteration } from "./iteration.js";
import { rateFactor } from "./learning-rates.js";
import { TaskNetwork } from "./network.js";
import { type Resumption, type TrainOptions, keptOptions, observerCheck, trainOptions } from "./options.js";
import { SignalRecorder, allMetrics, checkGiven, givenFunctions, withMetrics } from "./own-metrics.js";
import { type Progress, noProgress } from "./progress.js";
import { Ranks } from "./ranks.js";
import { Recorders } from "./recorders.js";
import { type TrainingResult, resultOf } from "./result.js";
import { type Observer, Sampler } from "./sampler.js";
import { type Ending, type Stretch, isOutOfPatience, iterationsLeft, nextStretch } from "./schedule.js";
import type { SetUp } from "./set-up.js";
import { iterationsTogether, mayGoTogether } from "./together.js";
import { WeightCourses } from "./weight-courses.js";

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
  readonly #kernel: Kernel;
  readonly #ranks: Ranks;
  #setUp: InPieces<SetUp>;
  #observer: Observer | undefined;
  #sampler: Sampler | undefined;
  readonly #iterations: Iteration[] = [];
  #progress: Progress = noProgress();
  #savedAt = 0;
  #savedToFinishAt: number | undefined;
  #told: "start" | "end" | "error" | undefined;
  /** Whether what is held is between two states. */
  #inTransit = false;
  /** What is being saved; until its state is taken, nothing goes on. */
  #saving: Promise<unknown> | undefined;
  #draws: Draws | undefined;
  readonly #metrics: MetricTable;
  #signals: SignalRecorder | undefined;
  readonly #callbacks: Callbacks;
  readonly #learningRate: LearningRate | undefined;
  #failure: unknown;
  readonly #finish = new AbortController();
  readonly #use: TaskUse;
  /** What it begins with in place of the task's weights, once that is read. */
  #initial: InitialWeights | undefined;
  /** Digest of the task's module as it was loaded. */
  #module: string | undefined;

  /**
   * @throws {@link NESTError} for a task or an option that cannot be. What takes long to make is checked when it is
   *   made, and what the task gives for an iteration before that is simulated.
   */
  constructor(task: Task, options: TrainOptions = {}) {
    this.task = checkedTask(task);
    this.#options = given("options", options, trainOptions) as TrainOptions;
    this.#metrics = allMetrics(task, this.#options.metrics);
    this.#callbacks = new Callbacks(this.#options);
    this.#learningRate = this.#options.learningRate ?? task.learningRate;
    const { world, module } = this.#options;
    this.#module = module === undefined ? undefined : moduleDigest(module);
    this.#kernel = new Kernel(world === undefined ? {} : { world });
    this.#ranks = new Ranks(world);
    this.#observer = this.#options.observer;
    this.#setUp = new InPieces(this.#begin());
    this.#use = new TaskUse(this.task);
  }

  *#build(): Pieces<Omit<SetUp, "before" | "inputs" | "best">> {
    const { task } = this;
    const options = this.#options;
    yield* checkNetwork(task);
    yield;
    this.#draws = new Draws(task);
    const first = rateFactor(task, this.#learningRate, 1);
    const begun = initialNetwork(task, this.#initial);
    const network = yield* TaskNetwork.build(this.#kernel, task, options, first, begun);
    network.evaluateReadouts(task);
    if (Object.keys(this.#metrics).length > 0) this.#signals = new SignalRecorder(network, task);
    const recorders = new Recorders(network, task, options.record ?? false);
    yield;
    if (!options.record) return { network, recorders, courses: undefined };
    return { network, recorders, courses: yield* WeightCourses.of(network, task.schedule.iterations) };
  }

  *#begin(): Pieces<SetUp> {
    const built = yield* this.#build();
    const before = yield* built.network.weights();
    built.courses?.snapshot(0);
    this.#beginToObserve(built.network);
    const best = new BestWeights(built.network);
    return { ...built, inputs: this.#inputs(built.network), best, before };
  }

  /** Goes on with what was saved. */
  async #goOn(saved: Checkpoint): Promise<void> {
    const { task } = this;
    const kernel = this.#kernel;
    if (saved.init !== undefined) this.#initial = { note: saved.init };
    const built = await inSlices(this.#build());
    const threads = kernel.get("local_num_threads");
    await kernel.restoreAsync(saved.kernel);
    kernel.set({ local_num_threads: threads });
    // Those of versions before kept readouts and did not sum their losses.
    built.network.evaluateReadouts(task);
    this.#draws = new Draws(task, saved.random);
    this.#progress = saved.progress;
    this.#savedAt = saved.progress.delivered;
    this.#iterations.push(...saved.iterations);
    const restored = saved.progress.trainedOn && saved.progress.started * this.#length;
    const dropped = restored === undefined ? {} : { first: this.#length, restored };
    await built.recorders.restore(saved.recorded, dropped);
    built.courses?.restore(saved.courses);
    this.#beginToObserve(built.network);
    const inputs = this.#inputs(built.network);
    const best = new BestWeights(built.network, saved.best);
    this.#setUp = new InPieces<SetUp>({ value: { ...built, inputs, best, before: saved.before } });
  }

  #inputs(network: TaskNetwork): InputsAhead {
    const draws = (this.#draws ??= new Draws(this.task));
    return new InputsAhead(network, this.task, draws, this.#signal, this.#ranks);
  }

  /** The task's network. It is made with the first iteration, or when it is first asked for. */
  get network(): TaskNetwork {
    checkRead(this.#options.init, this.#initial);
    return this.#setUp.now().network;
  }

  /**
   * Goes on with a training from a file that {@link Trainer.save} wrote; it ends with the same bits as one that was
   * never interrupted.
   *
   * @throws {@link NESTError} that says what is wrong with the file, or that the task's data or module have changed.
   */
  static async resume(path: string, options: Resumption = {}): Promise<Trainer> {
    const { resumption } = await import("./resumption.js");
    const { file, saved, options: all } = await resumption(path, options);
    const trainer = new Trainer(saved.task, all);
    trainer.#module ??= saved.module;
    try {
      const { learningRate } = trainer.#options;
      checkGiven(file, saved.given, { metrics: trainer.#metrics, learningRate });
      await trainer.#goOn(saved);
    } catch (error) {
      await trainer.close().catch(() => undefined);
      throw error;
    }
    return trainer;
  }

  /** Ends the training with the iteration that comes next, as the option `finish` does. */
  finish(): void {
    this.#finish.abort();
  }

  get #wantsToFinish(): boolean {
    return this.#finish.signal.aborted || (this.#options.finish?.aborted ?? false);
  }

  /**
   * Saves how far the training is, between two iterations. The file is written whole or not at all: until it is, one
   * that was there before stays.
   *
   * Of several ranks, all call this, and rank 0 writes.
   *
   * @throws {@link NESTError} while an iteration is simulated, and where the file cannot be written.
   */
  async save(path: string): Promise<void> {
    const file = given("path", path, filePath);
    await this.#ranks.atFirst("Trainer.save", () => this.#save(file));
  }

  async #save(file: string): Promise<void> {
    if (this.#inTransit) {
      throw nestError({
        code: "KernelException",
        message: "an iteration is being simulated; a training is saved between two",
      });
    }
    const begin = performance.now();
    const collected = this.#collect(this.#saving);
    const saving = collected.catch(() => undefined);
    this.#saving = saving;
    try {
      const saved = await collected;
      const { writeCheckpoint } = await import("./checkpoint.js");
      await writeCheckpoint(file, saved);
      tell("eprop:training:checkpoint", { trainer: this, path: file, ms: performance.now() - begin });
    } finally {
      if (this.#saving === saving) this.#saving = undefined;
    }
  }

  /** What is saved: all of it as it is now, whatever happens until it is written. */
  async #collect(before: Promise<unknown> | undefined): Promise<Checkpoint> {
    if (before !== undefined) await before;
    const setUp = this.#setUp.isMade ? this.#setUp.now() : await this.#ready();
    // The kernel takes no other call from here on, and the rest is copied before anybody else has a turn.
    const kernel: Promise<NativeState> = this.#kernel.stateAsync();
    const recorded = setUp.recorders.recorded();
    const saved: Omit<Checkpoint, "kernel" | "recorded"> = {
      task: this.task,
      options: keptOptions(this.#options),
      random: (this.#draws ??= new Draws(this.task)).state,
      progress: structuredClone(this.#progress),
      iterations: [...this.#iterations],
      before: setUp.before,
      ...(setUp.best.weights !== undefined && { best: setUp.best.weights }),
      courses: setUp.courses?.notes() ?? { times: [], weights: {} },
      ...(this.#module !== undefined && { module: this.#module }),
      ...(this.#initial !== undefined && { init: this.#initial.note }),
      given: givenFunctions({ ...this.#options, metrics: this.#metrics }),
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
    if (this.#told === undefined) {
      tell("eprop:training:start", { trainer: this, iterations: progress.delivered });
    }
    try {
      if (this.#told === undefined) {
        const { checkPlace } = await import("./checkpoint-place.js");
        await checkPlace(this.#options.checkpoint, this.#ranks);
        await this.#callbacks.begin(this);
      }
      if (this.#told !== "end") this.#told = "start";
      const iteration = await this.#next();
      if (iteration !== undefined) {
        tell("eprop:training:iteration", { trainer: this, iteration });
        await this.#callbacks.iteration(iteration, this);
      } else if (this.#told === "start") {
        tell("eprop:training:end", { trainer: this, ended: this.ending, iterations: progress.delivered });
        this.#told = "end";
        await this.#callbacks.end(this);
      }
      return iteration;
    } catch (error) {
      if (this.#told === "start") this.#told = "error";
      tell("eprop:training:error", { trainer: this, error });
      await this.#callbacks.error(error, this);
      throw error;
    }
  }

  async #next(): Promise<Iteration | undefined> {
    const progress = this.#progress;
    await this.#saving;
    this.#stopIfDiverged();
    await this.#saveIfDue();
    while (progress.delivered === this.#iterations.length && progress.stage !== "over") {
      await this.#advance();
      this.#stopIfDiverged();
    }
    const iteration = this.#iterations[progress.delivered];
    if (iteration !== undefined) progress.delivered += 1;
    return iteration;
  }

  /** Goes no further after an iteration that diverged, or that could not be measured. */
  #stopIfDiverged(): void {
    const { delivered, position } = this.#progress;
    const diverged = divergenceAfter(this.task, this.#iterations[delivered - 1]);
    if (diverged !== undefined) {
      position.ended = "divergence";
      throw diverged;
    }
    if (this.#failure !== undefined && delivered === this.#iterations.length) throw this.#failure;
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
    const { signal, checkpoint } = this.#options;
    const asked = await this.#ranks.asked({
      finish: this.#wantsToFinish,
      stop: signal?.aborted ?? false,
    });
    if (asked.stop && this.#ranks.areSeveral)
      throw signal?.reason ?? new DOMException("another rank was stopped", "AbortError");
    if (!asked.finish) return false;
    const { position, delivered } = this.#progress;
    const isSaved = delivered === this.#savedToFinishAt;
    if (checkpoint !== undefined && !isSaved && iterationsLeft(this.task, position)) {
      await this.save(checkpoint.path);
      this.#savedToFinishAt = delivered;
    }
    return true;
  }

  /** Saves it where its training iterations are over, to train on from there. */
  async #saveAtEnd(): Promise<void> {
    const { checkpoint } = this.#options;
    const { position, delivered, best } = this.#progress;
    const isEnd =
      position.at === "begin" && position.ended === "schedule" && !isOutOfPatience(this.task.schedule, best);
    if (!checkpoint?.atEnd || !isEnd || position.trained < this.task.schedule.iterations) return;
    if (delivered === this.#savedToFinishAt) return;
    await this.save(checkpoint.path);
    this.#savedToFinishAt = delivered;
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
    checkRead(this.#options.init, this.#initial);
    const setUp = this.#setUp.now();
    this.#snapshot(true);
    const { iterations, task } = this;
    const { best, position, trainedOn } = this.#progress;
    const [module, init] = [this.#module, this.#initial?.note];
    const ended = { best, ended: position.ended, module, init, trainedOn };
    return yield* resultOf(task, setUp, { iterations, record: this.#options.record, ...ended });
  }

  /** Gives its memory back. */
  async close(): Promise<void> {
    if (this.#told === "start") {
      this.#told = "end";
      tell("eprop:training:close", { trainer: this, iterations: this.#progress.delivered });
    }
    await this.#saving;
    this.#setUp.made?.inputs.drop();
    await this.#kernel.close();
    await this.#use.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Makes what is made before a training begins. */
  async #ready(signal?: AbortSignal): Promise<SetUp> {
    if (this.#setUp.isMade) return this.#setUp.now();
    await this.task.prepare?.(signal);
    if (this.#options.init !== undefined) this.#initial ??= await readInitialWeights(this.#options.init);
    return this.#setUp.inSlices(signal);
  }

  /** Does what comes next. Where that is cancelled, it can be done again. */
  async #advance(): Promise<void> {
    const { network } = await this.#ready(this.#signal);
    const progress = this.#progress;
    switch (progress.stage) {
      case "choose": {
        const finish = await this.#isToFinish();
        await this.#saveAtEnd();
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
        await this.#simulateAndDraw();
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

  /** What stops it between simulations; several ranks agree on that where they all come to. */
  get #signal(): AbortSignal | undefined {
    return this.#ranks.areSeveral ? undefined : this.#options.signal;
  }

  get #length(): number {
    return this.task.steps * this.task.batchSize;
  }

  /** The iterations that come next, as far as is known: what has not yet been evaluated has no say in it. */
  #nextStretch(finish: boolean) {
    return nextStretch(this.task.schedule, this.#progress.position, {
      lastError: this.#iterations.at(-1)?.error ?? Number.POSITIVE_INFINITY,
      finish,
      outOfPatience: isOutOfPatience(this.task.schedule, this.#progress.best),
      together: (left) => this.#together(left),
    });
  }

  /** Which inputs iterations take that come next. */
  #wanted({ phase, count }: Stretch): Wanted {
    const { started, drawn } = this.#progress;
    const validates = this.task.ownValidation === true && phase !== "training";
    const split = phase === "test" ? "test" : validates ? "validation" : "training";
    return { split, count, drawn: { ...drawn }, started, begin: started * this.#length };
  }

  /** Sets up the iterations that come next; false at the end. */
  async #choose(finish: boolean): Promise<boolean> {
    const { network, recorders, inputs } = this.#setUp.now();
    const progress = this.#progress;
    const { stretch, position } = this.#nextStretch(finish);
    if (stretch !== undefined) {
      const { phase, count, last } = stretch;
      const wanted = this.#wanted(stretch);
      const drawing = await inputs.take(wanted);
      const trained = position.trained - count + 1;
      const factor = phase === "training" ? rateFactor(this.task, this.#learningRate, trained) : 0;
      network.built.scaleLearningRates(factor);
      const { begin } = wanted;
      const end = begin + count * this.#length;
      if (last) recorders.observe(end - this.#length, end);
      if (progress.started === 0) recorders.observe(0, this.#length);
      this.#sampler?.arm(progress.started + count, end - this.#length);
      progress.drawn = await inputs.load(drawing);
      progress.count = count;
      progress.phase = phase;
    }
    progress.position = position;
    return stretch !== undefined;
  }

  /** Simulates up to the goal, and draws the inputs of the iterations after it meanwhile. */
  async #simulateAndDraw(): Promise<void> {
    const { inputs } = this.#setUp.now();
    const simulation = this.#simulate();
    const { stretch } = this.#nextStretch(this.#wantsToFinish);
    if (stretch !== undefined) inputs.begin(this.#wanted(stretch));
    try {
      await simulation;
    } catch (error) {
      inputs.drop();
      throw error;
    }
  }

  /** How many of the iterations left are simulated in one go. */
  #together(left: number): number {
    const differs = this.#learningRate !== undefined || this.#iterations.length === 0;
    if (differs || !mayGoTogether(this.task)) return 1;
    const { network, courses } = this.#setUp.now();
    return iterationsTogether(network, this.task, left, courses?.every ?? 100);
  }

  /** Simulates up to the goal. */
  async #simulate(): Promise<void> {
    const kernel = this.#kernel;
    const { resolution } = this.task;
    const done = Math.round(kernel.get("biological_time") / resolution);
    const begin = performance.now();
    const { signal } = this.#options;
    const ms = (this.#progress.goal - done) * resolution;
    try {
      await kernel.SimulateAsync(ms, signal === undefined ? {} : { signal });
    } catch (error) {
      if (error instanceof NESTErrors.NumericalInstability) this.#progress.position.ended = "divergence";
      const reached = Math.round(kernel.get("biological_time") / resolution);
      throw inIteration(error, this.task, { done: reached, iteration: this.#length });
    } finally {
      this.#progress.pendingMs += performance.now() - begin;
    }
  }

  /** Reads out the iterations that have been simulated since the last call. */
  async #evaluate(): Promise<void> {
    const { network, recorders, best } = this.#setUp.now();
    await recorders.drain();
    const told = evaluated(this.task, network, this.#progress);
    if (told.length === 0) return;
    const { iterations, failure } = await withMetrics(told, this.#metrics, this.#signals);
    this.#failure ??= failure;
    this.#iterations.push(...iterations);
    if (this.task.schedule.patience) {
      for (const iteration of iterations) best.note(iteration, this.#progress);
      best.restore(this.#progress);
    }
    this.#sampler?.deliver(this.#iterations.length);
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
}
