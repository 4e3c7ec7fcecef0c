/** What a task of one's own gives, checked before it is trained with; errors say so in the task's own words. */
import { many } from "../core/words.js";
import {
  type Check,
  callable,
  dictionary,
  fields,
  flag,
  given,
  isTyped,
  list,
  number,
  numbers,
  oneOf,
  optional,
  record,
  refuse,
  refuseMisspelt,
  text,
  thrown,
  u32,
  whole,
} from "../core/arguments.js";
import { NESTError, nestError } from "../core/errors.js";
import type { Pieces } from "../core/event-loop.js";
import { anObject, networkChecked } from "./check-network.js";
import type { MetricTable } from "./metric.js";
import { countOf } from "./network-description.js";
import type { IterationData, SequenceRange, Task } from "./task.js";
import { lossNames } from "../nest/losses.js";

/** Most steps, sequences and nodes: places of spikes are 32-bit numbers. */
const count = whole(1, u32);

const schedule = fields({
  iterations: whole(1),
  validateEvery: whole(0),
  earlyStopIterations: whole(0),
  earlyStopError: number(),
  testIterations: whole(0),
  patience: optional(whole(0)),
  stopAbove: optional(number()),
});

/** Columns that tables of iterations have besides metrics. */
const otherColumns =
  "iteration phase loss readout_losses error ms rate spikes_per_neuron gradient gradient_norm".split(" ");

/** Metrics by name. */
export const metricTable: Check<MetricTable> = {
  allowed: "functions by name",
  read(value, at) {
    const table = record(callable).read(value, at);
    for (const name of Object.keys(table)) {
      const isFree = !otherColumns.includes(name);
      if (isFree && /^[A-Za-z_]\w*$/.test(name)) continue;
      const bound = isFree
        ? "letters, digits and underscores, not a digit first"
        : `another name than ${otherColumns.join(", ")}`;
      refuse(at, name, bound, { code: "ValueError", message: "a metric cannot have this name" });
    }
    return table as MetricTable;
  },
};

/** The fields that may be left out. */
const optionalFields = {
  prepare: optional(callable),
  close: optional(callable),
  ownValidation: optional(flag),
  metrics: optional(metricTable),
  learningRate: optional(callable),
} as const satisfies Partial<Record<keyof Task, Check<unknown>>>;

/** The fields that cost nothing to read; a task may make the others when they are first read. */
const taskFields = {
  text,
  seed: whole(1, u32),
  resolution: number({ min: Number.MIN_VALUE, max: Number.MAX_VALUE }, "a number above 0"),
  steps: count,
  batchSize: count,
  kind: oneOf("regression", "classification"),
  loss: oneOf(...lossNames),
  schedule,
  sameEveryIteration: flag,
  next: callable,
  options: dictionary,
  ...optionalFields,
} as const satisfies Partial<Record<keyof Task, Check<unknown>>>;

function cannotBeRead(error: unknown): string {
  return `what it gives cannot be read (${thrown(error)})`;
}

/** Does something for a task; what is refused is refused in its name. */
function inTask<T>(task: string, where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // Nothing but what the task gives can throw anything else: a getter, or a proxy.
    const refused =
      error instanceof NESTError ? error : nestError({ code: "TypeMismatch", message: cannotBeRead(error) });
    throw NESTError.within(refused, `task ${task}${where}`, task);
  }
}

/** As {@link inTask}, for work in pieces. */
function* piecesInTask<T>(task: string, where: string, work: Pieces<T>): Pieces<T> {
  for (;;) {
    const piece = inTask(task, where, () => work.next());
    if (piece.done) return piece.value;
    yield;
  }
}

/**
 * A task, if what it says of itself can be.
 *
 * @throws {@link NESTError} that names task and field.
 */
export function checkedTask(task: unknown): Task {
  const object = given("task", task, anObject);
  const name = given("task.name", object, {
    allowed: text.allowed,
    read: (value, at) => text.read((value as { name: unknown }).name, at),
  });
  inTask(name, "", () => {
    for (const [field, check] of Object.entries<Check<unknown>>(taskFields))
      given(field, object[field], check);
    refuseMisspelt(object, optionalFields);
    given("learningWindow", object["learningWindow"], whole(1, object["steps"] as number));
    const [steps, batchSize] = [object["steps"] as number, object["batchSize"] as number];
    if (steps * batchSize > u32) {
      refuse("batchSize", batchSize, `at most ${Math.floor(u32 / steps)} sequences of ${steps} steps`, {
        code: "ValueError",
        message: "an iteration has too many steps",
      });
    }
  });
  return task as Task;
}

/** Numbers that are looked at in one piece. */
const pieceLength = 1 << 16;

/**
 * Checks the network of a task, and its generator.
 *
 * @throws {@link NESTError} that names task, field and place.
 */
export function checkNetwork(task: Task): Pieces<void> {
  return piecesInTask(task.name, "", networkChecked(task));
}

/**
 * The data of an iteration, if they can be.
 *
 * @param iteration Number of the iteration that they are for, from 1 on.
 * @param asked The sequences whose spikes were asked for, where it were some alone.
 * @throws {@link NESTError} that names task, iteration, field, place and bound.
 */
export function checkedIteration(
  task: Task,
  data: unknown,
  iteration: number,
  asked?: SequenceRange,
): Pieces<IterationData> {
  return piecesInTask(task.name, `, iteration ${iteration}`, iterationChecked(task, data, iteration, asked));
}

/**
 * Whole numbers from `begin` to below `end` in ascending order; `strictly`, none is there twice. `beyond` says what is
 * wrong with others.
 */
function* ascending(
  at: string,
  value: unknown,
  {
    begin = 0,
    end,
    of,
    beyond = "it lies past the iteration's end",
    strictly,
  }: { begin?: number; end: number; of: string; beyond?: string; strictly: boolean },
): Pieces<Uint32Array> {
  const allowed = `ascending whole numbers from ${begin} to ${end - 1} (${of})`;
  const all = isTyped(value) || Array.isArray(value) ? value : refuse(at, value, allowed);
  let before = strictly ? -1 : 0;
  for (let place = 0; place < all.length; place++) {
    const item: unknown = all[place];
    if (typeof item !== "number") refuse(`${at}[${place}]`, item, allowed);
    if (!Number.isInteger(item) || item < begin || item >= end) {
      refuse(`${at}[${place}]`, item, allowed, {
        code: "ValueError",
        message: item >= 0 && Number.isInteger(item) ? beyond : "it is no step or place",
      });
    }
    if (strictly ? item <= before : item < before) {
      refuse(`${at}[${place}]`, item, `${strictly ? "above" : "at least"} ${before}, the one before it`, {
        code: "ValueError",
        message: "the order is not ascending",
      });
    }
    before = item;
    if (place % pieceLength === pieceLength - 1) yield;
  }
  return all instanceof Uint32Array ? all : Uint32Array.from(all as ArrayLike<number>);
}

function* iterationChecked(
  task: Task,
  value: unknown,
  iteration: number,
  asked: SequenceRange | undefined,
): Pieces<IterationData> {
  const { steps, batchSize } = task;
  const [inputs, readouts] = [countOf(task.network, "input"), countOf(task.network, "readout")];
  const data = given("next()", value, { ...anObject, allowed: "an object with spikes and targets" });
  refuseMisspelt(data, { labels: present, sequences: present });
  const drawn =
    data["sequences"] === undefined ? undefined : drawnSequences(data["sequences"], asked, batchSize);
  const sequences = `${many(batchSize, "sequence")} of ${steps} steps`;
  const spikes = yield* ascending("spikes", given("spikes", data["spikes"], present), {
    begin: (drawn?.begin ?? 0) * steps * inputs,
    end: (drawn?.end ?? batchSize) * steps * inputs,
    of: `${sequences} of ${inputs} inputs`,
    ...(drawn && { beyond: "it is of another sequence than those that were drawn" }),
    strictly: false,
  });
  const lists = given("targets", data["targets"], list(anObject, "a list with the targets of each readout"));
  if (lists.length !== readouts) {
    refuse("targets", lists, `a list of ${readouts}, one for each readout`, {
      code: "ValueError",
      message: "there are not targets for each readout",
    });
  }
  const targets: { steps: Uint32Array; values: Float64Array }[] = [];
  for (const [readout, of] of lists.entries()) {
    const at = `targets[${readout}]`;
    const changes = yield* ascending(`${at}.steps`, given(`${at}.steps`, of["steps"], present), {
      end: batchSize * steps,
      of: sequences,
      strictly: true,
    });
    const values = given(`${at}.values`, of["values"], numbers);
    if (values.length !== changes.length) {
      refuse(`${at}.values`, values, `${changes.length} values, one for each of ${at}.steps`, {
        code: "IndexError",
        message: "there is not one value for each step",
      });
    }
    const wrong = values.findIndex((target) => !Number.isFinite(target));
    if (wrong >= 0) {
      refuse(`${at}.values[${wrong}]`, values[wrong], "a finite number", {
        code: "ValueError",
        message: "a target is no finite number",
      });
    }
    if (iteration === 1 && (changes[0] ?? Infinity) > steps - task.learningWindow) {
      refuse(
        `${at}.steps`,
        changes.length === 0 ? changes : changes[0],
        `at most ${steps - task.learningWindow}`,
        {
          code: "ValueError",
          message: "the first learning window begins without a target",
        },
      );
    }
    targets.push({ steps: changes, values });
    yield;
  }
  const checked = { spikes, targets, ...(drawn && { sequences: drawn }) };
  if (task.kind === "regression" && data["labels"] === undefined) return checked;
  return { ...checked, labels: checkedLabels(task, data["labels"], targets) };
}

/**
 * The sequences that spikes were drawn of, which must be those that were asked for; nothing where that is all of them
 * because none were.
 */
function drawnSequences(
  value: unknown,
  asked: SequenceRange | undefined,
  batchSize: number,
): SequenceRange | undefined {
  const { begin, end } = given("sequences", value, fields({ begin: whole(), end: whole() }));
  const wanted = asked ?? { begin: 0, end: batchSize };
  if (begin === wanted.begin && end === wanted.end) return asked;
  const allowed = `${wanted.begin} to ${wanted.end}`;
  refuse("sequences", `${begin} to ${end}`, allowed, {
    code: "ValueError",
    message: "spikes are not of the sequences that were asked for",
  });
}

const present: Check<unknown> = {
  allowed: "a list",
  read(value, at) {
    return value === undefined || value === null ? refuse(at, value, this.allowed) : value;
  },
};

function checkedLabels(task: Task, value: unknown, targets: IterationData["targets"]): Uint32Array {
  const { batchSize } = task;
  const readouts = countOf(task.network, "readout");
  const allowed = `a list of ${batchSize} labels, each from 0 to ${readouts - 1}`;
  const labels = isTyped(value) || Array.isArray(value) ? value : refuse("labels", value, allowed);
  if (labels.length !== batchSize) {
    refuse("labels", labels, allowed, {
      code: "IndexError",
      message: "there is not one label for each sequence",
    });
  }
  const label = whole(0, readouts - 1);
  const checked = Uint32Array.from(labels, (item: unknown, sequence) =>
    given(`labels[${sequence}]`, item, label),
  );
  if (task.kind === "classification") {
    largestTargets(task, targets).forEach((largest, sequence) => {
      if (largest === undefined || largest === checked[sequence]) return;
      refuse(`labels[${sequence}]`, checked[sequence], `${largest}, whose target is the largest`, {
        code: "ValueError",
        message: "a label contradicts the targets",
      });
    });
  }
  return checked;
}

/** The readout with the largest target of each sequence's learning window; undefined where some are not known. */
function largestTargets(task: Task, targets: IterationData["targets"]): (number | undefined)[] {
  const { steps, learningWindow, batchSize } = task;
  const sums = targets.map(({ steps: changes, values }) => {
    let next = 0;
    let value: number | undefined;
    return Array.from({ length: batchSize }, (_, sequence) => {
      const [begin, end] = [(sequence + 1) * steps - learningWindow, (sequence + 1) * steps];
      while (next < changes.length && (changes[next] as number) <= begin) value = values[next++];
      let [sum, from] = [0, begin];
      let known = value;
      while (next < changes.length && (changes[next] as number) < end) {
        sum += (known ?? Number.NaN) * ((changes[next] as number) - from);
        from = changes[next] as number;
        known = value = values[next++];
      }
      return sum + (known ?? Number.NaN) * (end - from);
    });
  });
  return Array.from({ length: batchSize }, (_, sequence) => {
    const ofReadouts = sums.map((sum) => sum[sequence] as number);
    if (ofReadouts.some(Number.isNaN)) return undefined;
    const most = Math.max(...ofReadouts);
    // Of equal ones none is the largest.
    return ofReadouts.filter((sum) => sum === most).length === 1 ? ofReadouts.indexOf(most) : undefined;
  });
}
