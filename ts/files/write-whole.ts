import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { cannotWrite } from "./file-errors.js";

/**
 * Makes a folder and those it lies in; returns those that were made, the innermost first.
 *
 * Node's own `recursive` goes on forever where a system's folder, such as /proc, takes none.
 */
export function makeFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = resolve(path); !existsSync(folder); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.toReversed()) {
    try {
      mkdirSync(folder);
    } catch (error) {
      // Somebody else has just made it.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  return missing;
}

/**
 * Writes a file, and the folders it lies in, that is there whole or not at all.
 *
 * @throws {@link NESTError} that says why it cannot be written.
 */
export function writeWhole(
  path: string,
  content: string | Uint8Array | Iterable<string> | Iterable<Uint8Array>,
): void {
  // Processes on other machines may have the same number.
  const partial = `${path}.partial-${process.pid}-${Math.random().toString(36).slice(2, 10)}`;
  try {
    makeFolders(dirname(path));
    const file = openSync(partial, "w");
    try {
      const pieces = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
      for (const piece of pieces) writeAll(file, Buffer.from(piece as string));
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (error) {
    try {
      rmSync(partial, { force: true });
    } catch {
      // Where there can be no such file, there is none.
    }
    throw cannotWrite(path, error);
  }
}

/** The system may take a large piece in several parts. */
export function writeAll(file: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length;) {
    const more = writeSync(file, bytes, written);
    if (more === 0) throw new Error("the system takes no more");
    written += more;
  }
}
