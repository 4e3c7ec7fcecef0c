import { type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { cannotWrite } from "./file-errors.js";

/** Whether a process of that id runs. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes what writers of this file left that were killed. */
async function removeLeftovers(path: string): Promise<void> {
  const [folder, prefix] = [dirname(path), `${basename(path)}.partial-`];
  for (const name of await readdir(folder)) {
    const pid = Number(name.slice(prefix.length));
    if (name.startsWith(prefix) && pid !== process.pid && Number.isInteger(pid) && !runs(pid)) {
      await rm(join(folder, name), { force: true });
    }
  }
}

async function synced(path: string, flags: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags);
  try {
    await use(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Writes a file that is there whole or not at all, also after a loss of power: to another name in the same folder,
 * then synced and renamed. Until then a file that was there before is untouched.
 *
 * @throws {@link NESTError} that says why it cannot be written.
 */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const target = resolve(path);
  const partial = `${target}.partial-${process.pid}`;
  try {
    // What is no file, such as a device, would be replaced by one.
    const found = await stat(target).catch(() => undefined);
    if (found !== undefined && !found.isFile()) {
      throw Object.assign(new Error("it exists and is not a file"), { code: "EEXIST", syscall: "rename" });
    }
    await synced(partial, "w", (file) => file.writeFile(bytes));
    await rename(partial, target);
    // Windows has no folders that can be synced.
    if (process.platform !== "win32") await synced(dirname(target), "r", async () => {});
    await removeLeftovers(target);
  } catch (error) {
    // Where there can be no such file, there is none.
    await rm(partial, { force: true }).catch(() => undefined);
    throw cannotWrite(path, error);
  }
}
