import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { cannotWrite } from "./file-errors.js";
import { isRunning } from "../core/processes.js";

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

/** The name that a file has until it is whole. */
const partialName = (target: string) => `${target}.partial-${process.pid}`;

/** Removes what writers of this file left that were killed. */
function removeLeftovers(target: string): void {
  const [folder, prefix] = [dirname(target), `${basename(target)}.partial-`];
  for (const name of readdirSync(folder)) {
    const pid = Number(name.slice(prefix.length));
    if (name.startsWith(prefix) && pid !== process.pid && Number.isInteger(pid) && !isRunning(pid)) {
      rmSync(join(folder, name), { force: true });
    }
  }
}

/** Refuses to replace what is no file, such as a device. */
function refuseOthers(target: string): void {
  const found = statSync(target, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    throw Object.assign(new Error("it exists and is not a file"), { code: "EEXIST", syscall: "rename" });
  }
}

/** Gives up a file that did not become whole. */
function abandon(path: string, partial: string, error: unknown): never {
  try {
    rmSync(partial, { force: true });
  } catch {
    // Where there can be no such file, there is none.
  }
  throw cannotWrite(path, error);
}

/** Windows has no folders that can be synced. */
const syncsFolders = process.platform !== "win32";

/**
 * Writes a file, and the folders it lies in, that is there whole or not at all, also after a loss of power: to another
 * name in the same folder, then synced and renamed. Until then a file that was there before is untouched.
 *
 * @throws {@link NESTError} that says why it cannot be written.
 */
export function writeWhole(
  path: string,
  content: string | Uint8Array | Iterable<string> | Iterable<Uint8Array>,
): void {
  const target = resolve(path);
  // Processes on other machines may have the same number.
  const partial = `${partialName(target)}-${Math.random().toString(36).slice(2, 10)}`;
  try {
    makeFolders(dirname(target));
    refuseOthers(target);
    const file = openSync(partial, "w");
    try {
      const pieces = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
      for (const piece of pieces) writeAll(file, Buffer.from(piece as string));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, target);
    if (syncsFolders) {
      const folder = openSync(dirname(target), "r");
      try {
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    }
  } catch (error) {
    abandon(path, partial, error);
  }
}

/**
 * As {@link writeWhole}, into a folder that exists, without holding up the event loop. What killed
 * writers of this file left is removed.
 *
 * @throws {@link NESTError} that says why it cannot be written.
 */
export async function writeWholeAsync(path: string, bytes: Uint8Array): Promise<void> {
  const target = resolve(path);
  const partial = partialName(target);
  try {
    refuseOthers(target);
    const file = await open(partial, "w");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, target);
    if (syncsFolders) {
      const folder = await open(dirname(target), "r");
      await folder.sync().finally(() => folder.close());
    }
    removeLeftovers(target);
  } catch (error) {
    abandon(path, partial, error);
  }
}

/**
 * Refuses a file that {@link writeWholeAsync} could not write, before there is anything to write.
 *
 * @throws {@link NESTError} that says why it cannot be written.
 */
export async function refuseUnwritable(path: string): Promise<void> {
  const target = resolve(path);
  const partial = partialName(target);
  try {
    refuseOthers(target);
    const file = await open(partial, "w");
    await file.close();
    await rm(partial);
  } catch (error) {
    abandon(path, partial, error);
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
