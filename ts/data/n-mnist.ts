import { createReadStream, existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Unzip, UnzipInflate } from "fflate";
import { nestError } from "../core/errors.js";
import { type DownloadOptions, type RemoteFile, download } from "./download.js";
import { makeFolders } from "../files/write-whole.js";

const files = "https://data.mendeley.com/public-files/datasets/468j46mzdv/files";

/** The public data set (Orchard et al. 2015): two archives. */
export const nMnistArchives: readonly RemoteFile[] = [
  {
    name: "Train.zip",
    url: `${files}/39c25547-014b-4137-a934-9d29fa53c7a0/file_downloaded`,
    md5: "20959b8e626244a1b502305a9e6e2031",
  },
  {
    name: "Test.zip",
    url: `${files}/05a4d654-7e03-4c15-bdfa-9bb2bcbea494/file_downloaded`,
    md5: "69ca8762b2fe404d9b9bad1103e97832",
  },
];

/** Where to get the data set by hand. */
export const nMnistByHand =
  "get Train.zip and Test.zip from https://www.garrickorchard.com/datasets/n-mnist or " +
  "https://data.mendeley.com/datasets/468j46mzdv, unpack both into one folder and give it with --data";

/** Unpacks the recordings of an archive into a folder; returns how many there are. */
export async function unpackRecordings(archive: string, folder: string): Promise<number> {
  let count = 0;
  let failure: Error | undefined;
  const unzip = new Unzip((entry) => {
    // Nothing but recordings, and nothing outside the folder.
    if (!/^(Train|Test)\/\d\/[\w-]+\.bin$/.test(entry.name)) return;
    const parts: Uint8Array[] = [];
    entry.ondata = (error, data, final) => {
      if (error) failure = error;
      else parts.push(data);
      if (error || !final) return;
      const path = join(folder, entry.name);
      makeFolders(dirname(path));
      writeFileSync(path, Buffer.concat(parts));
      count++;
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  for await (const chunk of createReadStream(archive)) {
    unzip.push(chunk as Uint8Array);
    if (failure) break;
  }
  if (!failure) unzip.push(new Uint8Array(0), true);
  if (failure || count === 0) {
    throw nestError({
      code: "ValueError",
      message: `${archive}: ${failure?.message ?? "holds no recordings"}`,
      parameter: "dir",
      bound: "an archive with Train/<digit>/*.bin or Test/<digit>/*.bin",
    });
  }
  return count;
}

/**
 * Fetches the public N-MNIST data set into a folder and unpacks it; goes on where an earlier try ended.
 *
 * @throws {@link NESTError} that says where to get it by hand.
 */
export async function fetchNMnist(
  folder: string,
  options: DownloadOptions = {},
  archives: readonly RemoteFile[] = nMnistArchives,
): Promise<number> {
  let count = 0;
  for (const archive of archives) {
    const path = await download(archive, folder, options);
    count += await unpackRecordings(path, folder);
    if (existsSync(path)) rmSync(path);
  }
  return count;
}
