import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Check, given, list, refuse, refuseMisspelt, text } from "../core/arguments.js";
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

const names = list(text, "a list of names");

/** Whether a text leads to a module: a path or an address, and no name. */
export function isModule(task: string): boolean {
  return /^(\.{0,2}[\\/]|[a-z]:[\\/]|file:)|\.[cm]?[jt]s$/i.test(task);
}

/** What a module's task has to have. */
const entryTypes = { name: "string", text: "string", parameters: "object", create: "function" } as const;

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
    throw refusal(href, `the module cannot be loaded: ${await whyNotLoaded(href, error)}`);
  }
  const entry = found.default as Partial<TaskEntry> | undefined;
  if (typeof entry !== "object" || entry === null) {
    throw refusal(href, "the module has no task as its default export");
  }
  const lacking = Object.entries(entryTypes).filter(
    ([field, type]) => typeof entry[field as keyof typeof entryTypes] !== type || !entry[field as "name"],
  );
  if (lacking.length > 0) {
    const fieldNames = lacking.map(([field, type]) => `${field} (${type})`);
    throw refusal(href, `the module's default export is no task: it lacks ${fieldNames.join(", ")}`);
  }
  refuseMisspelt(entry as Record<string, unknown>, { aliases: names, options: names });
  return { entry: entry as TaskEntry, reference: href };
}

/** The version of Node from which on it loads TypeScript by itself. */
const nodeWithTypeScript = "22.18";

/** Where an error arose, as file and line: in the module, if its stack leads there, else in what that imports. */
function placeOf(href: string, error: unknown): string | undefined {
  const stack = error instanceof Error ? String(error.stack) : "";
  // Of a syntax error, the first line has it; else lines that begin with `at`.
  const places = stack.split("\n").flatMap((line) => {
    const [, file, at] = /(?:^|\(|\s)((?:file:\/\/|\/|[a-z]:\\)[^()]*?):(\d+)(?::\d+)?\)?$/i.exec(line) ?? [];
    return file === undefined ? [] : [{ file: /^file:/i.test(file) ? fileURLToPath(file) : file, at }];
  });
  const module = fileURLToPath(href);
  const place = places.find(({ file }) => file === module) ?? places[0];
  return place && `${place.file}:${place.at}`;
}

/** Where a module does not parse: Node tells no program that imports it, but whoever lets it check the file. */
async function syntaxPlace(href: string): Promise<string | undefined> {
  const { spawnSync } = await import("node:child_process");
  const { stderr } = spawnSync(process.execPath, ["--check", fileURLToPath(href)], { encoding: "utf8" });
  const [, file, line] = /^(.+):(\d+)\r?$/.exec(stderr.split("\n")[0] ?? "") ?? [];
  if (file === undefined) return undefined;
  return `${/^file:/i.test(file) ? fileURLToPath(file) : file}:${line}`;
}

/** What kept a module from being loaded; of TypeScript, what to do about it. */
async function whyNotLoaded(href: string, error: unknown): Promise<string> {
  const what = error instanceof SyntaxError ? `SyntaxError: ${error.message}` : error;
  const message = what instanceof Error ? what.message : String(what);
  const place = placeOf(href, error) ?? (error instanceof SyntaxError ? await syntaxPlace(href) : undefined);
  const said = place === undefined ? message : `${place}: ${message}`;
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
