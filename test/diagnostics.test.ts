/** What trainings publish on channels of node:diagnostics_channel. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { Trainer, type TrainingMessages, tasks, train, trainToEnd } from "../ts/index.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-diagnostics-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Name = keyof TrainingMessages;
const names = (["start", "iteration", "checkpoint", "end", "error", "close"] as const).map(
  (event): Name => `eprop:training:${event}`,
);
const heard: [name: string, message: Record<string, unknown>][] = [];
const listen = (message: unknown, name: string | symbol) =>
  heard.push([String(name).replace("eprop:training:", ""), message as Record<string, unknown>]);

beforeEach(() => {
  heard.length = 0;
  for (const name of names) subscribe(name, listen);
});
afterEach(() => {
  for (const name of names) unsubscribe(name, listen);
});

const task = () => tasks.sineWaves({ iterations: 3 });

it("tell of a training from its start to its end, once each", async () => {
  const path = join(folder, "checkpoint");
  const trainer = new Trainer(task(), { checkpoint: { path, every: 2 } });
  const losses: number[] = [];
  for await (const { loss } of trainer) losses.push(loss);
  expect(await trainer.next()).toBeUndefined();
  expect(heard.map(([name]) => name)).toEqual([
    "start",
    "iteration",
    "iteration",
    "checkpoint",
    "iteration",
    "end",
  ]);
  expect(heard.every(([, message]) => message["trainer"] === trainer)).toBe(true);
  const told = heard.filter(([name]) => name === "iteration").map(([, { iteration }]) => iteration);
  expect(told).toEqual(trainer.iterations);
  expect(told.map((iteration) => (iteration as { loss: number }).loss)).toEqual(losses);
  expect(heard.find(([name]) => name === "checkpoint")?.[1]).toMatchObject({
    path,
    ms: expect.any(Number) as number,
  });
  expect(heard.at(-1)?.[1]).toMatchObject({ ended: "schedule", iterations: 3 });
  await trainer.close();
  heard.length = 0;
  const resumed = await Trainer.resume(path);
  for await (const _ of resumed);
  expect(heard.map(([name]) => name)).toEqual(["start", "iteration", "end"]);
  expect(heard[0]?.[1]).toMatchObject({ trainer: resumed, iterations: 2 });
  await resumed.close();
});

it("tell of a training that ends with an error", async () => {
  const reason = new Error("enough");
  await expect(trainToEnd(task(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(heard.map(([name]) => name)).toEqual(["start", "error"]);
  expect(heard[1]?.[1]).toMatchObject({ error: reason });
});

it("tell of a training that is given up before its end", async () => {
  for await (const _ of train(task())) break;
  expect(heard.map(([name]) => name)).toEqual(["start", "iteration", "close"]);
  expect(heard.at(-1)?.[1]).toMatchObject({ iterations: 1 });
  heard.length = 0;
  const trainer = new Trainer(task());
  await trainer.close();
  expect(heard).toEqual([]);
});
