import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "./fuzz/fast-check.js";
import { afterAll, describe, expect, it } from "vitest";
import { Kernel, tasks, trainToEnd } from "../ts/index.js";
import { jsonLines } from "../ts/formats/json-lines.js";
import { fixed, nestFileName, nestHeader, nestRows } from "../ts/formats/nest-ascii.js";
import type { NumberArray } from "../ts/formats/npz.js";
import { crc32c, eventFile } from "../ts/formats/tensorboard.js";
import { writeExports } from "../ts/runs/export.js";
import { MetricsFile } from "../ts/runs/metrics-file.js";
import { lossTable, readRunFolder, runData } from "../ts/runs/run-folder.js";
import { runSummary } from "../ts/runs/summary.js";
import { python } from "./python/python.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-export-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function described({ data, shape = [data.length] }: NumberArray) {
  const type = data instanceof Float64Array ? "float64" : "uint32";
  return { dtype: type, shape: [...shape], sha256: createHash("sha256").update(data).digest("hex") };
}

const describedAll = (arrays: Readonly<Record<string, NumberArray>>) =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, described(array)]));

describe("a run's events and weights", () => {
  it("are read by NumPy and pandas, the same from every format", async () => {
    const out = join(folder, "evidence");
    const task = tasks.evidenceAccumulation({ iterations: 2, batchSize: 2, testIterations: 1 });
    mkdirSync(out);
    const file = new MetricsFile(join(out, "metrics.jsonl"));
    const result = await trainToEnd(task, {
      record: true,
      onIteration: (iteration) => file.append(iteration),
    });
    file.close();
    // A run folder without its report.
    writeFileSync(join(out, "losses.csv"), lossTable(result));
    writeFileSync(join(out, "run.json"), JSON.stringify(runSummary(result)));
    await writeExports(out, runData(result), ["npz", "parquet", "jsonl", "ascii"]);
    const seen = JSON.parse(python(["test/python/read_run.py", out])) as {
      events: unknown;
      weights: unknown;
      metrics: { iteration: number; loss: number; phase: string }[];
    };
    const { events, weights } = readRunFolder(out);
    expect(seen.events).toEqual(describedAll(events));
    expect(seen.weights).toEqual(describedAll(weights));
    expect(seen.metrics.map(({ phase }) => phase)).toEqual(result.iterations.map(({ phase }) => phase));
    result.iterations.forEach(({ loss }, at) => expect(seen.metrics[at]?.loss).toBeCloseTo(loss, 9));
  });
  it("are read by the lines of the documentation", () => {
    const text = readFileSync("docs/recordings.md", "utf8");
    const code = /```python\n([^]*?)```/.exec(text)?.[1] ?? "";
    expect(code.split("\n").filter((line) => line.includes("runs/evidence"))).toHaveLength(5);
    python(["-c", code.replaceAll("runs/evidence", join(folder, "evidence"))]);
  });
  it("are exported from a run folder, and unknown formats are refused before anything is done", () => {
    const eprop = (...args: string[]) =>
      spawnSync(process.execPath, ["dist/cli/main.js", ...args], { encoding: "utf8" });
    const to = join(folder, "exported");
    const exported = eprop("export", join(folder, "evidence"), "--format", "parquet,npz", "--to", to);
    expect(exported.stderr).toBe("");
    expect(readdirSync(to).toSorted()).toEqual(["events", "events.npz", "weights.npz", "weights.parquet"]);
    expect(exported.stdout.split("\n")).toContain(join(to, "events", "readouts.parquet"));
    expect(readFileSync(join(to, "events.npz"))).toEqual(
      readFileSync(join(folder, "evidence", "events.npz")),
    );
    const refused = join(folder, "refused");
    const { status, stderr } = eprop("train", "sine-waves", "--format", "npz,hdf5", "--out", refused);
    expect(status).toBe(1);
    expect(stderr).toMatch(/no format hdf5.*npz, parquet, jsonl, ascii, tensorboard/);
    expect(readdirSync(folder)).not.toContain("refused");
  });
});

describe("JSON lines", () => {
  it("give numbers back as they were", () => {
    const same = fc.property(fc.float64Array(), (values) => {
      const lines = [...jsonLines({ values })].join("").split("\n").slice(0, -1);
      const read = lines.map((line) => (JSON.parse(line) as { values: number | null }).values);
      expect(read).toEqual(Array.from(values, (value) => (Number.isFinite(value) ? value + 0 : null)));
    });
    fc.assert(same, { numRuns: 50 });
  });
});

describe("TensorBoard's event files", () => {
  /** Fields of a message of protocol buffers: number, type and value, as their encoding has them. */
  function* fieldsOf(bytes: Buffer): Generator<[number: number, value: Buffer | bigint]> {
    let at = 0;
    const varint = () => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = bytes[at++] as number;
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    };
    while (at < bytes.length) {
      const key = Number(varint());
      const type = key & 7;
      const length = type === 1 ? 8 : type === 5 ? 4 : type === 2 ? Number(varint()) : undefined;
      yield [key >> 3, length === undefined ? varint() : bytes.subarray(at, (at += length))];
    }
  }
  const part = (bytes: Buffer, wanted: number) =>
    [...fieldsOf(bytes)].filter(([number]) => number === wanted).map(([, value]) => value);
  const bytesOf = (bytes: Buffer, wanted: number) => part(bytes, wanted) as Buffer[];

  it("have the checksum of the standard", () => {
    // RFC 3720, B.4, and the check value of CRC-32C.
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  });
  it("hold what they were given, in records", () => {
    const steps = [
      { step: 1, time: 1.5, values: { loss: 0.25, rate: 3 } },
      { step: 300, time: 2.5, values: { loss: -1e-3 } },
    ];
    const file = Buffer.concat([...eventFile(steps)]);
    const events: Buffer[] = [];
    for (let at = 0; at < file.length;) {
      const length = Number(file.readBigUInt64LE(at));
      events.push(file.subarray(at + 12, at + 12 + length));
      at += 16 + length;
    }
    expect(bytesOf(events[0] as Buffer, 3).map(String)).toEqual(["brain.Event:2"]);
    const read = events.slice(1).map((event) => ({
      step: Number(part(event, 2)[0]),
      time: bytesOf(event, 1)[0]?.readDoubleLE(),
      values: Object.fromEntries(
        bytesOf(bytesOf(event, 5)[0] as Buffer, 1).map((value) => [
          String(bytesOf(value, 1)[0]),
          bytesOf(value, 2)[0]?.readFloatLE(),
        ]),
      ),
    }));
    const single = (value: number) => new Float32Array([value])[0];
    expect(read).toEqual([steps[0], { ...steps[1], values: { loss: single(-1e-3) } }]);
  });
  it("tell of every iteration of a run, by phase", () => {
    const to = join(folder, "board");
    const run = readRunFolder(join(folder, "evidence"));
    return writeExports(to, run, ["tensorboard"]).then(([path = ""]) => {
      expect(path).toMatch(/tensorboard\/events\.out\.tfevents\.\d{10}\.eprop$/);
      const text = readFileSync(path, "latin1");
      const { label = [] } = run.summary.results ?? {};
      for (const phase of new Set(label)) {
        expect(text.split(`loss/${phase}`)).toHaveLength(1 + label.filter((one) => one === phase).length);
      }
    });
  });
});

describe("the ascii recording backend", () => {
  it("writes numbers as C++ does", () => {
    const numbers = [
      0, -0, 0.0625, 0.1875, -0.0625, 2.5, 1.0005, 1e-4, -1e-4, 123456.7891, 1e22, 0.0005, 2.71,
    ];
    const values = fc.sample(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), 200);
    const ties = Array.from({ length: 64 }, (_, at) => at / 16);
    const all = [...numbers, ...values, ...ties];
    // Python formats as C does.
    const code = "import json, sys; print(json.dumps(['%.3f' % float(v) for v in json.load(sys.stdin)]))";
    const texts = all.map((value) => (Object.is(value, -0) ? "-0.0" : String(value)));
    const { stdout } = spawnSync("python3", ["-c", code], { input: JSON.stringify(texts), encoding: "utf8" });
    expect(all.map((value) => fixed(value, 3))).toEqual(JSON.parse(stdout));
    expect([Number.NaN, Infinity, -Infinity].map((value) => fixed(value, 3))).toEqual(["nan", "inf", "-inf"]);
  });
  it("has NEST's names, header and columns", () => {
    expect(nestFileName("multimeter", { id: 7, nodes: 1204 })).toBe("multimeter-0007-0.dat");
    const table = {
      times: Float64Array.of(1, 2),
      senders: Uint32Array.of(3, 4),
      targets: Uint32Array.of(5, 6),
      weights: Float64Array.of(0.25, -1),
    };
    expect(nestHeader(table)).toMatch(
      /^# NEST version: \d+\.\d+\.\d+.*\n# RecordingBackendASCII version: 2\nsender\ttime_ms\tweights\ttargets\n$/,
    );
    expect([...nestRows(table)].join("")).toBe("3\t1.000\t0.250\t5\n4\t2.000\t-1.000\t6\n");
  });

  /** A network that fires, with a recorder of spikes and one of voltages. */
  function network(record_to: "memory" | "ascii", data_path = "") {
    const kernel = new Kernel();
    kernel.set({ resolution: 1, data_path, data_prefix: "run-", rng_seed: 3 });
    const input = kernel.Create("spike_generator", 1, {
      spike_times: [2, 4, 5, 6, 7, 9, 12, 13, 14, 21, 22, 23],
    });
    const parrot = kernel.Create("parrot_neuron", 1);
    const neurons = kernel.Create("eprop_iaf", 3, { V_th: -69.5 });
    kernel.Connect(input, parrot);
    kernel.Connect(parrot, neurons, "all_to_all", { weight: 900 });
    const spikes = kernel.Create("spike_recorder", 1, { record_to });
    const meter = kernel.Create("multimeter", 1, {
      record_to,
      record_from: ["V_m", "surrogate_gradient"],
      label: "voltage",
      precision: 6,
      interval: 1,
    });
    kernel.Connect(neurons, spikes);
    kernel.Connect(meter, neurons);
    return { kernel, spikes, meter };
  }

  it("writes what recorders in memory hold, through successive simulations", async () => {
    const files = network("ascii", folder);
    const memory = network("memory");
    for (const { kernel } of [files, memory]) {
      kernel.Simulate(10);
      await kernel.SimulateAsync(20);
    }
    expect(files.spikes.get("filenames")).toEqual([join(folder, "run-spike_recorder-6-0.dat")]);
    expect(files.meter.get("filenames")).toEqual([join(folder, "run-voltage-7-0.dat")]);
    expect(files.spikes.get("events").senders).toHaveLength(0);
    const code = `import json, sys, pandas as pd
tables = [pd.read_csv(path, sep="\\t", comment="#") for path in sys.argv[1:]]
print(json.dumps([[list(table.columns), table.T.values.tolist()] for table in tables]))`;
    const names = [files.spikes, files.meter].flatMap((recorder) => recorder.get("filenames") as string[]);
    const [spikes, states] = JSON.parse(python(["-c", code, ...names])) as [string[], number[][]][];
    const { senders, times } = memory.spikes.get("events");
    expect(senders.length).toBeGreaterThan(3);
    expect(spikes).toEqual([
      ["sender", "time_ms"],
      [[...senders], [...(times ?? [])]],
    ]);
    const { V_m, surrogate_gradient, ...rest } = memory.meter.get("events");
    expect(states?.[0]).toEqual(["sender", "time_ms", "V_m", "surrogate_gradient"]);
    expect(states?.[1].slice(0, 2)).toEqual([[...rest.senders], [...(rest.times ?? [])]]);
    [V_m, surrogate_gradient].forEach((column, at) =>
      column?.forEach((value, row) => expect(states?.[1][at + 2]?.[row]).toBeCloseTo(value, 5)),
    );
  });
  it("does not write over files unless told to", () => {
    const again = network("ascii", folder);
    expect(() => again.kernel.Simulate(5)).toThrow(/run-spike_recorder-6-0.dat.*EEXIST.*overwrite_files/);
    expect(again.kernel.get("biological_time")).toBe(0);
    again.kernel.set({ overwrite_files: true });
    again.kernel.Simulate(5);
    const [name = ""] = again.meter.get("filenames") as string[];
    expect(readFileSync(name, "utf8").trimEnd().split("\n")).toHaveLength(3 + 3 * 4);
    expect(() => network("ascii", join(folder, "nowhere")).kernel.Simulate(5)).toThrow(/ENOENT/);
  });
  it("gives times in steps and offsets if asked to", () => {
    const { kernel, spikes } = network("ascii", folder);
    kernel.set({ data_prefix: "steps-" });
    spikes.set({ time_in_steps: true, file_extension: "txt" });
    kernel.Simulate(20);
    const [name = ""] = spikes.get("filenames") as string[];
    expect(name.endsWith("steps-spike_recorder-6-0.txt")).toBe(true);
    const [, , header, first] = readFileSync(name, "utf8").split("\n");
    expect(header).toBe("sender\ttime_step\ttime_offset");
    expect(first).toMatch(/^\d+\t\d+\t0\.000$/);
  });
});
