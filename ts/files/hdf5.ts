import { nestError } from "../core/errors.js";

/** The library that reads and writes HDF5 files. */
export type HDF5 = typeof import("h5wasm/node");

/**
 * The library for HDF5 files, which is installed by those who want it.
 *
 * @param whose What the files are, as in "files of the Spiking Heidelberg Digits".
 * @throws {@link NESTError} that says how to install it.
 */
export async function hdf5(whose: string): Promise<HDF5> {
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
  // What is wrong is told once, in the error.
  (await library.ready).activate_throwing_error_handler();
  return library;
}
