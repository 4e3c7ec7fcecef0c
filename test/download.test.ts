import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
