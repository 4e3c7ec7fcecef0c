import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  Kernel,
  NESTError,
  NumpyRandom,
  Trainer,
  type TrainingResult,
  tasks,
  trainToEnd,
} from "../ts/index.js";
import { readMetrics } from "../ts/runs/metrics-file.js";
import { killedRuns } from "./kill/kill.js";
import { outcome } from "./kill/outcome.js";
import { smallTasks, writeRecordings } from "./kill/tasks.js";
import { python } from "./python/python.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-checkpoints-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const recordings = join(folder, "recordings");
writeRecordings(recordings);

/** All that must be the same to the bit. */
function exact(result: TrainingResult): unknown {
  return { ...outcome(result), iterations: result.iterations.map(({ ms: _ms, ...rest }) => rest) };
}

async function refusal(path: string): Promise<NESTError> {
  try {
    await Trainer.resume(path);
  } catch (error) {
    if (error instanceof NESTError) return error;
    throw error;
  }
  throw new Error(`${path} was not refused`);
}

describe("a training that is saved and resumed after every iteration", () => {
  for (const [name, make] of Object.entries(smallTasks)) {
    it(`ends with the same bits: ${name}`, async () => {
      const options = { threads: 2, record: true };
      const path = join(folder, `${name}.checkpoint`);
      const undisturbed = await trainToEnd(make(recordings), options);
      let trainer = new Trainer(make(recordings), options);
      for (;;) {
        const iteration = await trainer.next();
        if (iteration === undefined) break;
        if (iteration.iteration > 3 && iteration.iteration % 4 !== 0) continue;
        await trainer.save(path);
        trainer.close();
        trainer = await Trainer.resume(path, { threads: 1 });
      }
      expect(exact(trainer.result())).toEqual(exact(undisturbed));
      trainer.close();
    });
  }

  it("saves itself as often as it is told, and goes on doing so", async () => {
    const path = join(folder, "by-itself.checkpoint");
    const trainer = new Trainer(tasks.sineWaves({ iterations: 9 }), { checkpoint: { path, every: 4 } });
    for (let at = 0; at < 6; at++) await trainer.next();
    const resumed = await Trainer.resume(path);
    expect(resumed.iterations).toHaveLength(4);
    for await (const _ of resumed);
    expect((await Trainer.resume(path)).iterations).toHaveLength(8);
  });

  it("finds before the first iteration that it cannot be saved", async () => {
    const places = [join(folder, "missing", "by-itself.checkpoint"), folder];
    for (const path of places) {
      const trainer = new Trainer(tasks.sineWaves({ iterations: 9 }), { checkpoint: { path, every: 4 } });
      await expect(trainer.next()).rejects.toThrow(/cannot be written/);
      expect(trainer.iterations).toHaveLength(0);
      await trainer.close();
    }
    const nope = join(folder, "nope");
    const missing = await refusal(nope);
    expect(missing).toMatchObject({ value: nope, cause: { code: "ENOENT" } });
    expect(missing.message).toMatch(/nope cannot be read: no such file/);
    expect((await refusal(folder)).message).toMatch(
      /is a folder \(.*a checkpoint .*, such as one in that folder/,
    );
    const options = { module: nope };
    expect(() => new Trainer(tasks.sineWaves(), options)).toThrow(/nope cannot be read.*parameter module/);
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("can be saved after it was stopped in the middle of an iteration", async () => {
    const path = join(folder, "stopped.checkpoint");
    const make = () => tasks.evidenceAccumulation({ iterations: 3, validateEvery: 0, batchSize: 8 });
    const undisturbed = await trainToEnd(make());
    const stop = new AbortController();
    const trainer = new Trainer(make(), { signal: stop.signal });
    await trainer.next();
    const next = trainer.next();
    stop.abort();
    await expect(next).rejects.toThrow("aborted");
    await trainer.save(path);
    const resumed = await Trainer.resume(path);
    for await (const _ of resumed);
    expect(exact(resumed.result())).toEqual(exact(undisturbed));
  });

  it("cannot be saved while an iteration is simulated", async () => {
    const trainer = new Trainer(tasks.evidenceAccumulation({ iterations: 1 }));
    const stop = new AbortController();
    const simulation = trainer.network.kernel.SimulateAsync(1e9, { signal: stop.signal });
    await expect(trainer.save(join(folder, "busy"))).rejects.toThrow("being simulated");
    stop.abort();
    await expect(simulation).rejects.toThrow("aborted");
  });
});

describe("a kernel that is saved and loaded", () => {
  it("goes on as it was", async () => {
    const path = join(folder, "kernel");
    const kernel = new Kernel();
    kernel.set({ resolution: 1, rng_seed: 7 });
    const generator = kernel.Create("poisson_generator", 3, { rate: 300 });
    const neurons = kernel.Create("eprop_iaf_psc_delta", 5, { I_e: 3, t_ref: 2 });
    const recorder = kernel.Create("spike_recorder");
    kernel.Connect(generator, neurons, "all_to_all", { weight: 9 });
    kernel.Connect(neurons, recorder);
    kernel.Simulate(123);
    await kernel.save(path);
    const loaded = await Kernel.load(path);
    for (const each of [kernel, loaded]) {
      each.Create("eprop_iaf", 2, { tau_m: { distribution: "uniform", first: 1, second: 9 } });
      each.Simulate(200);
    }
    expect(loaded.get()).toEqual(kernel.get());
    expect(loaded.events(loaded.GetNodes("spike_recorder"))).toEqual(kernel.events(recorder));
    expect(kernel.events(recorder).senders.length).toBeGreaterThan(20);
    expect(loaded.GetNodes("eprop_iaf").get("tau_m")).toEqual(kernel.GetNodes("eprop_iaf").get("tau_m"));
  });
});

describe("a checkpoint file", async () => {
  const path = join(folder, "file.checkpoint");
  const trainer = new Trainer(tasks.sineWaves({ iterations: 4 }), { threads: 1 });
  await trainer.next();
  await trainer.save(path);
  const bytes = readFileSync(path);
  const written = (name: string, content: Uint8Array | string) => {
    const place = join(folder, name);
    writeFileSync(place, content);
    return place;
  };
  const flipped = (at: number) => {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] as number) ^ 0x10;
    return copy;
  };

  it("is refused where it is missing, foreign or of another kind", async () => {
    expect((await refusal(join(folder, "missing"))).message).toContain("missing cannot be read");
    expect((await refusal(written("text", "hello"))).message).toContain("text is not a file of eprop");
    expect((await refusal(written("empty", ""))).message).toContain("empty is not a file of eprop");
    const header = '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const foreign = Buffer.concat([length, Buffer.from(`${header}x`)]);
    expect((await refusal(written("foreign", foreign))).message).toContain("foreign is not a file of eprop");
    const kernel = join(folder, "of-a-kernel");
    await trainer.network.kernel.save(kernel);
    expect((await refusal(kernel)).message).toContain("of-a-kernel is a kernel");
  });

  it("is refused where it ends early, wherever that is", async () => {
    for (const length of [200, 4000, bytes.length >> 1, bytes.length - 1]) {
      const error = await refusal(written("short", bytes.subarray(0, length)));
      expect(error.code).toBe("ValueError");
      expect(error.message).toMatch(/short (ends early|is damaged)/);
    }
    expect((await refusal(written("long", Buffer.concat([bytes, Buffer.alloc(1)])))).message).toContain(
      "long is damaged",
    );
  });

  it("is refused where any bit of it has changed", async () => {
    const random = new NumpyRandom(1);
    const places = [...random.randint(0, bytes.length, 60)];
    for (const at of [...places, 0, 5, 8, 60, 75, 300, bytes.length - 1]) {
      const error = await refusal(written("flipped", flipped(at)));
      expect(error.message, `byte ${at}`).toMatch(/flipped (is damaged|ends early|is not a file of eprop)/);
    }
  });

  it("is refused where a newer eprop wrote it", async () => {
    const newer = Buffer.from(
      bytes.toString("latin1").replace('\\"version\\":1', '\\"version\\":2'),
      "latin1",
    );
    const at = newer.indexOf('sha256\\":\\"') + 'sha256\\":\\"'.length;
    newer.write("0".repeat(64), at);
    newer.write(createHash("sha256").update(newer).digest("hex"), at);
    const error = await refusal(written("newer", newer));
    expect(error.message).toContain("newer was written by a newer eprop");
    expect(error.value).toBe("format 2");
  });

  it("is refused where the data have changed", async () => {
    const place = join(folder, "changing");
    writeRecordings(place);
    const task = tasks.nMnist({ data: place, groupSize: 2, iterations: 2 });
    const changing = join(folder, "changing.checkpoint");
    await new Trainer(task).save(changing);
    rmSync(join(place, "Train", "0", "1.bin"));
    const error = await refusal(changing);
    expect([error.model, error.parameter]).toEqual(["n-mnist", "data"]);
  });

  it("leaves nothing beside it, and takes away what killed writers left", async () => {
    writeFileSync(`${path}.partial-999999999`, "x");
    await trainer.save(path);
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("is read by Python", () => {
    const script = `
import hashlib, json, sys
from safetensors import safe_open
from safetensors.numpy import load_file
path = sys.argv[1]
arrays = load_file(path)
metadata = json.loads(safe_open(path, "numpy").metadata()["eprop"])
content = open(path, "rb").read()
zeroed = content.replace(metadata["sha256"].encode(), b"0" * 64, 1)
print(json.dumps({
    "format": metadata["format"],
    "version": metadata["version"],
    "task": metadata["details"]["task"],
    "checksum": hashlib.sha256(zeroed).hexdigest() == metadata["sha256"],
    "loss": arrays["iterations.loss"].tolist(),
    "weight": arrays["kernel.network.projections.0.weights"].tolist()[:5],
    "shape": arrays["before.rec_rec"].shape,
}))`;
    const read = JSON.parse(python(["-c", script, path])) as Record<string, unknown>;
    const { kernel, inputs } = trainer.network;
    expect(read).toEqual({
      format: "checkpoint",
      version: 1,
      task: "sine-waves",
      checksum: true,
      loss: trainer.iterations.map(({ loss }) => loss),
      weight: [...kernel.GetConnections(inputs.at(0)).get("weight")].slice(0, 5),
      shape: [100, 100],
    });
  });

  it("stays whole on a full disk", () => {
    const disk = mkdtempSync(join(tmpdir(), "eprop-disk-"));
    try {
      const script =
        'mount -t tmpfs -o size=4m tmpfs "$1" && exec "$2" dist-test/test/kill/full-disk.js "$1"';
      const { stdout, stderr } = spawnSync(
        "unshare",
        ["--map-root-user", "--mount", "sh", "-c", script, "sh", disk, process.execPath],
        { encoding: "utf8" },
      );
      expect(stderr).toBe("");
      const left = JSON.parse(stdout) as Record<string, unknown>;
      expect(left).toMatchObject({
        refused: { code: "ValueError", value: join(disk, "checkpoint") },
        files: ["checkpoint", "filler"],
        kept: true,
        same: true,
      });
    } finally {
      rmSync(disk, { recursive: true, force: true });
    }
  });
});

describe("eprop train --resume", () => {
  const eprop = (args: readonly string[]) =>
    spawnSync(process.execPath, ["dist/cli/bin.js", "train", ...args]);
  const options = [
    "--batch-size",
    "4",
    "--iterations",
    "12",
    "--validate-every",
    "7",
    "--test-iterations",
    "1",
  ];

  it("leaves the run folder that an undisturbed run leaves", async () => {
    const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];
    const run = ["evidence-accumulation", ...options, "--checkpoint-every", "3", "--quiet", "--out"];
    expect(eprop([...run, whole]).status).toBe(0);
    const started = spawn(process.execPath, ["dist/cli/bin.js", "train", ...run, killed], {
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => started.once("close", (_code, signal) => resolve(signal)));
    const checkpoint = join(killed, "checkpoint.safetensors");
    while (!existsSync(checkpoint)) await new Promise((resolve) => setTimeout(resolve, 2));
    started.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
    expect(existsSync(join(killed, "run.json"))).toBe(false);
    expect(String(eprop(["--resume", checkpoint, "--seed", "3"]).stderr)).toContain("takes no --seed");
    expect(String(eprop(["--resume", checkpoint, "--quiet"]).stderr)).toBe("");
    expect(readdirSync(killed)).toEqual(readdirSync(whole));
    for (const file of ["weights.npz", "events.npz", "network.safetensors"]) {
      expect(readFileSync(join(killed, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
    }
    const metrics = (place: string) =>
      readMetrics(join(place, "metrics.jsonl")).map((line) => ({ ...line, ms: 0 }));
    expect(metrics(killed)).toEqual(metrics(whole));
    expect(metrics(whole).length).toBeGreaterThan(12);
    expect(String(eprop(["--resume", checkpoint]).stderr)).toContain("is over after 12 training iterations");
    expect(String(eprop(["sine-waves", "--checkpoint-every", "1"]).stderr)).toContain("there is none");
  }, 180_000);
});

describe("trainings ended at random moments", () => {
  it.each(["SIGKILL", "SIGTERM"] as const)(
    "by %s end with the same bits once they are resumed",
    async (signal) => {
      const random = new NumpyRandom(2);
      let kills = 0;
      for await (const run of killedRuns(3, () => random.random(1)[0] as number, signal)) {
        expect(run.same, run.task).toBe(true);
        kills += run.kills;
      }
      expect(kills).toBeGreaterThan(2);
    },
    120_000,
  );
});
