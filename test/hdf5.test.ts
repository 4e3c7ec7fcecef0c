/** HDF5 files that break the library, and what is read after them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { type NIRGraph, readNIR, writeNIR } from "../ts/index.js";
import { libraryInstance } from "../ts/files/hdf5.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-hdf5-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const graph: NIRGraph = {
  edges: [
    ["in", "weights"],
    ["weights", "out"],
  ],
  nodes: {
    in: { type: "Input", shape: [2] },
    weights: {
      type: "Affine",
      weight: { data: Float64Array.of(1, 2, 3, 4), shape: [2, 2] },
      bias: Float64Array.of(0, 0),
    },
    out: { type: "Output", shape: [2] },
  },
};

it("a damaged file that was mended in place is read, and so are others", async () => {
  const [path, other] = [join(folder, "mended.nir"), join(folder, "other.nir")];
  await writeNIR(path, graph);
  await writeNIR(other, graph);
  const good = readFileSync(path);
  let broken = 0;
  // A byte in each few of all the file's parts.
  for (let at = 8; at < good.length; at += 53) {
    const damaged = Uint8Array.from(good);
    damaged[at] = 0xff - (damaged[at] as number);
    writeFileSync(path, damaged);
    const before = libraryInstance();
    await readNIR(path).catch((error: Error) => {
      expect(error.message).toContain("mended.nir");
    });
    writeFileSync(path, good);
    expect(await readNIR(path), `damaged at ${at}`).toEqual(graph);
    if (libraryInstance() > before) {
      broken += 1;
      expect(await readNIR(other)).toEqual(graph);
    }
  }
  expect(broken).toBeGreaterThan(5);
}, 120_000);

it("files that are read side by side do not suffer from a damaged one among them", async () => {
  const [path, other] = [join(folder, "damaged.nir"), join(folder, "sound.nir")];
  await writeNIR(other, graph);
  writeFileSync(path, readFileSync(other).subarray(0, 700));
  const read = await Promise.allSettled([path, other, path, other, other].map((each) => readNIR(each)));
  const sound = { status: "fulfilled", value: graph };
  const refused = expect.objectContaining({ status: "rejected" });
  expect(read).toEqual([refused, sound, refused, sound, sound]);
});
