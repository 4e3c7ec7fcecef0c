import { many } from "../core/words.js";
import type { Command } from "commander";
import { NESTError, nestError } from "../core/errors.js";
import { isFileError, systemWords } from "../files/file-errors.js";
import { type TaskEntry, taskTable } from "../tasks/index.js";
import { type TaskParameter, parameterText } from "../tasks/parameter.js";

/** Writes a last line to standard error and sets the exit code. */
export function conclude(line: string, code: number): void {
  process.stderr.write(`${line}\n`);
  process.exitCode = code;
}

/** Options on the command line, by the names that they have in programs. */
const optionNames = new Map<string, string>();

/** Which of them each command has. */
const ofCommands = new Map<string, ReadonlySet<string>>();

/** Lets errors name the options of commands as they are typed. */
export function nameOptions(commands: readonly Command[]): void {
  for (const option of commands.flatMap(({ options }) => options)) {
    if (option.long && !option.negate) optionNames.set(option.attributeName(), option.long);
  }
  // An option whose parts have names of their own in programs.
  optionNames.set("halving.minIterations", "--halving").set("halving.reduction", "--reduction");
  optionNames.set("controls", "--only");
  optionNames.set("checkpoint.every", "--checkpoint-every");
  optionNames.set("init", "--init").set("init.path", "--init").set("init.projections", "--init-projections");
  for (const command of commands) {
    ofCommands.set(command.name(), new Set(command.options.map((option) => option.attributeName())));
  }
}

/** An option as it is typed, by the name that it has in programs. */
export function typedOption(name: string): string {
  return optionNames.get(name) ?? `--${name}`;
}

/**
 * Parameters of a task as `--set` gives them to a command.
 *
 * @throws {@link NESTError} for an option of the command that the task has no parameter of, however it is written.
 */
export function setParameters<T>(
  command: string,
  { parameters }: TaskEntry,
  set: Readonly<Record<string, T>> = {},
): Record<string, T> {
  for (const [name, value] of Object.entries(set)) {
    const option = name
      .replace(/^-+/, "")
      .replaceAll(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (Object.hasOwn(parameters, name) || !ofCommands.get(command)?.has(option)) continue;
    throw nestError({
      code: "UnaccessedDictionaryEntry",
      message: `${name} is no parameter of the task but an option of the command`,
      parameter: "--set",
      value: name,
      bound: `${typedOption(option)} ${String(value)}`,
    });
  }
  return { ...set };
}

/**
 * A message with the options as they are typed: of words that are both, those that only programs write (`batchSize`,
 * `options.threads`), also where a place of a list follows (`options.controls[0]`).
 */
export function asTyped(message: string): string {
  return message.replace(
    /(?<![\w./\\"'-])(options\.|taskOptions\.)?([a-z]+(?:[A-Z][a-z]+)*(?:\.[a-z]+(?:[A-Z][a-z]+)*)?)(?:\[\d+\])?(?![\w/\\"']|\.\w)/g,
    (word, prefix: string | undefined, name: string) => {
      const ofPrograms = prefix !== undefined || /[A-Z.]/.test(name);
      return (ofPrograms ? optionNames.get(name) : undefined) ?? word;
    },
  );
}

/** A stop, with what can be done about it. */
export class Stopped extends Error {
  override readonly name = "AbortError";
}

/** What an error is said to be, and the exit code that follows from it. */
export function lastLine(error: unknown): { line: string; code: number } {
  if (error instanceof Stopped) return { line: `eprop: stopped; ${error.message}`, code: 130 };
  if (isStop(error)) return { line: "eprop: stopped", code: 130 };
  if (error instanceof NESTError) return { line: `eprop: ${error.name}: ${asTyped(error.message)}`, code: 1 };
  if (isFileError(error)) {
    const place = error.path === undefined ? "" : `${error.path}: `;
    return { line: `eprop: ${place}${systemWords(error)} (${error.code})`, code: 1 };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { line: `eprop: ${text}`, code: 1 };
}

/** Whether something ended because it was stopped, here or on another rank. */
export function isStop(error: unknown): boolean {
  return error instanceof NESTError
    ? error.code === "Aborted"
    : error instanceof Error && error.name === "AbortError";
}

/** Says what went wrong, and sets the exit code. */
export function concludeWith(error: unknown): void {
  const { line, code } = lastLine(error);
  conclude(line, code);
}

/** Says how many trainings have failed, if any has, and sets the exit code. */
export function tellFailed(
  runs: readonly { readonly status: string }[],
  again = "; run it again to retry them",
): void {
  const failed = runs.filter(({ status }) => status === "failed").length;
  if (failed > 0) conclude(`eprop: ${failed} of ${many(runs.length, "training")} failed${again}`, 1);
}

/** Iterations and sequences of an iteration, where nothing is said; of tasks that need data, with their stand-in. */
function defaultsOf({ create, options }: TaskEntry): {
  iterations: number;
  batchSize: number;
  synthetic: boolean;
} {
  const synthetic = options?.includes("synthetic") === true;
  const { schedule, batchSize } = create(synthetic ? { synthetic } : {});
  return { iterations: schedule.iterations, batchSize, synthetic };
}

const setting = (parameter: string, row: TaskParameter) => `${parameter}=${row.default}`;

/** A line for each parameter, with its text in a column. */
function settingLines(parameters: TaskEntry["parameters"]): string[] {
  const rows = Object.entries(parameters).map(
    ([name, row]) => [setting(name, row), parameterText(row)] as const,
  );
  const width = Math.max(...rows.map(([set]) => set.length));
  return rows.map(([set, text]) => `  --set ${set.padEnd(width)}  ${text}`);
}

/** The table of tasks, or of one alone, with its defaults. */
export function tasksTable(json: boolean, entry?: TaskEntry): string {
  const shown = entry === undefined ? taskTable : [entry];
  const defaults = entry && defaultsOf(entry);
  if (json) {
    const rows = shown.map(({ name, aliases, text, parameters }) => ({
      name,
      aliases,
      text,
      ...(defaults && { iterations: defaults.iterations, batchSize: defaults.batchSize }),
      parameters,
    }));
    return `${JSON.stringify(entry === undefined ? rows : rows[0], null, 2)}\n`;
  }
  const lines = shown.flatMap(({ name, aliases = [], text, parameters }) => [
    `${[name, ...aliases].join(", ")}\n  ${text}`,
    ...(defaults
      ? [
          `  --iterations ${defaults.iterations} --batch-size ${defaults.batchSize} if left out` +
            (defaults.synthetic ? " (with --synthetic)" : ""),
        ]
      : []),
    ...settingLines(parameters),
    "",
  ]);
  return `${lines.join("\n")}\n`;
}
