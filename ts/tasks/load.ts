import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Check, given, refuse, text } from "../core/arguments.js";
import { nestError } from "../core/errors.js";
import { type TaskEntry, findTask } from "./index.js";

/** What makes tasks of a kind, and where another process finds it: a name, or the address of a module. */
export interface LoadedTask {
  entry: TaskEntry;
  reference: string;
}

const taskReference: Check<string | URL> = {
  allowed: "a name that `eprop tasks` lists, or the path or address of a module that exports a task",
  read(value, at) {
    if (value instanceof URL) return value;
    return typeof value === "string" ? text.read(value, at) : refuse(at, value, this.allowed);
  },
};

/** Whether a text leads to a module: a path or an address, and no name. */
export function isModule(task: string): boolean {
  return /^(\.{0,2}[\\/]|[a-z]:[\\/]|file:)|\.[cm]?[jt]s$/i.test(task);
}

/**
 * One of eprop's tasks by its name or alias, or what a module exports by default.
 *
 * @param task Name, path of a module (from the working folder) or its address.
 * @throws {@link NESTError} that suggests the nearest name, or says why the module gives no task.
 */
export async function loadTask(task: string | URL): Promise<LoadedTask> {
  given("task", task, taskReference);
  if (typeof task === "string" && !isModule(task)) {
    const entry = findTask(task);
    return { entry, reference: entry.name };
  }
  const { href } = task instanceof URL || /^file:/i.test(task) ? new URL(task) : pathToFileURL(resolve(task));
  let found: { default?: unknown };
  try {
    found = (await import(href)) as { default?: unknown };
  } catch (error) {
    throw refusal(href, `the module cannot be loaded: ${whyNotLoaded(href, error)}`);
  }
  const entry = found.default as Partial<TaskEntry> | undefined;
  if (
    typeof entry?.name !== "string" ||
    typeof entry.text !== "string" ||
    typeof entry.parameters !== "object" ||
    typeof entry.create !== "function"
  ) {
    throw refusal(href, "the module exports no task");
  }
  return { entry: entry as TaskEntry, reference: href };
}

/** The version of Node from which on it loads TypeScript by itself. */
const nodeWithTypeScript = "22.18";

/** What kept a module from being loaded; of TypeScript, what to do about it. */
function whyNotLoaded(href: string, error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (!/\.[cm]?ts$/i.test(href) || code !== "ERR_UNKNOWN_FILE_EXTENSION") return said;
  return (
    `Node ${process.versions.node} does not load TypeScript; Node ${nodeWithTypeScript} and newer do. ` +
    "Compile it (`npx tsc`) and give the .js file, or update Node"
  );
}

function refusal(value: string, message: string): Error {
  return nestError({
    code: "ValueError",
    message,
    parameter: "task",
    value,
    bound:
      "a name that `eprop tasks` lists, or a module whose default export has name, text, parameters and create",
  });
}
