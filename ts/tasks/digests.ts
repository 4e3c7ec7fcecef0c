import { closeSync, openSync, readSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Pieces } from "../core/event-loop.js";
import { createHash } from "../core/hash.js";
import type { TaskOptions } from "./task.js";

/** Options of tasks that name files. */
const dataOptions = ["data", "blocklist"] as const;

/** Options with absolute paths, so that they hold in any folder. */
export function withAbsolutePaths(options: TaskOptions): TaskOptions {
  const entries = Object.entries(options).map(([name, value]) => {
    const isPath = dataOptions.some((known) => known === name) && typeof value === "string";
    return [name, isPath ? resolve(value) : value];
  });
  return Object.fromEntries(entries) as TaskOptions;
}

/** Digests of files that have been read, by path, size and times: data may be large, and checkpoints many. */
const known = new Map<string, string>();

/** A digest of a file's content. */
function* fileDigest(path: string): Pieces<string> {
  const { size, mtimeMs, ctimeMs, ino } = statSync(path);
  const name = [resolve(path), size, mtimeMs, ctimeMs, ino].join("\0");
  const found = known.get(name);
  if (found !== undefined) return found;
  const hash = createHash("sha256");
  // Data may be larger than memory.
  const file = openSync(path, "r");
  try {
    const piece = new Uint8Array(pieceLength);
    for (let read = 1; read > 0;) {
      read = readSync(file, piece);
      hash.update(piece.subarray(0, read));
      yield;
    }
  } finally {
    closeSync(file);
  }
  const digest = hash.digest("hex");
  known.set(name, digest);
  return digest;
}

/** A digest of a file's content, or of the names and sizes of the files in a folder. */
export function* digestOf(path: string): Pieces<string> {
  if (!statSync(path).isDirectory()) return yield* fileDigest(path);
  const hash = createHash("sha256");
  for (const [at, name] of (yield* filesIn(path)).entries()) {
    hash.update(`${name}\0${statSync(join(path, name)).size}\0`);
    if (at % filesAtOnce === 0) yield;
  }
  return hash.digest("hex");
}

/** Bytes of a file that are read in one piece. */
const pieceLength = 1 << 20;

/** Files that are looked at in one piece. */
const filesAtOnce = 50;

/** Names of the files in a folder and the folders in it, in the order of their characters. */
function* filesIn(folder: string): Pieces<string[]> {
  const entries = readdirSync(folder, { withFileTypes: true }).map((entry) => ({
    entry,
    name: entry.isDirectory() ? `${entry.name}/` : entry.name,
  }));
  yield;
  const files: string[] = [];
  for (const { entry, name } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) {
      for (const file of yield* filesIn(join(folder, name))) files.push(`${name}${file}`);
    } else if (statSync(join(folder, name)).isFile()) {
      files.push(name);
    }
    if (files.length % filesAtOnce === 0) yield;
  }
  return files;
}

/** Digests of the files and folders that a task's options name, by option. */
export function* dataDigests(options: TaskOptions): Pieces<Record<string, string>> {
  const paths = options as Readonly<Record<string, unknown>>;
  const digests: Record<string, string> = {};
  for (const name of dataOptions) {
    const path = paths[name];
    if (typeof path === "string") digests[name] = yield* digestOf(path);
  }
  return digests;
}
