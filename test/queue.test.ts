/**
 * The worker of docs/queue.md with a PostgreSQL server of its own: jobs end with the bits of a training that nothing
 * happened to, however often their workers are killed (`EPROP_QUEUE_KILLS`, 2 if left out).
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NESTError, tasks, trainToEnd } from "../ts/index.js";

const kills = Number(process.env["EPROP_QUEUE_KILLS"] ?? 2);

/** The folder of PostgreSQL's programs: on the PATH, or where Debian has them. */
function postgresPrograms(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  const places = [
    ...(process.env["PATH"] ?? "").split(":"),
    ...versions.map((name) => join(debian, name, "bin")),
  ];
  return places.find((place) => existsSync(join(place, "initdb")) && existsSync(join(place, "postgres")));
}

const programs = process.platform === "win32" ? undefined : postgresPrograms();
const folder = mkdtempSync(join(tmpdir(), "eprop-queue-"));
const shared = join(folder, "shared");
const environment = {
  ...process.env,
  PGHOST: folder,
  PGUSER: "eprop",
  PGDATABASE: "postgres",
  LEASE: "1",
  ATTEMPTS: "40",
};

/** PostgreSQL does not run as root: the user to run it as instead. */
function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (option: string) => Number(execFileSync("id", [option, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

let server: ChildProcess | undefined;
let database: Pool;
const workers = new Set<ChildProcess>();

beforeAll(async () => {
  if (programs === undefined) return;
  const page = readFileSync("docs/queue.md", "utf8");
  for (const [, name = "", text = ""] of page.matchAll(/^```\w+ file="([\w.]+)".*\n([^]*?)^```$/gm)) {
    writeFileSync(join(folder, name), text);
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(resolve("."), join(folder, "node_modules/eprop"), "junction");
  symlinkSync(resolve("node_modules/pg"), join(folder, "node_modules/pg"), "junction");
  chmodSync(folder, 0o777);
  const user = owner();
  const data = join(folder, "data");
  const { status, stderr } = spawnSync(
    join(programs, "initdb"),
    ["--pgdata", data, "--username", "eprop", "--auth", "trust", "--no-sync", "--encoding", "UTF8"],
    { encoding: "utf8", cwd: folder, ...user },
  );
  expect(status, stderr).toBe(0);
  const options = ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"];
  server = spawn(join(programs, "postgres"), options, { stdio: "ignore", cwd: folder, ...user });
  database = new Pool({ host: folder, user: "eprop", database: "postgres" });
  database.on("error", () => undefined);
  for (let attempt = 0; ; attempt++) {
    try {
      await database.query(readFileSync(join(folder, "jobs.sql"), "utf8"));
      break;
    } catch (error) {
      if (attempt > 100 || !/ENOENT|ECONNREFUSED|starting up/.test(String(error))) throw error;
      await setTimeout(100);
    }
  }
}, 60_000);

afterEach(() => {
  for (const worker of workers) worker.kill("SIGKILL");
});

afterAll(async () => {
  await database?.end();
  if (server !== undefined) {
    const over = new Promise((done) => server?.once("exit", done));
    server.kill("SIGINT");
    await over;
  }
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

interface Job {
  state: string;
  worker: string | null;
  attempts: number;
  result: { loss: number; iterations: number; network: string } | null;
  error: object | null;
  [told: string]: unknown;
}

function run(file: string, ...args: string[]): ChildProcess & { said: () => string } {
  const child = spawn(process.execPath, [file, ...args], { cwd: folder, env: environment });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (text += String(part)));
  workers.add(child);
  child.once("exit", () => workers.delete(child));
  return Object.assign(child, { said: () => text });
}

const worker = () => run("worker.js", shared);
const exit = (child: ChildProcess) => new Promise<number | null>((done) => child.once("exit", done));

async function ask(task: string, options: object): Promise<number> {
  const { rows } = await database.query<{ id: number }>(
    "insert into jobs (task, options) values ($1, $2) returning id",
    [task, options],
  );
  return rows[0]?.id as number;
}

/** The job, once it is as it should be. */
async function once(id: number, holds: (job: Job) => boolean): Promise<Job> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    const { rows } = await database.query<Job>("select * from jobs where id = $1", [id]);
    const job = rows[0] as Job;
    if (holds(job)) return job;
    if (job.state === "failed") throw new Error(JSON.stringify(job.error));
    await setTimeout(25);
  }
  throw new Error(`job ${id} takes too long`);
}

const losses = async (id: number) =>
  (
    await database.query<{ loss: number }>(
      "select (told->>'loss')::float8 as loss from iterations where job = $1 order by iteration",
      [id],
    )
  ).rows.map(({ loss }) => loss);

/** A job that takes its time: a few dozen milliseconds per iteration. */
const options = (iterations: number) => ({ seed: 3, iterations, batchSize: 8, testIterations: 0 });

async function expectSameBits(id: number, iterations: number): Promise<void> {
  const whole = await trainToEnd(tasks.evidenceAccumulation(options(iterations)));
  const { result } = await once(id, ({ state }) => state === "done");
  expect(await losses(id)).toEqual(whole.iterations.map(({ loss }) => loss));
  const path = join(folder, "whole.network");
  await whole.network.save(path);
  expect(readFileSync(result?.network as string).equals(readFileSync(path))).toBe(true);
  expect(readdirSync(shared).filter((name) => name.startsWith(`${id}.`))).toEqual([`${id}.network`]);
}

describe.skipIf(programs === undefined)("a worker behind a queue", () => {
  it(
    "is killed at random moments, and the job ends with the same bits",
    async () => {
      // More than a fast machine does in the longest time between two kills.
      const iterations = 40 + 60 * kills;
      const id = await ask("evidence-accumulation", options(iterations));
      let [killed, last] = [0, null as string | null];
      while (killed < kills) {
        const child = worker();
        const job = await once(id, (now) => now.state === "done" || now.worker !== last);
        if (job.state === "done") break;
        last = job.worker;
        await setTimeout(700 * Math.random());
        child.kill("SIGKILL");
        await exit(child);
        killed += 1;
      }
      expect(killed).toBe(kills);
      worker();
      await expectSameBits(id, iterations);
    },
    60_000 + 10_000 * kills,
  );

  it("puts the job back on SIGTERM, and another one goes on", async () => {
    const iterations = 80;
    const id = await ask("evidence-accumulation", options(iterations));
    const first = worker();
    while ((await losses(id)).length < 3) await setTimeout(20);
    first.kill("SIGTERM");
    expect(await exit(first), first.said()).toBe(0);
    const back = await once(id, () => true);
    expect(back).toMatchObject({ state: "waiting", attempts: 0 });
    expect((await losses(id)).length).toBeLessThan(iterations);
    // Two at once: one of them takes it.
    worker();
    worker();
    await expectSameBits(id, iterations);
  }, 60_000);

  it("shows how a job goes, and is told to cancel it", async () => {
    const child = run("submit.js", "evidence-accumulation", JSON.stringify(options(5000)));
    worker();
    while (!/^3 0\./m.test(child.said())) await setTimeout(20);
    child.kill("SIGINT");
    expect(await exit(child), child.said()).toBe(0);
    expect(child.said().trim().split("\n").at(-1)).toBe('{"state":"cancelled","result":null,"error":null}');
    const [, id] = /^job (\d+)/.exec(child.said()) ?? [];
    expect(readdirSync(shared).filter((name) => name.startsWith(`${id}.`))).toEqual([]);
  }, 60_000);

  it("says what is wrong with a job", async () => {
    const id = await ask("evidence-accumulation", { iterations: 0 });
    worker();
    const { state, error } = await once(id, (job) => job.error !== null);
    expect(state).toBe("failed");
    const again = NESTError.from(error);
    expect(again).toBeInstanceOf(NESTError);
    expect(again).toMatchObject({ parameter: expect.stringContaining("iterations") as string, value: "0" });
  }, 60_000);
});
