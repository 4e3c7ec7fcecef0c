import { createHash } from "../core/hash.js";
import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { nestError } from "../core/errors.js";
import { makeFolders } from "../files/write-whole.js";

/** A file to fetch. */
export interface RemoteFile {
  readonly name: string;
  readonly url: string;
  /** Its MD5 checksum, as its source states it. */
  readonly md5: string;
}

/** How a download goes on. */
export interface DownloadOptions {
  signal?: AbortSignal;
  onProgress?: (progress: { name: string; done: number; total: number | undefined }) => void;
}

async function checksum(file: string): Promise<string> {
  const hash = createHash("md5");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/**
 * Fetches a file into a folder, going on where an earlier try ended; the file has its name only once its checksum is
 * right. A file that is there already is checked and kept.
 *
 * @returns The file's path.
 * @throws {@link NESTError} if it cannot be fetched or its checksum is wrong.
 */
export async function download(
  file: RemoteFile,
  folder: string,
  options: DownloadOptions = {},
): Promise<string> {
  const path = join(folder, file.name);
  if (sizeOf(path) > 0 && (await checksum(path)) === file.md5) return path;
  makeFolders(dirname(path));
  const partial = `${path}.partial`;
  const begun = sizeOf(partial);
  const refuse = (message: string, bound: string): never => {
    throw nestError({
      code: "ValueError",
      message: `${file.name}: ${message}`,
      parameter: "url",
      value: file.url,
      bound,
    });
  };
  let response: Response | undefined;
  try {
    response = await fetch(file.url, {
      headers: begun > 0 ? { range: `bytes=${begun}-` } : {},
      ...(options.signal && { signal: options.signal }),
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    refuse(`cannot be fetched (${(error as Error).message})`, "a network that reaches this address");
  }
  // 416: nothing is missing, the earlier try got all of it.
  if (response?.status !== 416) {
    if (!response?.ok || response.body === null)
      return refuse(`the server answered ${response?.status}`, "status 200");
    const resumes = response.status === 206;
    let done = resumes ? begun : 0;
    const length = response.headers.get("content-length");
    const total = length === null ? undefined : done + Number(length);
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, give) {
        done += chunk.length;
        options.onProgress?.({ name: file.name, done, total });
        give(null, chunk);
      },
    });
    try {
      await pipeline(
        Readable.fromWeb(response.body as never),
        counted,
        createWriteStream(partial, { flags: resumes ? "a" : "w" }),
        ...(options.signal ? [{ signal: options.signal }] : []),
      );
    } catch (error) {
      options.signal?.throwIfAborted();
      refuse(
        `the connection broke after ${done} bytes (${(error as Error).message})`,
        "another try: it goes on from there",
      );
    }
  }
  const found = await checksum(partial);
  if (found !== file.md5) {
    rmSync(partial);
    refuse(`has the checksum ${found}; what was fetched is deleted`, `checksum ${file.md5}`);
  }
  renameSync(partial, path);
  return path;
}
