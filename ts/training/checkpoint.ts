import { array, object, optional, record, string, unknown } from "valibot";
import { nestError } from "../core/errors.js";
import { eventLoopTurn, inSlices } from "../core/event-loop.js";
import type { NativeState } from "../native/index.js";
import type { NumpyRandomState } from "../random/index.js";
import type { Recorded, RecordOptions } from "./recorders.js";
import { StructureCourses } from "./structure-courses.js";
import type { WeightNotes } from "./weight-courses.js";
import { type ArrayReader, ArrayWriter } from "../files/arrays.js";
import type { NetworkParts } from "../network/parts.js";
import { dataDigests, withAbsolutePaths } from "../tasks/digests.js";
import { interpreted, readSaved, writeSaved } from "../files/saved-file.js";
import { problemOf } from "../files/schema.js";
import { type TaskEntry, taskNamed } from "../tasks/index.js";
import {
  changingFeedbackOf,
  type ProjectionDescription,
  describedNetwork,
  namedParts,
  plasticProjectionsOf,
  projectionShape,
} from "../tasks/network-description.js";
import type { Task, TaskOptions } from "../tasks/task.js";
import type { PlasticWeights } from "./network.js";
import type { Resumption } from "./options.js";
import { phases } from "./schedule.js";
import type { ComputedWith } from "./settings.js";
import { type Iteration, metricNames } from "./iteration.js";
import type { InitNote } from "./initial-weights.js";
import { type Progress, noProgress } from "./progress.js";
import type { ConnectionWeights } from "./best-weights.js";

/** Everything that a training has to know to go on. */
export interface Checkpoint {
  task: Task;
  options: ComputedWith & {
    record?: RecordOptions | boolean;
    every?: number;
    atEnd?: boolean;
  };
  kernel: NativeState;
  random: NumpyRandomState;
  progress: Progress;
  iterations: readonly Iteration[];
  before: PlasticWeights;
  best?: ConnectionWeights;
  recorded: Recorded;
  courses: WeightNotes;
  /** Digest of the task's module, where it is known. */
  module?: string;
  /** The saved network that the training began with, where there was one. */
  init?: InitNote;
  /** Functions that the training was given and that a file cannot hold: `metrics.NAME`, `learningRate`. */
  given: readonly string[];
}

/** What a checkpoint says besides its arrays. */
interface Details {
  task: string;
  taskOptions: TaskOptions;
  /** Training iterations that it was made for; missing in files of eprop 0.1. */
  iterations?: number;
  /** Digests of the data that the task was made from, by option. */
  data: Record<string, string>;
  /** Digest of the task's module; missing where nobody said which it is, and in files of eprop 0.1. */
  module?: string;
  init?: InitNote;
  /** What populations and projections are called; missing in files of eprop 0.1. */
  parts?: NetworkParts;
  options: Checkpoint["options"];
  progress: Omit<Progress, "pending" | "position"> & {
    pending: Progress["pending"];
    position: Omit<Progress["position"], "errors">;
  };
  /** Names of metrics, and functions of {@link Checkpoint.given}; missing in files of eprop 0.1. */
  metrics?: string[];
  given?: string[];
  /** Columns of each recorder, in their order. */
  recorded: Record<string, string[]>;
  texts: Record<string, string[]>;
}

/** Numbers of an iteration by the name they are saved under; those that may be missing are NaN then. */
const metricColumns = {
  loss: ({ loss }) => loss,
  error: ({ error }) => error,
  ms: ({ ms }) => ms,
  spikes_per_neuron: ({ spikesPerNeuron }) => spikesPerNeuron,
  gradient_norm: ({ gradientNorm }) => gradientNorm,
} as const satisfies Record<string, (iteration: Iteration) => number | undefined>;

function addIterations(writer: ArrayWriter, iterations: readonly Iteration[]): void {
  writer.add(
    "iterations.phase",
    Uint8Array.from(iterations, ({ phase }) => phases.indexOf(phase)),
  );
  for (const [name, value] of Object.entries(metricColumns)) {
    writer.add(
      `iterations.${name}`,
      Float64Array.from(iterations, (iteration) => value(iteration) ?? Number.NaN),
    );
    const given = Uint8Array.from(iterations, (iteration) => Number(value(iteration) !== undefined));
    writer.add(`iterations.${name}.given`, given);
  }
  for (const name of metricNames(iterations)) {
    writer.add(
      `iterations.metrics.${name}`,
      Float64Array.from(iterations, ({ metrics }) => metrics?.[name] ?? Number.NaN),
    );
  }
  const readouts = iterations[0]?.readoutLosses.length ?? 0;
  writer.add(
    "iterations.readout_losses",
    Float64Array.from(iterations.flatMap(({ readoutLosses }) => readoutLosses)),
    [iterations.length, readouts],
  );
}

function readIterations(arrays: ArrayReader, names: readonly string[]): Iteration[] {
  const own = names.map((name) => [name, arrays.get(`iterations.metrics.${name}`, "F64")] as const);
  const metricsAt = (at: number) =>
    Object.fromEntries(own.map(([name, values]) => [name, values[at] as number]));
  const column = (name: keyof typeof metricColumns) => {
    const values = arrays.get(`iterations.${name}`, "F64");
    const given = arrays.get(`iterations.${name}.given`, "U8");
    return (at: number) => (given[at] === 0 ? undefined : (values[at] as number));
  };
  const [loss, error, ms] = [column("loss"), column("error"), column("ms")];
  const [spikes, norm] = [column("spikes_per_neuron"), column("gradient_norm")];
  const losses = arrays.get("iterations.readout_losses", "F64");
  const kinds = arrays.get("iterations.phase", "U8");
  const readouts = losses.length / Math.max(1, kinds.length);
  return Array.from(kinds, (kind, at) => {
    const [wrong, gradientNorm] = [error(at), norm(at)];
    return {
      iteration: at + 1,
      phase: phases[kind] ?? "training",
      loss: loss(at) as number,
      ...(wrong !== undefined && { error: wrong }),
      readoutLosses: [...losses.subarray(at * readouts, (at + 1) * readouts)],
      ms: ms(at) as number,
      spikesPerNeuron: spikes(at) as number,
      ...(gradientNorm !== undefined && { gradientNorm }),
      ...(own.length > 0 && { metrics: metricsAt(at) }),
    };
  });
}

/**
 * Writes a checkpoint, whole or not at all.
 *
 * @throws {@link NESTError} that says why it cannot be written.
 */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { task, options, progress, random } = checkpoint;
  const writer = new ArrayWriter();
  const texts = writer.addKernel(checkpoint.kernel);
  writer.add("random.words", random.words);
  writer.add("random.place", Uint32Array.of(random.place));
  writer.add("random.kept", random.kept === undefined ? new Float64Array(0) : Float64Array.of(random.kept));
  addIterations(writer, checkpoint.iterations);
  const { errors, ...position } = progress.position;
  writer.add("progress.errors", Float64Array.from(errors));
  for (const [name, { data, shape }] of Object.entries(checkpoint.before)) {
    writer.add(`before.${name}`, data, shape);
  }
  for (const [name, weights] of Object.entries(checkpoint.best ?? {})) writer.add(`best.${name}`, weights);
  for (const [name, weights] of Object.entries(checkpoint.courses.weights)) {
    await inSlices(writer.addLists(`courses.${name}`, [...weights]));
  }
  for (const [recorder, columns] of Object.entries(checkpoint.recorded)) {
    for (const [column, values] of Object.entries(columns)) {
      writer.add(`recorded.${recorder}.${column}`, values);
    }
  }
  writer.add("courses.times", Float64Array.from(checkpoint.courses.times));
  const details: Details = {
    task: task.name,
    taskOptions: withAbsolutePaths(task.options),
    iterations: task.schedule.iterations,
    data: await inSlices(dataDigests(task.options)),
    ...(checkpoint.module !== undefined && { module: checkpoint.module }),
    ...(checkpoint.init !== undefined && { init: checkpoint.init }),
    parts: namedParts(task.network),
    options,
    progress: { ...progress, position },
    recorded: Object.fromEntries(
      Object.entries(checkpoint.recorded).map(([recorder, columns]) => [recorder, Object.keys(columns)]),
    ),
    metrics: metricNames(checkpoint.iterations),
    given: [...checkpoint.given],
    texts,
  };
  await writeSaved(path, "checkpoint", writer.arrays, { ...details });
}

/** What a checkpoint is read for. */
export interface CheckpointReader extends Pick<Resumption, "task" | "force" | "iterations"> {
  /** The digest of the task's module as it is now. */
  module?: string;
}

/**
 * Reads a checkpoint.
 *
 * @throws {@link NESTError} that says what is wrong with the file, or that the task's data or module have changed.
 */
export async function readCheckpoint(
  path: string,
  { task, force, module, iterations }: CheckpointReader = {},
): Promise<Checkpoint> {
  const saved = await readSaved(path, ["checkpoint"]);
  const { arrays } = saved;
  const found = await interpreted(path, () => checkedDetails(saved.details));
  const details = iterations === undefined ? found : madeFor(iterations, path, found, task);
  if (task !== undefined && task.name !== details.task) {
    throw nestError({
      code: "ValueError",
      message: `${path} is a checkpoint of the task ${details.task}`,
      parameter: "task",
      value: task.name,
      bound: details.task,
    });
  }
  if (!force && module !== undefined && details.module !== undefined && module !== details.module) {
    throw nestError({
      code: "ValueError",
      message: `the module of the task ${details.task} has changed since ${path} was saved`,
      parameter: "module",
      bound:
        "the module, and what it imports, as they were; --force (in a program `force: true`) goes on all the same",
    });
  }
  const made =
    task === undefined || "create" in task
      ? await remade(path, details, { entry: task ?? entryOf(path, details.task), force })
      : task;
  await made.prepare?.();
  await eventLoopTurn();
  // What the task itself throws is no damage of the file.
  return interpreted(path, () => contentOf(made, details, arrays));
}

/** What was saved, made for another number of training iterations. */
function madeFor(
  iterations: number,
  path: string,
  details: Details,
  task: Task | TaskEntry | undefined,
): Details {
  const { progress, taskOptions } = details;
  const { at, ended, trained } = progress.position;
  const refuse = (message: string, bound: string): never => {
    throw nestError({
      code: "ValueError",
      message: `${path} ${message}`,
      parameter: "iterations",
      value: String(iterations),
      bound,
    });
  };
  if (ended !== "schedule") refuse(`is of a training that ended by ${ended}`, "left out");
  if (at === "test" || at === "end" || progress.stage === "last" || progress.stage === "over") {
    refuse(
      "was saved after the training iterations",
      "left out, or a checkpoint from before (`atEnd` of the option `checkpoint` keeps one)",
    );
  }
  if (iterations < trained)
    refuse(`was saved in training iteration ${trained}`, `a whole number from ${trained}`);
  if (task !== undefined && !("create" in task)) {
    refuse("is to be resumed with a task that is made already", "left out, or `task` with create");
  }
  if (iterations === details.iterations) return details;
  const before = details.iterations === undefined ? {} : { of: details.iterations };
  const trainedOn = [...(progress.trainedOn ?? []), { after: trained, ...before }];
  return {
    ...details,
    taskOptions: { ...taskOptions, iterations },
    progress: { ...progress, trainedOn },
  };
}

const aDictionary = record(string(), unknown());

/** What a checkpoint says besides its arrays, as far as it can be wrong. */
const detailsSchema = object({
  task: string(),
  taskOptions: aDictionary,
  data: aDictionary,
  options: aDictionary,
  progress: object({ position: aDictionary }),
  recorded: record(string(), array(string())),
  texts: aDictionary,
  metrics: optional(array(string())),
  given: optional(array(string())),
});

function checkedDetails(details: Readonly<Record<string, unknown>>): Details {
  const problem = problemOf(detailsSchema, details);
  if (problem !== undefined) throw new TypeError(`it ${problem}`);
  return details as unknown as Details;
}

async function contentOf(made: Task, details: Details, arrays: ArrayReader): Promise<Checkpoint> {
  const [place] = arrays.get("random.place", "U32");
  const [kept] = arrays.get("random.kept", "F64");
  const network = describedNetwork(made.network);
  const plastic = plasticProjectionsOf(network);
  const weights = (name: string) => ({
    data: arrays.get(`before.${name}`, "F64"),
    shape: projectionShape(network, network.projections[name] as ProjectionDescription),
  });
  const recorded = Object.fromEntries(
    Object.entries(details.recorded).map(([recorder, columns]) => {
      const read = (column: string) => {
        const ids = column === "senders" || column === "targets" || column === "receptors";
        return [column, arrays.get(`recorded.${recorder}.${column}`, ids ? "U32" : "F64")] as const;
      };
      return [recorder, Object.fromEntries(columns.map(read))];
    }),
  );
  await eventLoopTurn();
  const { position } = details.progress;
  return {
    task: made,
    options: details.options,
    given: details.given ?? [],
    ...(details.module !== undefined && { module: details.module }),
    ...(details.init !== undefined && { init: details.init }),
    kernel: arrays.kernel(details.texts),
    random: { words: arrays.get("random.words", "U32"), place: place ?? 0, kept },
    progress: {
      ...details.progress,
      drawn: { ...noProgress().drawn, ...details.progress.drawn },
      position: { ...position, errors: [...arrays.get("progress.errors", "F64")] },
    },
    iterations: readIterations(arrays, details.metrics ?? []),
    before: Object.fromEntries(plastic.map((name) => [name, weights(name)])) as PlasticWeights,
    ...(details.progress.best !== undefined && {
      best: Object.fromEntries(
        [...plastic, ...changingFeedbackOf(network)].map((name) => [name, arrays.get(`best.${name}`, "F64")]),
      ),
    }),
    recorded,
    courses: {
      times: [...arrays.get("courses.times", "F64")],
      weights: Object.fromEntries(
        [...plastic, ...StructureCourses.noteNames(plastic)]
          .filter((name) => arrays.has(`courses.${name}`))
          .map((name) => [name, arrays.lists(`courses.${name}`)]),
      ),
    },
  };
}

/** What makes the task of a checkpoint, if it is one of eprop's own. */
function entryOf(path: string, task: string): TaskEntry {
  const entry = taskNamed(task);
  if (entry !== undefined) return entry;
  throw nestError({
    code: "ValueError",
    message: `${path} is a checkpoint of a task that is none of eprop's own`,
    parameter: "task",
    value: task,
    bound: "its module, given besides the checkpoint",
  });
}

/** The task that a checkpoint is of, made again from the same data. */
async function remade(
  path: string,
  { task, taskOptions, data }: Details,
  { entry, force }: { entry: TaskEntry; force: boolean | undefined },
): Promise<Task> {
  // To make a task is one call, which need not share a turn with others.
  await eventLoopTurn();
  const made = entry.create({ ...taskOptions });
  await eventLoopTurn();
  if (force) return made;
  const now = await inSlices(dataDigests(taskOptions));
  const changed = Object.keys(data).find((name) => data[name] !== now[name]);
  if (changed !== undefined) {
    const value = (taskOptions as Readonly<Record<string, unknown>>)[changed];
    throw nestError({
      code: "ValueError",
      message: `the data that ${path} was trained with have changed`,
      model: task,
      parameter: changed,
      value: String(value),
      bound:
        "the files as they were when the training began; --force (in a program `force: true`) goes on all the same",
    });
  }
  return made;
}
