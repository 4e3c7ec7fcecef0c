import { createHash } from "../core/hash.js";
import { readFile } from "node:fs/promises";
import { fromNative, guardedAsync, nestError } from "../core/errors.js";
import { type Pieces, inSlices } from "../core/event-loop.js";
import { type NativeArray, readSafetensors, safetensors } from "../native/index.js";
import { version } from "../core/version.js";
import { ArrayReader } from "./arrays.js";
import { writeWholeAsync } from "./write-whole.js";
import { isFileError, refuserOf, systemWords } from "./file-errors.js";

/** Version of the format of each kind of file. A change of what a name means raises it. */
const versions = { kernel: 1, network: 1, checkpoint: 1, stream: 1 } as const;

/** What a file is of. */
export type Kind = keyof typeof versions;

/** What a file says besides its arrays. */
export type Details = Readonly<Record<string, unknown>>;

/** A file that was read. */
export interface SavedFile {
  kind: Kind;
  arrays: ArrayReader;
  details: Details;
  /** All of it, as it was read. */
  bytes: Uint8Array;
}

/** Where the checksum is while it is computed. */
const noChecksum = "0".repeat(64);

/**
 * Every file begins with eight bytes that give the header's length, and then so: the metadata's only entry is a JSON
 * text, whose first entry is the checksum.
 */
const opening = '{"__metadata__":{"eprop":"{\\"sha256\\":\\"';
const checksumAt = 8 + opening.length;

/** Bytes that are digested in one piece. */
const pieceLength = 1 << 18;

function checksum(bytes: Uint8Array): Pieces<string> {
  return digestOfAll(
    [bytes.subarray(0, checksumAt), new TextEncoder().encode(noChecksum)],
    bytes.subarray(checksumAt + noChecksum.length),
  );
}

/** SHA-256 of a file's bytes. */
export function bytesDigest(bytes: Uint8Array): Pieces<string> {
  return digestOfAll([], bytes);
}

function* digestOfAll(begin: readonly Uint8Array[], bytes: Uint8Array): Pieces<string> {
  yield;
  // The first time in a process, this loads Node's module.
  const hash = createHash("sha256");
  yield;
  for (const piece of begin) hash.update(piece);
  for (let at = 0; at < bytes.length; at += pieceLength) {
    hash.update(bytes.subarray(at, at + pieceLength));
    yield;
  }
  return hash.digest("hex");
}

/** What {@link writeSaved} writes. */
export async function savedBytes(kind: Kind, arrays: NativeArray[], details: Details): Promise<Uint8Array> {
  const metadata = { sha256: noChecksum, format: kind, version: versions[kind], eprop: version, details };
  const bytes = await guardedAsync(() => safetensors(arrays, JSON.stringify(metadata)));
  bytes.set(new TextEncoder().encode(await inSlices(checksum(bytes))), checksumAt);
  return bytes;
}

/**
 * Writes a file in the safetensors format, whole or not at all.
 *
 * @throws {@link NESTError} that says why it cannot be written.
 */
export async function writeSaved(
  path: string,
  kind: Kind,
  arrays: NativeArray[],
  details: Details,
): Promise<void> {
  await writeWholeAsync(path, await savedBytes(kind, arrays, details));
}

/**
 * Reads a file of one of several kinds.
 *
 * @throws {@link NESTError} that says what is wrong with the file: it cannot be read, is not of eprop, ends early, is
 *   damaged, is of another kind, or of a newer version.
 */
export async function readSaved(path: string, kinds: readonly Kind[]): Promise<SavedFile> {
  const refuse: ReturnType<typeof refuserOf> = refuserOf(path);
  const wanted = `a ${kinds.join(" or ")} that eprop saved`;
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (!isFileError(error)) throw error;
    if (error.code === "EISDIR")
      return refuse("is a folder", `${wanted}, such as one in that folder`, path, error);
    return refuse(`cannot be read: ${systemWords(error)}`, wanted, path, error);
  }
  return fromBytes(path, bytes, kinds);
}

/**
 * What {@link savedBytes} made bytes of.
 *
 * @param path What they are called in errors.
 * @param parameter What errors name as the parameter.
 * @throws {@link NESTError}, as {@link readSaved}.
 */
export async function fromBytes(
  path: string,
  bytes: Buffer,
  kinds: readonly Kind[],
  parameter = "file",
): Promise<SavedFile> {
  const refuse: ReturnType<typeof refuserOf> = refuserOf(path, parameter);
  const wanted = `a ${kinds.join(" or ")} that eprop saved`;
  if (bytes.toString("latin1", 8, checksumAt) !== opening) {
    return refuse("is not a file of eprop", wanted);
  }
  const whole = "the file as it was written";
  const begin = 8 + Number(bytes.readBigUInt64LE());
  const header = parsed(bytes.toString("utf8", 8, begin));
  if (begin > bytes.length) return refuse("ends early", whole, `${bytes.length} bytes`);
  if (header === undefined) return refuse("is damaged", whole);
  let length = begin;
  for (const entry of Object.values(header)) {
    const end = Number((entry as { data_offsets?: unknown[] } | null)?.data_offsets?.[1] ?? 0);
    length = Math.max(length, begin + end);
  }
  if (bytes.length < length) {
    return refuse("ends early", whole, `${bytes.length} of ${length} bytes`);
  }
  const held = bytes.toString("latin1", checksumAt, checksumAt + noChecksum.length);
  if (held !== (await inSlices(checksum(bytes))))
    return refuse("is damaged: its checksum does not fit", whole);
  const metadata = parsed(String((header["__metadata__"] as Record<string, unknown>)["eprop"]));
  const {
    format,
    version: found,
    details,
  } = (metadata ?? {}) as {
    format: Kind;
    version: number;
    details: Details;
  };
  if (typeof format !== "string" || typeof found !== "number" || typeof details !== "object" || !details) {
    return refuse("is damaged: it does not say what it is", whole);
  }
  if (!kinds.includes(format)) return refuse(`is a ${format}`, wanted);
  if (found > versions[format]) {
    const writer = String(metadata?.["eprop"]);
    return refuse(
      `was written by a newer eprop (${writer}) than this one (${version})`,
      `format ${versions[format]} of a ${format}`,
      `format ${found}`,
    );
  }
  try {
    const { arrays } = await readSafetensors(bytes);
    return { kind: format, arrays: new ArrayReader(path, arrays), details, bytes };
  } catch (error) {
    return refuse(`is damaged: ${(fromNative(error) as Error).message}`, whole);
  }
}

/** The object that a JSON text is of. */
function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Interprets what was read of a file; whatever does not fit is said to be damage of the file.
 *
 * @throws {@link NESTError}
 */
export async function interpreted<T>(
  path: string,
  interpret: () => T | Promise<T>,
  parameter = "file",
): Promise<T> {
  try {
    return await interpret();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) {
      throw nestError({
        code: "ValueError",
        message: `${path} is damaged: ${error.message}`,
        parameter,
        bound: "the file as it was written",
      });
    }
    throw error;
  }
}
