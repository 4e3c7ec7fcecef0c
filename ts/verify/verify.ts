import {
  type Check,
  abortSignal,
  callable,
  dictionary,
  fields,
  given,
  number,
  numbers,
  oneOf,
  optional,
  refuse,
  text,
  whole,
} from "../core/arguments.js";
import { inSlices } from "../core/event-loop.js";
import { rewires } from "../nest/rewiring.js";
import { NumpyRandom } from "../random/index.js";
import { checkNetwork, checkedIteration, checkedTask } from "../tasks/check.js";
import { Draws } from "../tasks/draws.js";
import {
  type NetworkDescription,
  type PoolDescription,
  type RewiringDescription,
  describedNetwork,
  namedParts,
} from "../tasks/network-description.js";
import type { OptimizerParams } from "../nest/models.generated.js";
import type { IterationData, Task } from "../tasks/task.js";
import { familyOf } from "../training/build-network.js";
import { verifyInterval } from "./verify-interval.js";
import { verifyPlus } from "./verify-plus.js";
import type { Findings, Meddling, Verification, VerifyOptions } from "./verification.js";
import { shrinkingFields, shrunkTask } from "./shrink.js";
import { lossNames } from "../nest/losses.js";

/** What a network is verified on, where there is no task: the inputs and targets of one iteration. */
export interface VerificationData {
  /** Steps of a sequence. */
  steps: number;
  /** Sequences; one if left out. */
  sequences?: number;
  /** Length of a step (ms); 1 if left out. */
  resolution?: number;
  /** Steps at the end of a sequence in which errors count; all if left out. */
  learningWindow?: number;
  /** Loss of the readouts; `mean_squared_error` if left out. */
  loss?: Task["loss"];
  /** Seed of weights that the network draws; 1 if left out. */
  seed?: number;
  /** Input spikes: place `(sequence * steps + step) * inputs + input`, ascending. */
  spikes: IterationData["spikes"] | readonly number[];
  /** Targets of each readout: a value per change. */
  targets: readonly { steps: ArrayLike<number>; values: ArrayLike<number> }[];
}

const nestCheck: Check<boolean | "if-installed"> = {
  allowed: 'true, false or "if-installed"',
  read(value, at) {
    if (typeof value === "boolean" || value === "if-installed") return value;
    return refuse(at, value, this.allowed);
  },
};

const optionFields = {
  ...shrinkingFields,
  iterations: optional(whole(0, 1e6)),
  nest: optional(nestCheck),
  python: optional(text),
  onProgress: optional(callable),
  signal: optional(abortSignal),
} as const;

const options: Check<VerifyOptions> = fields(optionFields) as unknown as Check<VerifyOptions>;

const dataCheck = fields({
  steps: whole(2, 1e9),
  sequences: optional(whole(1, 1e9)),
  resolution: optional(number({ min: Number.MIN_VALUE, max: 1e6 })),
  learningWindow: optional(whole(1, 1e9)),
  loss: optional(oneOf(...lossNames)),
  seed: optional(whole(1, 0xffff_ffff)),
  spikes: numbers,
  targets: { allowed: "a list with targets of each readout", read: (value: unknown) => value },
});

/** A network and data as a task that is trained for one iteration. */
function taskOf(network: NetworkDescription | PoolDescription, data: VerificationData): Task {
  const of = given("data", data, dataCheck);
  given("network", network, dictionary);
  const { steps, sequences = 1, resolution = 1, seed = 1, loss = "mean_squared_error" } = of;
  const iteration = {
    spikes: Uint32Array.from(of.spikes),
    targets: data.targets,
  } as unknown as IterationData;
  return {
    name: "network",
    text: "A network with data of its own",
    seed,
    resolution,
    steps,
    learningWindow: of.learningWindow ?? steps,
    batchSize: sequences,
    kind: "regression",
    loss,
    network,
    schedule: {
      iterations: 1,
      validateEvery: 0,
      earlyStopIterations: 0,
      earlyStopError: 0,
      testIterations: 0,
    },
    sameEveryIteration: true,
    next: () => iteration,
    parameters: {},
    options: {},
    random: new NumpyRandom(seed),
  };
}

/**
 * Holds what the engine computes of a network and its data against slow programs that share nothing with it: e-prop by
 * its definition, differences of the loss, backpropagation through time, real-time recurrent learning.
 *
 * @throws {@link NESTError} for what cannot be simulated, and names what the slow programs do not cover.
 *
 * @example
 * const proof = await verify(network, { steps: 100, spikes, targets });
 * console.log(proof.passed, proof.checks);
 */
export async function verify(
  network: NetworkDescription | PoolDescription,
  data: VerificationData,
  asked: VerifyOptions = {},
): Promise<Verification> {
  return verifyTask(taskOf(network, data), asked);
}

/** The comparison with NEST, where it is asked for. */
async function besideNest(
  task: Task,
  next: (iteration: number) => Promise<IterationData>,
  { nest = false, python, signal, onProgress }: VerifyOptions,
): Promise<Pick<Findings, "checks" | "notes" | "nest">> {
  if (nest === false) return { checks: [], notes: [] };
  const { iterationsOf, lackOfNest, verifyInNest } = await import("./nest.js");
  if (nest === "if-installed") {
    const lack = await lackOfNest({ python, signal });
    if (lack !== undefined) return { checks: [], notes: [`not laid beside NEST: ${lack}`] };
  }
  onProgress?.("NEST");
  const { populations } = namedParts(task.network);
  const family = familyOf(populations.find(({ kind }) => kind === "recurrent")?.model ?? "");
  const iterations: IterationData[] = [];
  while (iterations.length < iterationsOf[family]) iterations.push(await next(iterations.length));
  return verifyInNest(task, iterations, { python, signal });
}

/** A part of a network without what acts on its updated weights. */
function free<T extends RewiringDescription & { optimizer?: OptimizerParams }>(of: T) {
  const { keepsSign: _keeps, rewiring: _rewiring, ...rest } = of;
  if (of.optimizer === undefined) return rest;
  const { c_l2: _l2, ...optimizer } = of.optimizer;
  return { ...rest, optimizer };
}

/**
 * A task whose connections stay, whose weights may change their sign and are not pulled to zero: what acts on updated
 * weights has no gradient of its own, and that of squared weights is the weights.
 */
function unconstrained(task: Task): Task {
  const network = describedNetwork(task.network);
  const parts = [network, ...Object.values(network.projections)];
  const acts = (of: (typeof parts)[number]) =>
    of.keepsSign === true || rewires(of.rewiring) || (of.optimizer?.c_l2 ?? 0) > 0;
  if (!parts.some(acts)) return task;
  const projections = Object.entries(network.projections).map(([name, of]) => [name, free(of)] as const);
  return {
    ...task,
    network: { ...free(network), projections: Object.fromEntries(projections) } as NetworkDescription,
  };
}

/** A note of projections whose gradient is zero, where others have one: of those nothing is proved. */
function withoutGradient({ projections }: Findings): string[] {
  const without = projections.filter(({ norm }) => norm === 0).map(({ projection }) => projection);
  if (without.length === 0 || without.length === projections.length) return [];
  return [`nothing is proved of ${without.join(", ")}, whose gradient is zero`];
}

/** As {@link verify}, on the first iterations of a task. */
export async function verifyTask(task: Task, asked: VerifyOptions = {}): Promise<Verification> {
  const begin = performance.now();
  // What tests change in the engine is no option that an error should list.
  const { meddle, ...open } = { ...asked } as VerifyOptions & Meddling;
  const checked = given("options", typeof asked === "object" ? open : asked, options);
  const { neurons, steps, sequences, ...own } = checked;
  const rest = { ...own, ...(meddle && { meddle }) };
  const { signal } = rest;
  checkedTask(task);
  // What comes first may take minutes.
  if (rest.nest === true) {
    const { requireNest } = await import("./nest.js");
    await requireNest({ python: rest.python, signal });
  } else if (rest.nest === "if-installed" && rest.python !== undefined) {
    const { lackOfNest } = await import("./nest.js");
    await lackOfNest({ python: rest.python, signal });
  }
  await task.prepare?.(signal);
  await inSlices(checkNetwork(task), signal);
  const asConstrained = shrunkTask(task, {
    ...(neurons !== undefined && { neurons }),
    ...(steps !== undefined && { steps }),
    ...(sequences !== undefined && { sequences }),
  });
  const shrunk = unconstrained(asConstrained);
  await inSlices(checkNetwork(shrunk), signal);
  const draws = new Draws(task);
  const drawn = { training: 0, test: 0 };
  /** Iterations that were drawn, as far as they may be asked for again. */
  const first: IterationData[] = [];
  const next = async () => {
    const drawing = await draws.draw(async () => {
      const data = await shrunk.next("training", { ...drawn }, signal);
      return inSlices(checkedIteration(shrunk, data, drawn.training + 1), signal);
    });
    draws.accept(drawing);
    drawn.training += 1;
    if (first.length < 3) first.push(drawing.value);
    return drawing.value;
  };
  const { populations } = namedParts(shrunk.network);
  const family = familyOf(populations.find(({ kind }) => kind === "recurrent")?.model ?? "");
  const comparisons = family === "event" ? verifyPlus : verifyInterval;
  const found = await comparisons(shrunk, next, rest);
  const { checks, notes, nest } = await besideNest(shrunk, async (at) => first[at] ?? next(), rest);
  const findings: Findings = {
    ...found,
    checks: [...found.checks, ...checks],
    notes: [
      ...(shrunk === asConstrained
        ? []
        : ["signs, rewiring and the cost of squared weights, which act on updated weights, are left out"]),
      ...found.notes,
      ...withoutGradient(found),
      ...notes,
    ],
    ...(nest && { nest }),
  };
  const compared = findings.projections.filter(({ norm }) => norm > 0).length;
  const { optimizer } = describedNetwork(shrunk.network);
  return {
    task: task.name,
    seed: task.seed,
    parameters: { ...task.parameters },
    family,
    populations,
    shrunk: {
      neurons: neurons !== undefined,
      steps: shrunk.steps < task.steps,
      sequences: shrunk.batchSize < task.batchSize,
    },
    steps: shrunk.steps,
    resolution: shrunk.resolution,
    learningWindow: shrunk.learningWindow,
    sequences: shrunk.batchSize,
    loss: shrunk.loss,
    optimizer: optimizer.type ?? "gradient_descent",
    ...findings,
    compared,
    passed: compared > 0 && findings.checks.every(({ passed }) => passed),
    ms: performance.now() - begin,
  };
}
