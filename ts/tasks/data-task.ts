/** Tasks whose samples come from a data set: a recurrent classifier and two loaders. */
import { basename } from "node:path";
import { flag, optional, path } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { NumpyRandom } from "../random/index.js";
import type { Dataset, Transform } from "../data/index.js";
import type { TaskParameter, TaskParameterValues } from "./parameter.js";
import { checkBatch, commonOptions, ownOptions, taskParameters } from "./options.js";
import { recurrentClassifier } from "./recurrent-classifier.js";
import type { DataSplit, Task, TaskOptions } from "./task.js";

type DataModule = typeof import("../data/index.js");

/** Options of tasks that learn from a data set. */
export interface DataTaskOptions<
  P extends string | Readonly<Record<string, TaskParameter>> = string,
> extends TaskOptions<P> {
  /** Folder with the data set's files; see `eprop data`. */
  data?: string;
  /** Learn from a stand-in that is made when it is wanted. */
  synthetic?: boolean;
}

/** Rows that the parameter tables of these tasks have. */
export const dataParameters = {
  validation: {
    default: 0,
    unit: "",
    min: 0,
    max: 0.9,
    text: "Share of the training samples that are kept for validations; 0: validations draw from those of training",
  },
} as const;

/** What is special about a task of this kind. */
export interface DataTask<P extends Record<string, TaskParameter> & typeof dataParameters> {
  name: string;
  text: string;
  table: P;
  defaults: { iterations: number; batchSize: number; testIterations: number };
  classes: number;
  /** What the folder holds, in words, and the name of the data set for `eprop data`. */
  files: string;
  dataSet: string;
  /** Sizes that follow from the parameters; `rate` is that of an input, spikes a step. */
  sizes(parameters: TaskParameterValues<P>): {
    inputs: number;
    steps: number;
    learningWindow: number;
    rate: number;
  };
  open(
    module: DataModule,
    part: DataSplit,
    source: { folder: string | undefined; seed: number; parameters: TaskParameterValues<P> },
  ): Dataset | Promise<Dataset>;
  transforms(module: DataModule, parameters: TaskParameterValues<P>): Transform[];
}

/** Refuses a folder that is not there, before anything is made. */
function checkData(
  { name, files, dataSet }: { name: string; files: string; dataSet: string },
  { data, synthetic }: DataTaskOptions,
): void {
  const refuse = (message: string, bound: string): never => {
    throw nestError({
      code: "ValueError",
      message,
      model: name,
      parameter: "data",
      ...(data !== undefined && { value: data }),
      bound,
    });
  };
  const bound = `a folder with ${files} (see \`eprop data ${dataSet}\`), or a stand-in (synthetic)`;
  if ((data === undefined) === !synthetic) refuse("the task needs a data set, or a stand-in for it", bound);
  if (data === undefined) return;
  const found = process.getBuiltinModule("node:fs").statSync(data, { throwIfNoEntry: false });
  if (!found?.isDirectory()) refuse(`${data} is no folder`, bound);
}

/** A task that learns from a data set: training iterations go through its epochs, test iterations through its test set. */
export function dataTask<P extends Record<string, TaskParameter> & typeof dataParameters>(
  of: DataTask<P>,
  asked: DataTaskOptions,
): Task {
  const { name, text, classes } = of;
  const options = ownOptions(asked, { data: optional(path), synthetic: optional(flag) });
  const { seed, batchSize, schedule } = commonOptions(name, options, of.defaults);
  const parameters = taskParameters(name, of.table, options.parameters as never);
  checkData(of, options);
  const { inputs, steps, learningWindow, rate } = of.sizes(parameters);
  checkBatch(name, batchSize, { steps, inputs, rate, readouts: classes });
  const sequence = { steps, resolution: 1, readouts: classes };
  const { validation: kept } = parameters;
  const make = async () => {
    const module = await import("../data/index.js");
    const open = (part: DataSplit) => of.open(module, part, { folder: options.data, seed, parameters });
    const transforms = of.transforms(module, parameters);
    const loader = (dataset: Dataset) =>
      new module.DataLoader(dataset, { batchSize, seed, last: "fill", transforms });
    const all = await open("training");
    const parts =
      kept === 0 ? { training: all } : module.split(all, { training: 1 - kept, validation: kept }, { seed });
    const test = await open("test");
    const validation = loader("validation" in parts ? parts.validation : parts.training);
    return {
      module,
      loaders: { training: loader(parts.training), validation, test: loader(test) },
      close() {
        for (const used of Object.values(this.loaders)) used.close();
        for (const dataset of [all, test]) dataset.close?.();
      },
    };
  };
  let made: ReturnType<typeof make> | undefined;
  const opened = () => {
    made ??= make();
    // Whoever asks again tries again.
    made.catch(() => (made = undefined));
    return made;
  };
  return recurrentClassifier({
    name,
    text,
    seed,
    schedule,
    batchSize,
    random: new NumpyRandom(seed),
    inputs,
    classes,
    steps,
    learningWindow,
    parameters: parameters as never,
    chosen: { data: options.data === undefined ? "synthetic" : basename(options.data) },
    options,
    async next(split, drawn, signal) {
      const { module, loaders } = await opened();
      return module.nextIteration(loaders[split], drawn[split] ?? 0, sequence, signal);
    },
    ownValidation: kept > 0,
    async close() {
      const open = made;
      made = undefined;
      // What could not be opened has been told.
      (await open?.catch(() => undefined))?.close();
    },
    async prepare(signal) {
      await opened();
      signal?.throwIfAborted();
    },
  });
}

/** A seed that no other part of a stand-in is drawn with. */
export function partSeed(seed: number, part: DataSplit): number {
  return 2 * (seed % 1000) + (part === "test" ? 1 : 0);
}
