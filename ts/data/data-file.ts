import { nestError } from "../core/errors.js";
import { isFileError, systemWords } from "../files/file-errors.js";

const fs = process.getBuiltinModule("node:fs");

/**
 * Refuses what a file of data says.
 *
 * @param where The file and, where there is one, the offset: `shd_train.h5`, `a.bin at offset 15`.
 */
export function refuseData(where: string, message: string, value: string | undefined, bound: string): never {
  throw nestError({
    code: "ValueError",
    message: `${where} ${message}`,
    parameter: "data",
    ...(value !== undefined && { value }),
    bound,
  });
}

/** A file that parts are read of, and that must stay as it is meanwhile. It is open only while it is read. */
export class DataFile {
  readonly path: string;
  readonly size: number;
  readonly #modified: number;

  /** @throws {@link NESTError} if there is no such file. */
  constructor(path: string) {
    this.path = path;
    const { size, mtimeMs } = this.#do((file) => {
      const found = fs.fstatSync(file);
      if (!found.isFile()) refuseData(path, "is no file", undefined, "a file");
      return found;
    });
    this.size = size;
    this.#modified = mtimeMs;
  }

  #do<T>(work: (file: number) => T): T {
    let file: number | undefined;
    try {
      file = fs.openSync(this.path, "r");
      return work(file);
    } catch (error) {
      if (!isFileError(error)) throw error;
      return refuseData(
        this.path,
        `cannot be read: ${systemWords(error)}`,
        this.path,
        "a file that can be read",
      );
    } finally {
      if (file !== undefined) fs.closeSync(file);
    }
  }

  /** Refuses a file that is not the one it was. */
  check(): void {
    const { size, mtimeMs } = fs.statSync(this.path, { throwIfNoEntry: false }) ?? { size: -1, mtimeMs: -1 };
    this.#isTheSame(size, mtimeMs);
  }

  #isTheSame(size: number, modified: number): void {
    if (size === this.size && modified === this.#modified) return;
    refuseData(
      this.path,
      "has changed while it was read",
      size < 0 ? "it is gone" : `${size} bytes`,
      `the file of ${this.size} bytes that it was`,
    );
  }

  /**
   * Some bytes of it.
   *
   * @param what What an error calls them.
   * @throws {@link NESTError} if it has changed or ends before their end.
   */
  read(offset: number, length: number, what: string): Uint8Array {
    if (offset + length > this.size) {
      refuseData(
        `${this.path} at offset ${offset}`,
        `ends within ${what}`,
        `${Math.max(0, this.size - offset)} bytes`,
        `${length} bytes`,
      );
    }
    return this.#do((file) => {
      const { size, mtimeMs } = fs.fstatSync(file);
      this.#isTheSame(size, mtimeMs);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const more = fs.readSync(file, bytes, done, length - done, offset + done);
        if (more === 0) this.#isTheSame(-1, -1);
        done += more;
      }
      return bytes;
    });
  }
}

/** Refuses a folder that does not exist. */
export function checkFolder(folder: string, bound: string): void {
  const found = fs.statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) refuseData(folder, "does not exist", undefined, bound);
  if (!found.isDirectory()) refuseData(folder, "is not a folder", undefined, bound);
}
