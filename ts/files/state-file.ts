import type { NativeState } from "../native/index.js";
import { ArrayWriter, namedTexts, textsByName } from "./arrays.js";
import {
  type Details,
  type Kind,
  fromBytes,
  interpreted,
  readSaved,
  savedBytes,
  writeSaved,
} from "./saved-file.js";

/** What a stream's state is called in errors. */
const stream = "the state";

/** The state of a stream as bytes. */
export async function streamBytes(state: NativeState): Promise<Uint8Array> {
  return savedBytes("stream", state.arrays, { texts: textsByName(state.texts) });
}

/**
 * The state of a stream that {@link streamBytes} made bytes of.
 *
 * @throws {@link NESTError} that says what is wrong with them.
 */
export async function streamOf(bytes: Uint8Array): Promise<NativeState> {
  const copy = Buffer.from(bytes);
  const { arrays, details } = await fromBytes(stream, copy, ["stream"], "bytes");
  const texts = details["texts"] as Record<string, unknown>;
  return interpreted(stream, () => ({ arrays: arrays.all(), texts: namedTexts(texts) }), "bytes");
}

/** Writes a file with the state of a kernel. */
export async function writeState(
  path: string,
  kind: Kind,
  state: NativeState,
  details: Details = {},
): Promise<void> {
  const writer = new ArrayWriter();
  const texts = writer.addKernel(state);
  await writeSaved(path, kind, writer.arrays, { texts, ...details });
}

/** Reads the state of the kernel that is in a file of one of several kinds, what the file says besides, and its bytes. */
export async function readState(
  path: string,
  kinds: readonly Kind[],
): Promise<{ state: NativeState; details: Details; bytes: Uint8Array }> {
  const { arrays, details, bytes } = await readSaved(path, kinds);
  const state = await interpreted(path, () => arrays.kernel(details["texts"] as Record<string, string[]>));
  return { state, details, bytes };
}
