/** Trainings that begin with the weights and connections of a saved network. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { Kernel, Network, Trainer, type TrainingResult, tasks, trainToEnd } from "../ts/index.js";
import type { RunSummary } from "../ts/runs/summary.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-init-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const waves = (iterations: number, parameters: Record<string, number | string> = {}, seed = 1) =>
  tasks.sineWaves({ iterations, seed, parameters: { n_rec: 20, ...parameters } });

const losses = ({ iterations }: TrainingResult) => iterations.map(({ loss }) => loss);

it("begins with all weights of the network of a run, or of a checkpoint", async () => {
  const path = join(folder, "first.network");
  const checkpoint = join(folder, "first.checkpoint");
  const trainer = new Trainer(waves(3));
  for await (const _ of trainer);
  await trainer.save(checkpoint);
  const first = trainer.result();
  await first.network.save(path);
  await trainer.close();
  for (const file of [path, checkpoint]) {
    const second = await trainToEnd(waves(2, { eta: 0 }), { init: { path: file } });
    expect(second.weights.before).toEqual(first.weights.after);
    expect(second.weights.after).toEqual(first.weights.after);
    expect(second.settings.init).toMatchObject({
      path: file,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    // Feedback, too, and from the very first step: it answers as that network does.
    const feedback = ["out_rec", "in_rec"].map((name) => second.network.weights(name));
    expect(feedback).toEqual(["out_rec", "in_rec"].map((name) => first.network.weights(name)));
  }
  const whole = await trainToEnd(waves(4, { eta: 0 }), { init: { path } });
  expect(whole.iterations[0]?.loss).not.toBe(losses(await trainToEnd(waves(1)))[0]);
});

it("takes over connections that were rewired", async () => {
  const rewired = { rewiring: "prune", rewiring_threshold: 0.3, eta: 1e-2 };
  const first = await trainToEnd(waves(3, rewired));
  const held = first.network.weights("rec_rec");
  const kept = [...(held.mask ?? [])].reduce((sum, is) => sum + is, 0);
  expect(kept).toBeGreaterThan(10);
  expect(kept).toBeLessThan(20 * 19);
  const path = join(folder, "rewired.network");
  await first.network.save(path);
  const second = await trainToEnd(waves(1, { eta: 0 }), { init: { path } });
  expect(second.network.weights("rec_rec")).toEqual(held);
});

it("takes some projections, and leaves the others as the task has them", async () => {
  const path = join(folder, "some.network");
  const first = await trainToEnd(waves(3));
  await first.network.save(path);
  const projections = ["in_rec", "rec_rec"];
  const second = await trainToEnd(waves(1, { eta: 0 }, 2), { init: { path, projections } });
  const own = await trainToEnd(waves(1, { eta: 0 }, 2));
  expect(second.weights.before.rec_rec).toEqual(first.weights.after.rec_rec);
  expect(second.weights.before.in_rec).toEqual(first.weights.after.in_rec);
  expect(second.weights.before.rec_out).toEqual(own.weights.before.rec_out);
  expect(second.weights.before.rec_out).not.toEqual(first.weights.after.rec_out);
});

it("goes on from a checkpoint without the file, to the bit, and still says where it began", async () => {
  const [path, checkpoint] = [join(folder, "gone.network"), join(folder, "gone.checkpoint")];
  await (await trainToEnd(waves(2))).network.save(path);
  const whole = await trainToEnd(waves(5), { init: { path } });
  const trainer = new Trainer(waves(5), { init: { path } });
  await trainer.next();
  await trainer.next();
  await trainer.save(checkpoint);
  await trainer.close();
  rmSync(path);
  const resumed = await Trainer.resume(checkpoint);
  for await (const _ of resumed);
  const result = resumed.result();
  await resumed.close();
  expect(losses(result)).toEqual(losses(whole));
  expect(result.weights).toEqual(whole.weights);
  expect(result.settings.init).toEqual(whole.settings.init);
});

it("names projections and shapes that do not fit, before anything is simulated", async () => {
  const path = join(folder, "shapes.network");
  await (await trainToEnd(waves(1))).network.save(path);
  const begun = (task: Parameters<typeof trainToEnd>[0], projections?: string[]) =>
    trainToEnd(task, { init: { path, ...(projections && { projections }) } });
  await expect(begun(waves(1, { n_rec: 30 }))).rejects.toMatchObject({
    parameter: "options.init",
    message: expect.stringMatching(/in_rec from 100 to 20 nodes.*from 100 to 30/) as string,
  });
  await expect(begun(waves(1), ["rec_all"])).rejects.toThrow(/no projection rec_all.*in_rec, rec_rec/);
  const layered = tasks.storeRecall({ iterations: 1, batchSize: 2, parameters: { layers: 2, n_rec: 20 } });
  await expect(begun(layered)).rejects.toThrow(/has no projection .*in_rec, rec_rec, rec_out, out_rec/);
  // What nobody named cannot be found.
  const kernel = new Kernel();
  kernel.Create("eprop_iaf_bsshslm_2020", 2);
  const nameless = join(folder, "nameless.network");
  await Network.of(kernel).save(nameless);
  await expect(trainToEnd(waves(1), { init: { path: nameless } })).rejects.toThrow(
    /does not name its projections/,
  );
  await expect(trainToEnd(waves(1), { init: { path: join(folder, "none") } })).rejects.toThrow(
    /none cannot be read/,
  );
  expect(() => new Trainer(waves(1), { init: {} as never })).toThrow("init.path");
  const address = new URL("file:///first.network");
  expect(() => new Trainer(waves(1), { init: { path: address } as never })).toThrow("value a URL");
  await expect(begun(waves(1), [])).rejects.toThrow("options.init.projections names none");
  await expect(begun(waves(1), [""])).rejects.toThrow("a name of options.init.projections is empty");
  const trainer = new Trainer(waves(1), { init: { path } });
  expect(() => trainer.network).toThrow("read with its first iteration");
  await trainer.next();
  expect(trainer.network.recurrent.length).toBe(20);
  await trainer.close();
});

it("refuses names that do not fit a kernel", () => {
  const kernel = new Kernel();
  kernel.Create("eprop_iaf_bsshslm_2020", 2);
  const rec = { name: "rec", kind: "recurrent", model: "eprop_iaf_bsshslm_2020", n: 2, first: 1 } as const;
  const all = { name: "all", kind: "plastic", from: ["rec"], to: ["out"] } as const;
  expect(() => Network.of(kernel, { populations: [{ ...rec, first: 2 }], projections: [] })).toThrow("rec");
  expect(() => Network.of(kernel, { populations: [rec], projections: [all] })).toThrow("all");
  expect(() => Network.of(kernel).weights("all")).toThrow('no projection "all"');
});

function eprop(...args: string[]) {
  const { status, stderr } = spawnSync(process.execPath, ["dist/cli/main.js", ...args], { encoding: "utf8" });
  return { status, stderr };
}

it("says the digest of the very bytes that it read", async () => {
  const path = join(folder, "overwritten.network");
  const [first, second] = await Promise.all([1, 2].map((seed) => trainToEnd(waves(1, {}, seed))));
  await second?.network.save(path);
  const other = readFileSync(path);
  await first?.network.save(path);
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  const read = vi.spyOn(Network, "read").mockImplementationOnce(async (file) => {
    const held = await Network.read(file);
    writeFileSync(path, other);
    return held;
  });
  const begun = await trainToEnd(waves(1), { init: { path } });
  read.mockRestore();
  expect(begun.weights.before).toEqual(first?.weights.after);
  expect(begun.settings.init?.sha256).toBe(sha256);
});

it("refuses weights that would keep signs that are not the task's", async () => {
  const path = join(folder, "signs.network");
  await (await trainToEnd(waves(1))).network.save(path);
  const init = { path };
  const refused = {
    parameter: "options.init",
    message: expect.stringMatching(/another sign than the task's/),
  };
  await expect(trainToEnd(waves(1, { exc_fraction: 0.8 }), { init })).rejects.toMatchObject(refused);
  const own = join(folder, "own-signs.network");
  const signed = await trainToEnd(waves(1, { exc_fraction: 0.8 }));
  await signed.network.save(own);
  const again = await trainToEnd(waves(1, { exc_fraction: 0.8 }), { init: { path: own } });
  expect(again.weights.before).toEqual(signed.weights.after);
});

it("goes on with connections that were rewired and keep the signs of their sources", async () => {
  const rewired = { exc_fraction: 0.8, connectivity: 0.3, rewiring: "deep_r", rewiring_l1: 1 };
  const path = join(folder, "rewired.network");
  const first = await trainToEnd(waves(3, rewired));
  const places = ({ before, after }: typeof first.weights) =>
    [before, after].map(({ in_rec }) => in_rec.data.map((weight) => Math.sign(weight)).join());
  expect(new Set(places(first.weights)).size).toBe(2);
  await first.network.save(path);
  const again = await trainToEnd(waves(1, rewired), { init: { path } });
  expect(again.weights.before).toEqual(first.weights.after);
  // Neurons that are excitatory there are not all so here.
  const other = trainToEnd(waves(1, { ...rewired, exc_fraction: 0.4 }), { init: { path } });
  await expect(other).rejects.toThrow(/a weight of rec_rec .*another sign/);
});

it("is an option of the command line that a run's origin has, with a digest", () => {
  const [first, second, third] = ["a", "b", "c"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const options = "--iterations 2 --quiet --no-record --set n_rec=20 --out".split(" ");
  const summary = (path: string) => JSON.parse(readFileSync(join(path, "run.json"), "utf8")) as RunSummary;
  expect(eprop("train", "sine-waves", ...options, first).status).toBe(0);
  const made = eprop("train", "sine-waves", "--init", first, ...options, second);
  expect(made.status, made.stderr).toBe(0);
  const file = join(first, "network.safetensors");
  expect(summary(second).made).toMatchObject({
    init: { path: file },
    digests: { init: expect.any(String) as string },
  });
  expect(summary(second).loss[0]).not.toBe(summary(first).loss[0]);
  const report = (path: string) => readFileSync(join(path, "report.html"), "utf8");
  expect(report(second)).toMatch(/begun with<\/th><td>[^<]*network.safetensors/);
  expect(report(first)).not.toContain("begun with");
  expect(eprop("train", "--from", second, "--quiet", "--out", third).status).toBe(0);
  expect(summary(third).loss).toEqual(summary(second).loss);
  appendFileSync(file, " ");
  const changed = eprop("train", "--from", second, "--quiet");
  expect(changed.status).toBe(1);
  expect(changed.stderr).toMatch(/network\.safetensors, which has changed since/);
  expect(eprop("train", "sine-waves", "--init-projections", "in_rec").stderr).toMatch(/--init besides/);
});
