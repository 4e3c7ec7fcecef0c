import { nestError } from "../core/errors.js";

/** The library that reads and writes HDF5 files. */
export type HDF5 = typeof import("h5wasm/node");

/** WebAssembly's memory, which the types of Node leave out. */
const { Memory } = Reflect.get(globalThis, "WebAssembly") as {
  Memory: new (of: { initial: number }) => unknown;
};

/** Refuses to go on without the library's compiled module. */
function notLoaded(whose: string, why: unknown): never {
  throw nestError({
    code: "OutOfMemory",
    message: `${whose} need HDF5, whose WebAssembly module (h5wasm) cannot be loaded: ${(why as Error).message}`,
    bound: "room for WebAssembly's memory: some 10 GB of addresses (ulimit -v), most of which stay unused",
  });
}

/**
 * The library for HDF5 files, which is installed by those who want it.
 *
 * @param whose What the files are, as in "files of the Spiking Heidelberg Digits".
 * @throws {@link NESTError} that says how to install it, or why it cannot be loaded.
 */
export async function hdf5(whose: string): Promise<HDF5> {
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
  // What is wrong is told once, in the error.
  ready.activate_throwing_error_handler();
  return library;
}
