import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PublicDataSet, publicDataSets, untar, unzip } from "../ts/data/public-data-sets.js";
import { python } from "./python/python.js";
import { download } from "../ts/data/download.js";
import { encodeRecording } from "../ts/data/event-recording.js";
import { movingDigit } from "../ts/data/moving-digits.js";
import { fetchNMnist, unpackRecordings } from "../ts/data/n-mnist.js";
import { openRecordings } from "../ts/data/recordings.js";
import { atOnce } from "../ts/core/event-loop.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-download-"));
const content = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");

function archive(split: string): Uint8Array {
  const files: Record<string, Uint8Array> = {
    "../escaped.bin": Uint8Array.of(1),
    [`${split}/notes.txt`]: Uint8Array.of(2),
  };
  for (let digit = 0; digit < 10; digit++)
    files[`${split}/${digit}/0.bin`] = encodeRecording(movingDigit(digit, 5));
  return zipSync(files);
}
const served: Record<string, Uint8Array> = {
  "/file": content,
  "/Train.zip": archive("Train"),
  "/Test.zip": archive("Test"),
};

let server: Server;
let origin = "";
const ranges: (string | undefined)[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    const bytes = served[request.url ?? ""];
    ranges.push(request.headers.range);
    if (bytes === undefined) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from >= bytes.length) response.writeHead(416).end();
    else
      response
        .writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length - from })
        .end(bytes.subarray(from));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("downloads", () => {
  const file = () => ({ name: "file", url: `${origin}/file`, md5: md5(content) });
  it("go on where they ended, and keep what is right", async () => {
    writeFileSync(join(folder, "file.partial"), content.subarray(0, 40_000));
    const path = await download(file(), folder);
    expect(ranges.at(-1)).toBe("bytes=40000-");
    expect(readFileSync(path).equals(content)).toBe(true);
    const asked = ranges.length;
    await download(file(), folder);
    expect(ranges).toHaveLength(asked);
  });
  it("refuse a wrong checksum and leave nothing behind", async () => {
    await expect(download({ ...file(), name: "wrong", md5: "0" }, folder)).rejects.toThrow(/checksum/);
    expect(readdirSync(folder).filter((name) => name.startsWith("wrong"))).toEqual([]);
  });
  it("say what the server answered, or that there is none", async () => {
    await expect(download({ ...file(), name: "a", url: `${origin}/nothing` }, folder)).rejects.toThrow(
      /answered 404/,
    );
    await expect(download({ ...file(), name: "b", url: "http://127.0.0.1:1/" }, folder)).rejects.toThrow(
      /cannot be fetched/,
    );
  });
});

describe("a public data set", () => {
  const set = (name: string) => publicDataSets.find((one) => one.name === name) as PublicDataSet;
  /** The files of a data set as this server has them, with their checksums. */
  const here = (name: string, contents: Record<string, Uint8Array>) => {
    Object.assign(
      served,
      Object.fromEntries(Object.entries(contents).map(([file, bytes]) => [`/${file}`, bytes])),
    );
    return set(name).files.map(({ name: file }) => {
      const bytes = contents[file] as Uint8Array;
      return { name: file, url: `${origin}/${file}`, md5: md5(bytes) };
    });
  };

  it("is unpacked into its folder: SHD", async () => {
    const target = join(folder, "shd");
    const h5 = randomBytes(70_000);
    const files = here("shd", {
      "shd_train.h5.zip": zipSync({ "shd_train.h5": h5, "../shd_escaped.txt": content }),
      "shd_test.h5.zip": zipSync({ "folder/shd_test.h5": h5.subarray(0, 1000) }),
    });
    expect(await set("shd").fetch(target, files, {})).toBe("2 files");
    expect(readdirSync(target).toSorted()).toEqual(["shd_test.h5", "shd_train.h5"]);
    expect(readFileSync(join(target, "shd_train.h5")).equals(h5)).toBe(true);
  });
  it("is unpacked into its folder: DVS Gesture, as Python packs it", async () => {
    const packed = join(folder, "DvsGesture.tar.gz");
    const script = `
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w:gz") as archive:
    for name, size in (("DvsGesture/user01_led.aedat", 300000), ("DvsGesture/user01_led_labels.csv", 512),
                       ("DvsGesture/trials_to_train.txt", 0), ("../outside.exe", 10), ("DvsGesture/a.txt", 513)):
        info = tarfile.TarInfo(name)
        info.size = size
        archive.addfile(info, io.BytesIO(bytes(at % 251 for at in range(size))))
`;
    python(["-c", script, packed]);
    const target = join(folder, "gestures");
    const files = here("dvs-gesture", { "DvsGesture.tar.gz": readFileSync(packed) });
    expect(await set("dvs-gesture").fetch(target, files, {})).toBe("4 files");
    expect(readdirSync(target).toSorted()).toEqual([
      "a.txt",
      "trials_to_train.txt",
      "user01_led.aedat",
      "user01_led_labels.csv",
    ]);
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
    expect(readFileSync(join(target, "user01_led.aedat")).equals(bytes)).toBe(true);
    const broken = join(folder, "broken.tar.gz");
    writeFileSync(broken, readFileSync(packed).subarray(0, 800));
    await expect(untar(broken, target, /./)).rejects.toThrow(/broken\.tar\.gz/);
    await expect(unzip(packed, target, /./)).rejects.toThrow(/DvsGesture\.tar\.gz/);
    expect(readdirSync(target)).toHaveLength(4);
  });
  it("is kept as it is: MNIST", async () => {
    const target = join(folder, "mnist");
    const contents = Object.fromEntries(
      set("mnist").files.map(({ name }, at) => [name, randomBytes(1000 + at)]),
    );
    await set("mnist").fetch(target, here("mnist", contents), {});
    expect(readdirSync(target)).toHaveLength(4);
  });
  it("says in plain words what to do where it cannot be fetched", () => {
    const command = (...args: string[]) => {
      const { status, stderr } = spawnSync(process.execPath, ["dist/cli/bin.js", "data", ...args], {
        encoding: "utf8",
      });
      return { status, stderr };
    };
    const refused = command("shd", "--dir", join(folder, "none"), "--source", "http://127.0.0.1:1/");
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/shd_train\.h5\.zip: cannot be fetched/);
    expect(refused.stderr).toMatch(/By hand: get shd_train\.h5\.zip .*--data/);
    expect(command("dvs-gesture", "--dir", join(folder, "none"))).toEqual({
      status: 1,
      stderr: expect.stringMatching(/without --source\.\nBy hand: .*tar xzf/) as string,
    });
  });
});

describe("N-MNIST", () => {
  it("is fetched and unpacked, nothing outside its folder", async () => {
    const target = join(folder, "n-mnist");
    const archives = ["Train.zip", "Test.zip"].map((name) => {
      const bytes = served[`/${name}`] as Uint8Array;
      return { name, url: `${origin}/${name}`, md5: md5(bytes) };
    });
    expect(await fetchNMnist(target, {}, archives)).toBe(20);
    expect(readdirSync(target).toSorted()).toEqual(["Test", "Train"]);
    expect(await atOnce(openRecordings(target)).test.recording(4)).toEqual(movingDigit(4, 5));
    expect(readdirSync(folder)).not.toContain("escaped.bin");
  });
  it("refuses what is no archive", async () => {
    const path = join(folder, "no.zip");
    writeFileSync(path, "text");
    await expect(unpackRecordings(path, folder)).rejects.toThrow(/no.zip/);
  });
});
