import { nestError } from "../core/errors.js";

/** The library that reads and writes HDF5 files. */
export type HDF5 = typeof import("h5wasm/node");

/** WebAssembly's memory, which the types of Node leave out. */
const { Memory } = Reflect.get(globalThis, "WebAssembly") as {
  Memory: new (of: { initial: number }) => unknown;
};

/** What the library has of the file system, as far as it is used here. */
interface FileSystem {
  streams: ({ fd: number } | null | undefined)[];
  close(stream: { fd: number }): void;
}

/** Makes an instance of the library's compiled module. */
type Factory = (how: { noInitialRun: boolean; printErr: () => void }) => Promise<object & { FS: object }>;

/**
 * Whether a call has failed within the library. It may have ended in the middle of its work then, with its memory in
 * disorder and the file open; and a file that is open already is not read anew, so that it stays damaged for it.
 */
let failed = false;
/** The number of the instance. */
let instance = 0;
/** A new instance on its way, for all who wait for it. */
let renewing: Promise<void> | undefined;

/** Refuses to go on without the library's compiled module. */
function notLoaded(whose: string, why: unknown): never {
  throw nestError({
    code: "OutOfMemory",
    message: `${whose} need HDF5, whose WebAssembly module (h5wasm) cannot be loaded: ${(why as Error).message}`,
    bound: "room for WebAssembly's memory: some 10 GB of addresses (ulimit -v), most of which stay unused",
  });
}

/**
 * Does `work`, which is over when it returns, with the library for HDF5 files, which is installed by those who want it.
 *
 * @param whose What the files are, as in "files of the Spiking Heidelberg Digits".
 * @throws {@link NESTError} that says how to install it, or why it cannot be loaded.
 */
export async function withHDF5<T>(whose: string, work: (library: HDF5) => T): Promise<T> {
  try {
    // A process without addresses for this has none for the library, which fails with something else.
    void new Memory({ initial: 1 });
  } catch (error) {
    notLoaded(whose, error);
  }
  let library: HDF5;
  try {
    library = await import("h5wasm/node");
  } catch {
    throw nestError({
      code: "NotImplemented",
      message: `${whose} need the package h5wasm`,
      bound: "npm install h5wasm",
    });
  }
  const ready = await library.ready.catch((error: unknown) => notLoaded(whose, error));
  while (failed) {
    renewing ??= renew(library).finally(() => (renewing = undefined));
    await renewing;
  }
  // What is wrong is told once, in the error.
  ready.activate_throwing_error_handler();
  return work(library);
}

/** Notes that a call has failed within the library: who uses it next is given a new instance. */
export function libraryFailed(): void {
  failed = true;
}

/** The number of the instance in use. What was opened with another one has to be opened again. */
export function libraryInstance(): number {
  return instance;
}

/** Closes a file. One that cannot be closed is left to its instance. */
export function closeHDF5(file: { close(): unknown }): void {
  try {
    file.close();
  } catch {
    libraryFailed();
  }
}

/**
 * Puts a new instance in the place of one in which a call has failed, and lets go of what that has open. Where the
 * library's parts cannot be told apart, in a bundle, the old one stays.
 */
async function renew(library: HDF5): Promise<void> {
  let next: object & { FS: object };
  try {
    const parts = new URL("./hdf5_util.js", import.meta.resolve("h5wasm/node"));
    const { default: make } = (await import(/* @vite-ignore */ parts.href)) as { default: Factory };
    // What it says when it breaks off is in the error.
    next = await make({ noInitialRun: true, printErr: () => {} });
  } catch {
    failed = false;
    return;
  }
  // Its modules keep these two objects for ever, so that their content has to change.
  const files = library.FS as unknown as FileSystem & object;
  for (const stream of files.streams) {
    if (stream && stream.fd > 2) files.close(stream);
  }
  become(files, next.FS);
  become(library.Module, next);
  instance += 1;
  failed = false;
}

/** Gives an object all that another one has, and nothing else. */
function become(object: object, other: object): void {
  for (const name of Reflect.ownKeys(object)) Reflect.deleteProperty(object, name);
  Object.defineProperties(object, Object.getOwnPropertyDescriptors(other));
}
