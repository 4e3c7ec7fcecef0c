import { type Command, InvalidArgumentError, Option } from "commander";
import { nestError } from "../core/errors.js";
import type { TaskEntry } from "../tasks/index.js";
import type { TaskOptions } from "../tasks/task.js";
import { gradients, precisions } from "../training/settings.js";

/** Options on the command line that say what a task is like, besides seed and parameters. */
export interface TaskArguments {
  iterations?: number;
  batchSize?: number;
  validateEvery?: number;
  earlyStop?: boolean;
  testIterations?: number;
  patience?: number;
  stopAbove?: number;
  data?: string;
  blocklist?: string;
  groupSize?: number;
  synthetic?: boolean;
  model?: string;
}

/** Options that some tasks take. */
const ofSomeTasks = ["data", "blocklist", "groupSize", "synthetic", "model"] as const;

/** The number that an argument is. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}

/** A dictionary that grows by `name=value`; the task's table says which values are numbers. */
export function assignment(
  text: string,
  previous: Record<string, number | string> = {},
): Record<string, number | string> {
  const [name, value] = text.split(/=(.*)/s);
  if (!name || !value?.trim()) throw new InvalidArgumentError("It must be name=value.");
  if (Object.hasOwn(previous, name)) {
    throw nestError({
      code: "ValueError",
      message: "a parameter is given twice",
      parameter: name,
      value,
      bound: `one --set ${name}=…`,
    });
  }
  return { ...previous, [name]: Number.isNaN(Number(value)) ? value : Number(value) };
}

/** Says what a task is given as. */
export const taskArgument = "its name, which `eprop tasks` lists, or the path of a module that exports one";

/** Lets a command take {@link TaskArguments}. */
export function addTaskOptions(command: Command): Command {
  return command
    .option("--iterations <n>", "training iterations", number)
    .option("--batch-size <n>", "sequences per iteration", number)
    .option("--validate-every <n>", "training iterations between validations; 0 for none", number)
    .option("--early-stop", "stop once errors about a validation are small enough (default)")
    .option("--no-early-stop", "do not stop early")
    .option("--test-iterations <n>", "test iterations at the end", number)
    .option(
      "--patience <n>",
      "end after so many validations without a smaller loss, with the weights of the best one; 0 for never",
      number,
    )
    .option(
      "--stop-above <loss>",
      "stop after an iteration with a larger loss, as one that diverges has",
      number,
    )
    .option("--data <path>", "data to learn from, where a task takes it")
    .option("--blocklist <file>", "pixels to leave out, one index a line (n-mnist)")
    .option("--group-size <n>", "recordings per iteration (n-mnist)", number)
    .option("--synthetic", "learn from a stand-in for a public data set, where a task takes one")
    .option("--model <name>", "model of the recurrent neurons, where a task has a choice");
}

/** Lets a command take what trainings are computed with. */
export function addSettings(command: Command): Command {
  return command
    .addOption(new Option("--gradient <method>", "how gradients are computed").choices(gradients))
    .addOption(new Option("--precision <name>", "what is computed in").choices(precisions))
    .option(
      "--clip-norm <norm>",
      "scale the gradient of an update down to this norm where it is larger; 0 for never",
      number,
    );
}

/** Options on the command line that say how trainings are shared among worker processes. */
export interface WorkerArguments {
  concurrency?: number;
  threads?: number;
  checkpointEvery?: number;
}

/** Lets a command take {@link WorkerArguments}. */
export function addWorkerOptions(command: Command): Command {
  return command
    .option("--concurrency <n>", "trainings at once; as many as threads allow if left out", number)
    .option("--threads <n>", "threads of each training; an equal share if left out", number)
    .option("--checkpoint-every <n>", "iterations between checkpoints of each training", number);
}

/**
 * The options of a task from those on the command line.
 *
 * @throws {@link NESTError} for one that the task does not take.
 */
export function taskOptions(entry: TaskEntry, args: TaskArguments): TaskOptions & Record<string, unknown> {
  for (const option of ofSomeTasks) {
    if (args[option] === undefined || entry.options?.includes(option)) continue;
    throw nestError({
      code: "ValueError",
      message: `the task ${entry.name} takes no ${option}`,
      parameter: option,
      value: String(args[option]),
      bound: "left out",
    });
  }
  const { iterations, batchSize, validateEvery, earlyStop, testIterations, patience, stopAbove } = args;
  const { data, blocklist, groupSize, synthetic, model } = args;
  return given({
    iterations,
    batchSize,
    validateEvery,
    earlyStop,
    testIterations,
    patience,
    stopAbove,
    data,
    blocklist,
    groupSize,
    synthetic,
    model,
  });
}

/** Only what has a value. */
export function given<T extends object>(values: T): { [name in keyof T]: Exclude<T[name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
