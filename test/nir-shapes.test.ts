/** Graphs of NIR whose nodes do not fit, or are many. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type NIRGraph, fromNIR, readNIR } from "../ts/index.js";
import { withHDF5 } from "../ts/files/hdf5.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-nir-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a graph whose shapes do not fit", () => {
  const values = (n: number, value: number) => new Float64Array(n).fill(value);
  const lif = (n: number) => ({
    type: "LIF" as const,
    tau: values(n, 0.02),
    r: values(n, 1),
    v_leak: values(n, 0),
    v_threshold: values(n, 1),
    v_reset: values(n, 0),
  });
  const matrix = (rows: number, columns: number) => ({
    data: values(rows * columns, 0.5),
    shape: [rows, columns] as [number, number],
  });
  /** Nodes in a row, from an input of 2 to an output of 3. */
  const row = (...nodes: NIRGraph["nodes"][string][]): NIRGraph => {
    const all = [{ type: "Input" as const, shape: [2] }, ...nodes, { type: "Output" as const, shape: [3] }];
    const names = all.map(({ type }, place) => `${type}${place}`);
    return {
      nodes: Object.fromEntries(all.map((node, place) => [names[place], node])),
      edges: names.slice(1).map((name, place): [string, string] => [names[place] as string, name]),
    };
  };
  const affine = (bias: number) => ({
    type: "Affine" as const,
    weight: matrix(3, 2),
    bias: values(bias, 0.1),
  });
  const linear = (rows: number, columns: number) => ({
    type: "Linear" as const,
    weight: matrix(rows, columns),
  });
  const delay = (seconds: number) => ({ type: "Delay" as const, delay: Float64Array.of(seconds) });

  it.each([
    ["too few rows", [linear(2, 2), lif(3)], /Linear1 gives 2 values, LIF2 takes 3/],
    ["too many rows", [linear(4, 2), lif(3)], /Linear1 gives 4 values, LIF2 takes 3/],
    ["too few columns", [linear(3, 1), lif(3)], /Input0 gives 2 values, Linear1 takes 1/],
    ["no rows", [linear(0, 2), lif(3)], /Linear1 gives 0 values/],
    [
      "a scale of another length",
      [{ type: "Scale" as const, scale: values(3, 1) }, linear(3, 2), lif(3)],
      /takes 3/,
    ],
    ["a bias of another length", [affine(2), lif(3)], /2 of Affine1.*3, or 1 for all/],
    [
      "parameters of several lengths",
      [linear(3, 2), { ...lif(3), r: values(2, 1) }],
      /2 numbers for r of LIF2/,
    ],
    ["a time constant of zero", [linear(3, 2), { ...lif(3), tau: values(3, 0) }], /tau 0 of LIF2.*above 0/],
    ["a delay between steps", [linear(3, 2), delay(0.0044), lif(3)], /whole numbers of steps.*0\.0044/],
    ["a delay of the output", [linear(3, 2), lif(3), delay(0.004)], /without a delay/],
  ])("%s: is refused by its node", (_, nodes, words) => {
    expect(() => fromNIR(row(...nodes), 1)).toThrow(words);
  });

  it("values of length 1 stand for all, also of a bias and a scale", () => {
    const scale = { type: "Scale" as const, scale: Float64Array.of(2) };
    const { kernel } = fromNIR(row(scale, affine(1), lif(3)), 1);
    const neurons = kernel.GetNodes("eprop_iaf_psc_delta");
    const currents = neurons.get("I_e") as unknown as number[];
    expect(new Set(currents).size).toBe(1);
    expect(currents[0]).toBeCloseTo(0.1 / 20, 12);
    const weights = kernel.GetConnections().get("weight");
    expect(weights).toHaveLength(6);
    expect(weights[0]).toBeCloseTo(1 - Math.exp(-1 / 20), 12);
  });

  it("an edge that is there twice is refused, as by the Python package", () => {
    const graph = row({ type: "Linear", weight: matrix(3, 2) }, lif(3));
    const again = { ...graph, edges: [...graph.edges, graph.edges[0] as [string, string]] };
    expect(() => fromNIR(again, 1)).toThrow(/an edge is there twice .*Input0 to Linear1/);
  });

  it("matrices side by side are added, and thousands in a row are followed", () => {
    const nodes: Record<string, NIRGraph["nodes"][string]> = { in: { type: "Input", shape: [2] } };
    const edges: [string, string][] = [];
    let last = ["in"];
    for (let stage = 0; stage < 500; stage++) {
      const [a, b] = [`a${stage}`, `b${stage}`];
      for (const name of [a, b]) {
        nodes[name] = { type: "Linear", weight: { data: Float64Array.of(0.5, 0, 0, 0.5), shape: [2, 2] } };
        edges.push(...last.map((from): [string, string] => [from, name]));
      }
      last = [a, b];
    }
    nodes["lif"] = lif(2);
    nodes["out"] = { type: "Output", shape: [2] };
    edges.push(...last.map((from): [string, string] => [from, "lif"]), ["lif", "out"]);
    const { kernel } = fromNIR({ nodes, edges }, 1);
    // Two halves of what comes add up to it.
    const weights = kernel.GetConnections().get("weight");
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(2 * (1 - Math.exp(-1 / 20)), 12);
  });

  it("graphs within graphs end where a file is no graph any more", async () => {
    const path = join(folder, "deep.nir");
    await withHDF5("a test", ({ File }) => {
      const file = new File(path, "w");
      let group = file.create_group("node");
      for (let depth = 0; depth < 20; depth++) {
        group.create_dataset({ name: "type", data: "NIRGraph" });
        group = group.create_group("nodes").create_group("inner");
      }
      file.close();
    });
    await expect(readNIR(path)).rejects.toThrow(/too many graphs within each other.*16 deep/);
  });
});

// Only there is the room for addresses limited so.
it.runIf(process.platform === "linux")("a process without room for WebAssembly says so", () => {
  const read = `import("./dist/index.js").then(({ readNIR }) => readNIR("a.nir")).catch((error) => console.log(error.message))`;
  const { stdout, stderr } = spawnSync(
    "sh",
    ["-c", `ulimit -v 8000000; exec "$0" -e '${read}'`, process.execPath],
    {
      encoding: "utf8",
    },
  );
  expect(stdout).toMatch(/HDF5, whose WebAssembly module .*cannot be loaded: .*allocate memory.*ulimit -v/);
  expect(stderr).toBe("");
});
