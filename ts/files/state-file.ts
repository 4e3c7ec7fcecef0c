import type { NativeState } from "../native/index.js";
import { ArrayWriter } from "./arrays.js";
import { type Kind, interpreted, readSaved, writeSaved } from "./saved-file.js";

/** Writes a file with the state of a kernel. */
export async function writeState(path: string, kind: Kind, state: NativeState): Promise<void> {
  const writer = new ArrayWriter();
  const texts = writer.addKernel(state);
  await writeSaved(path, kind, writer.arrays, { texts });
}

/** Reads the state of the kernel that is in a file of one of several kinds. */
export async function readState(path: string, kinds: readonly Kind[]): Promise<NativeState> {
  const { arrays, details } = await readSaved(path, kinds);
  return interpreted(path, () => arrays.kernel(details["texts"] as Record<string, string[]>));
}
