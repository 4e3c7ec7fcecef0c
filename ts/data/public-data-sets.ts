import { many } from "../core/words.js";
import { createReadStream } from "node:fs";
import { closeSync, existsSync, openSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createGunzip } from "node:zlib";
import { Unzip, UnzipInflate } from "fflate";
import { nestError } from "../core/errors.js";
import { makeFolders, writeAll } from "../files/write-whole.js";
import { type DownloadOptions, type RemoteFile, download } from "./download.js";
import { fetchNMnist, nMnistArchives, nMnistByHand } from "./n-mnist.js";

/** A public data set: where its files are, and what to do with them. */
export interface PublicDataSet {
  readonly name: string;
  /** One line of text, with the size. */
  readonly text: string;
  /** Its files; `url` is empty where they can only be got by hand. */
  readonly files: readonly RemoteFile[];
  /** Where to get it by hand, and what to do with it. */
  readonly byHand: string;
  /** Fetches `files` into a folder, from their addresses or others; gives the names of what is there then. */
  fetch(folder: string, files: readonly RemoteFile[], options: DownloadOptions): Promise<string>;
}

function cannotUnpack(archive: string, said: string, bound: string): never {
  throw nestError({ code: "ValueError", message: `${archive}: ${said}`, parameter: "dir", bound });
}

/** A file that is written piece by piece, and has its name when it is whole. */
class Piecewise {
  readonly #path: string;
  readonly #file: number;

  constructor(path: string) {
    makeFolders(dirname(path));
    this.#path = path;
    this.#file = openSync(`${path}.partial`, "w");
  }

  write(bytes: Uint8Array): void {
    writeAll(this.#file, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  end(): void {
    closeSync(this.#file);
    renameSync(`${this.#path}.partial`, this.#path);
  }

  drop(): void {
    closeSync(this.#file);
    rmSync(`${this.#path}.partial`, { force: true });
  }
}

/**
 * Unpacks the files of a ZIP archive whose names fit, into a folder and nowhere else; gives how many there are.
 *
 * @throws {@link NESTError} for an archive that is damaged or holds none.
 */
export async function unzip(archive: string, folder: string, names: RegExp): Promise<number> {
  let [count, failure]: [number, Error | undefined] = [0, undefined];
  const open = new Set<Piecewise>();
  const unpacking = new Unzip((entry) => {
    const name = basename(entry.name);
    if (!names.test(name)) return;
    const file = new Piecewise(join(folder, name));
    open.add(file);
    entry.ondata = (error, data, final) => {
      if (error) failure ??= error;
      if (error || failure) return;
      file.write(data);
      if (!final) return;
      open.delete(file);
      file.end();
      count += 1;
    };
    entry.start();
  });
  unpacking.register(UnzipInflate);
  try {
    for await (const chunk of createReadStream(archive)) {
      unpacking.push(chunk as Uint8Array);
      if (failure) break;
    }
    if (!failure) unpacking.push(new Uint8Array(0), true);
  } catch (error) {
    failure ??= error as Error;
  }
  for (const file of open) file.drop();
  if (failure || open.size > 0 || count === 0) {
    const said = failure?.message ?? (open.size > 0 ? "ends early" : "holds no such files");
    cannotUnpack(archive, said, `an archive with files ${String(names)}`);
  }
  return count;
}

const block = 512;

/** What a header of a tar archive says: name, size and whether it is a file. */
function tarHeader(archive: string, header: Buffer): { name: string; size: number; isFile: boolean } {
  const textAt = (from: number, length: number) => {
    const bytes = header.subarray(from, from + length);
    const end = bytes.indexOf(0);
    return bytes.subarray(0, end < 0 ? length : end).toString("utf8");
  };
  const size = parseInt(textAt(124, 12).trim() || "0", 8);
  // The sum of all bytes, those of the sum itself counted as spaces.
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (sum !== parseInt(textAt(148, 8).trim(), 8) || !Number.isInteger(size)) {
    cannotUnpack(archive, "has a damaged header", "an archive of tar, packed with gzip");
  }
  const type = textAt(156, 1);
  return { name: textAt(0, 100), size, isFile: type === "" || type === "0" };
}

/**
 * Unpacks the files of a `.tar.gz` archive whose names fit, into a folder and nowhere else; gives how many there are.
 *
 * @throws {@link NESTError} for an archive that is damaged or holds none.
 */
export async function untar(archive: string, folder: string, names: RegExp): Promise<number> {
  let [rest, left, padding, count] = [Buffer.alloc(0), 0, 0, 0];
  let file: Piecewise | undefined;
  try {
    for await (const chunk of createReadStream(archive).pipe(createGunzip())) {
      let bytes = Buffer.concat([rest, chunk as Buffer]);
      while (bytes.length > 0) {
        if (left > 0) {
          const part = bytes.subarray(0, left);
          file?.write(part);
          left -= part.length;
          bytes = bytes.subarray(part.length);
          if (left > 0) break;
          file?.end();
          if (file) count += 1;
          file = undefined;
        }
        const skipped = Math.min(padding, bytes.length);
        [padding, bytes] = [padding - skipped, bytes.subarray(skipped)];
        if (padding > 0 || bytes.length < block) break;
        const header = bytes.subarray(0, block);
        bytes = bytes.subarray(block);
        // Two empty blocks end the archive.
        if (header.every((byte) => byte === 0)) continue;
        const { name, size, isFile } = tarHeader(archive, header);
        [left, padding] = [size, (block - (size % block)) % block];
        const fits = isFile && names.test(basename(name));
        if (fits) file = new Piecewise(join(folder, basename(name)));
        if (fits && size === 0) [file, count] = [void file?.end(), count + 1];
      }
      rest = Buffer.from(bytes);
    }
  } catch (error) {
    file?.drop();
    throw (error as { code?: string }).code?.startsWith("Z_")
      ? nestError({
          code: "ValueError",
          message: `${archive}: ${(error as Error).message}`,
          parameter: "dir",
          bound: "an undamaged .tar.gz archive",
        })
      : error;
  }
  file?.drop();
  if (file || count === 0)
    cannotUnpack(archive, file ? "ends early" : "holds no such files", `files ${String(names)}`);
  return count;
}

/** Fetches archives one after the other, unpacks each and deletes it. */
function unpacked(
  unpack: (archive: string, folder: string, names: RegExp) => Promise<number>,
  names: RegExp,
): PublicDataSet["fetch"] {
  return async (folder, files, options) => {
    let count = 0;
    for (const file of files) {
      const path = await download(file, folder, options);
      count += await unpack(path, folder, names);
      if (existsSync(path)) rmSync(path);
    }
    return `${many(count, "file")}`;
  };
}

const heidelberg = "https://zenkelab.org/datasets";

/** Files of the two data sets of Heidelberg. */
const heidelbergFiles = (set: string, parts: Readonly<Record<string, string>>): RemoteFile[] =>
  Object.entries(parts).map(([part, md5]) => ({
    name: `${set}_${part}.h5.zip`,
    url: `${heidelberg}/${set}_${part}.h5.zip`,
    md5,
  }));

const heidelbergByHand = (set: string) =>
  `get ${set}_train.h5.zip and its companions from https://zenkelab.org/datasets, unpack them into one folder ` +
  `(${set}_train.h5, ${set}_test.h5) and give it with --data`;

const mnistMirror = "https://ossci-datasets.s3.amazonaws.com/mnist";

/** All public data sets that can be fetched. */
export const publicDataSets: readonly PublicDataSet[] = [
  {
    name: "n-mnist",
    text: "N-MNIST (about 1.2 GB)",
    files: nMnistArchives,
    byHand: nMnistByHand,
    fetch: async (folder, files, options) => many(await fetchNMnist(folder, options, files), "recording"),
  },
  {
    name: "shd",
    text: "Spiking Heidelberg Digits (about 170 MB)",
    files: heidelbergFiles("shd", {
      train: "f3252aeb598ac776c1b526422d90eecb",
      test: "1503a5064faa34311c398fb0a1ed0a6f",
    }),
    byHand: heidelbergByHand("shd"),
    fetch: unpacked(unzip, /^shd_\w+\.h5$/),
  },
  {
    name: "ssc",
    text: "Spiking Speech Commands (about 2 GB)",
    files: heidelbergFiles("ssc", {
      train: "d102be95e7144fcc0553d1f45ba94170",
      valid: "b4eee3516a4a90dd0c71a6ac23a8ae43",
      test: "a35ff1e9cffdd02a20eb850c17c37748",
    }),
    byHand: heidelbergByHand("ssc"),
    fetch: unpacked(unzip, /^ssc_\w+\.h5$/),
  },
  {
    name: "dvs-gesture",
    text: "DVS Gesture (about 3 GB), from --source: its publisher serves it to browsers alone",
    files: [{ name: "DvsGesture.tar.gz", url: "", md5: "8a5c71fb11e24e5ca5b11866ca6c00a1" }],
    byHand:
      "get DvsGesture.tar.gz with a browser from https://ibm.ent.box.com/s/3hiq58ww1pbbjrinh367ykfdf60xsfm8, " +
      "unpack it (tar xzf DvsGesture.tar.gz) and give the folder DvsGesture with --data",
    fetch: unpacked(untar, /^[\w.-]+\.(aedat|csv|txt)$/),
  },
  {
    name: "mnist",
    text: "MNIST (about 12 MB)",
    files: Object.entries({
      "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
      "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
      "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
      "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    }).map(([name, md5]) => ({ name, url: `${mnistMirror}/${name}`, md5 })),
    byHand:
      "get train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and " +
      `t10k-labels-idx1-ubyte.gz from ${mnistMirror} or another mirror into one folder and give it with --data`,
    fetch: async (folder, files, options) => {
      for (const file of files) await download(file, folder, options);
      return `${many(files.length, "file")}`;
    },
  },
];
