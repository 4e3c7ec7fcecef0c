import { spawnSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import {
  Kernel,
  Network,
  type Task,
  Trainer,
  type TrainingResult,
  setThreadBudget,
  tasks,
  threadBudget,
  train,
  trainToEnd,
} from "../ts/index.js";
import { NESTErrors } from "../ts/nest/index.js";

/**
 * How long a simulation may go on after its signal (ms): by the clock, or by the processor where others have that
 * most of the time.
 */
const prompt = 50;

interface Built {
  kernel: Kernel;
  signals: ReturnType<Kernel["Create"]>;
  weights: () => Float64Array;
}

/** A network that learns, of which the readout is recorded. */
function learning(
  family: "interval" | "event",
  n: number,
  settings: { interval?: number; threads?: number; batch?: number } = {},
): Built {
  const { interval = 100, threads, batch = 1 } = settings;
  const kernel = new Kernel();
  const plus = family === "event";
  kernel.set({
    resolution: 1,
    ...(threads !== undefined && { local_num_threads: threads }),
    ...(!plus && { eprop_update_interval: interval, eprop_learning_window: interval }),
  });
  const input = kernel.Create("poisson_generator", n, { rate: 20 });
  const parrots = kernel.Create("parrot_neuron", n);
  const neurons = { C_m: 1, E_L: 0, V_m: 0, V_th: 0.3, tau_m: 20, c_reg: 1, f_target: 10 };
  const rec = plus
    ? kernel.Create("eprop_iaf", n, neurons)
    : kernel.Create("eprop_iaf_bsshslm_2020", n, neurons);
  const out = kernel.Create(plus ? "eprop_readout" : "eprop_readout_bsshslm_2020", 2);
  const synapse_model = plus ? "eprop_synapse" : "eprop_synapse_bsshslm_2020";
  kernel.SetDefaults(synapse_model, {
    optimizer: { type: "gradient_descent", eta: 1e-4, batch_size: batch },
  });
  const plastic = { synapse_model, delay: 1 } as const;
  const signals = kernel.Create("multimeter", 1, { record_from: ["readout_signal"], interval: 1 });
  kernel.Connect(input, parrots, "one_to_one", { delay: 1 });
  kernel.Connect(parrots, rec, "all_to_all", { ...plastic, weight: 2 / n });
  kernel.Connect(rec, rec, { rule: "all_to_all", allow_autapses: false }, { ...plastic, weight: 0.1 / n });
  kernel.Connect(rec, out, "all_to_all", { ...plastic, weight: 0.1 });
  const feedback = plus
    ? "eprop_learning_signal_connection"
    : "eprop_learning_signal_connection_bsshslm_2020";
  kernel.Connect(out, rec, "all_to_all", { synapse_model: feedback, delay: 1, weight: 0.1 });
  kernel.Connect(signals, out);
  return { kernel, signals, weights: () => kernel.GetConnections(rec, rec).get("weight") };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Stops a simulation of hours after a while; gives how long it took to end (ms). */
async function stopAfter(kernel: Kernel, ms: number): Promise<number> {
  const reason = new Error("enough");
  const stop = new AbortController();
  const simulation = kernel.SimulateAsync(1e7, { signal: stop.signal });
  const outcome = expect(simulation).rejects.toBe(reason);
  await sleep(ms);
  const took = stopwatch();
  stop.abort(reason);
  await outcome;
  return took();
}

/** A meter of the time from its making on: by the clock, or by the processor where others have that most of the time (ms). */
function stopwatch(): () => number {
  const [begin, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const [wall, used] = [performance.now() - begin, process.cpuUsage(cpu)];
    return Math.min(wall, (used.user + used.system) / 1000);
  };
}

const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

/** Runs a module of `test/processes`, or a script, in a process of its own with the built package. */
function run(
  module: string | { script: string },
  options: { node?: string[]; args?: string[]; env?: NodeJS.ProcessEnv } = {},
) {
  const { node = [], args = [], env = {} } = options;
  const begin = performance.now();
  const program =
    typeof module === "string" ? [`test/processes/${module}`] : ["--input-type=module", "-e", module.script];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...node, ...program, ...args], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { status, signal, stdout, stderr, ms: performance.now() - begin };
}

describe("a signal", () => {
  it.each([
    ["small networks", "interval", 30, 100],
    ["large networks", "interval", 1200, 100],
    ["long update intervals", "interval", 200, 10_000],
    ["e-prop+", "event", 40, 100],
    ["large networks with e-prop+", "event", 600, 100],
  ] as const)("stops %s at once, and nothing is lost", async (_name, family, n, interval) => {
    const { kernel, signals, weights } = learning(family, n, { interval });
    const times: number[] = [];
    for (const ms of [5, 40, 110]) times.push(await stopAfter(kernel, ms));
    expect(middle(times), String(times)).toBeLessThan(prompt);
    // It stands where it says, has recorded until there, and goes on as if nothing had been.
    const reached = kernel.get("biological_time");
    const { times: recorded } = kernel.events(signals);
    expect(recorded?.at(-1) ?? 0).toBeGreaterThanOrEqual(reached - 5);
    if (n > 100) return kernel.close();
    const rest = 2 * interval - (reached % interval);
    kernel.Simulate(rest);
    const other = learning(family, n, { interval });
    other.kernel.Simulate(reached + rest);
    expect(kernel.events(signals)).toEqual(other.kernel.events(other.signals));
    expect(weights()).toEqual(other.weights());
  });
  it("that is aborted already begins nothing", async () => {
    const { kernel } = learning("interval", 2);
    await expect(kernel.SimulateAsync(100, { signal: AbortSignal.abort("no") })).rejects.toBe("no");
    expect(kernel.get("biological_time")).toBe(0);
  });
  it("stops one that waits for its turn", async () => {
    const before = threadBudget();
    setThreadBudget(1);
    try {
      const kernels = Array.from({ length: 4 }, () => learning("event", 100).kernel);
      const times = await Promise.all(kernels.map((kernel) => stopAfter(kernel, 60)));
      expect(middle(times), String(times)).toBeLessThan(prompt);
    } finally {
      setThreadBudget(before);
    }
  });
});

describe("progress", () => {
  it("is told at most ten times a second, and not while an earlier report is dealt with", async () => {
    const { kernel } = learning("interval", 10);
    const told: number[] = [];
    let [open, most] = [0, 0];
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 1500);
    const simulation = kernel.SimulateAsync(1e9, {
      signal: stop.signal,
      onProgress: async ({ done, total }) => {
        expect(total).toBe(1e9);
        expect(done).toBeGreaterThanOrEqual(0);
        told.push(performance.now());
        most = Math.max(most, ++open);
        await sleep(250);
        open -= 1;
      },
    });
    await expect(simulation).rejects.toThrow(/aborted/);
    expect(most).toBe(1);
    expect(told.length).toBeGreaterThanOrEqual(2);
    const gaps = told.slice(1).map((time, at) => time - (told[at] as number));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100);
  });
  it("stays that rare over many short simulations", async () => {
    const { kernel } = learning("interval", 10);
    const told: number[] = [];
    const begin = performance.now();
    while (performance.now() - begin < 350) {
      await kernel.SimulateAsync(10, { onProgress: () => void told.push(performance.now()) });
    }
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told.length).toBeLessThanOrEqual(1 + (performance.now() - begin) / 100);
  });
  it.each([
    [
      "throws",
      () => {
        throw new Error("no more");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no more"))],
  ] as const)("that %s ends the simulation", async (_name, onProgress) => {
    const { kernel } = learning("interval", 10);
    await expect(kernel.SimulateAsync(1e9, { onProgress })).rejects.toThrow("no more");
    kernel.Simulate(10);
  });
});

describe("closing", () => {
  it("stops a simulation, waits for it, and refuses later calls", async () => {
    const { kernel } = learning("interval", 300);
    const simulation = kernel.SimulateAsync(1e9);
    const outcome = expect(simulation).rejects.toBeInstanceOf(NESTErrors.Aborted);
    await kernel.close();
    await outcome;
    expect(() => kernel.Create("parrot_neuron")).toThrow(/closed/);
    await expect(kernel.SimulateAsync(1)).rejects.toThrow(/closed/);
    await kernel.close();
  });
  it("comes at the end of a scope", async () => {
    const { kernel } = learning("interval", 10);
    await kernel[Symbol.asyncDispose]();
    expect(() => kernel.Simulate(1)).toThrow(/closed/);
    const other = learning("interval", 10).kernel;
    other[Symbol.dispose]();
    await sleep(0);
    expect(() => other.Simulate(1)).toThrow(/closed/);
  });
});

describe("threads", () => {
  const budget = threadBudget();
  afterEach(() => setThreadBudget(budget));

  it("of libuv stay free while eight simulations run", async () => {
    const stop = new AbortController();
    const kernels = Array.from({ length: 8 }, () => learning("interval", 100).kernel);
    const simulations = kernels.map((kernel) => kernel.SimulateAsync(1e9, { signal: stop.signal }));
    const outcomes = Promise.allSettled(simulations);
    await sleep(50);
    const first = await Promise.race([
      Promise.all([readFile("package.json"), lookup("localhost")]).then(() => "files and names"),
      Promise.race(simulations).catch(() => "a simulation"),
    ]);
    stop.abort();
    expect(first).toBe("files and names");
    await outcomes;
  });
  it("are no more than the budget, whatever kernels ask for", async () => {
    setThreadBudget(1);
    const stop = new AbortController();
    const kernels = Array.from({ length: 4 }, () => learning("interval", 100, { threads: 8 }).kernel);
    const [cpu, begin] = [process.cpuUsage(), performance.now()];
    const outcomes = Promise.allSettled(
      kernels.map((kernel) => kernel.SimulateAsync(1e9, { signal: stop.signal })),
    );
    await sleep(600);
    const used = process.cpuUsage(cpu);
    const wall = performance.now() - begin;
    stop.abort();
    await outcomes;
    expect((used.user + used.system) / 1000 / wall).toBeLessThan(1.25);
    // Each had its turn.
    for (const kernel of kernels) expect(kernel.get("biological_time")).toBeGreaterThan(0);
  });
  it("are what the environment says; nonsense there is refused", () => {
    const script = `
      import { Kernel, threadBudget } from "./dist/index.js";
      try {
        new Kernel().Simulate(1);
        console.log(threadBudget(), new Kernel().get("local_num_threads"));
      } catch (error) {
        console.log(error.message);
      }
    `;
    expect(run({ script }, { env: { EPROP_THREADS: "3" } }).stdout).toBe("3 3\n");
    for (const EPROP_THREADS of ["0", "many", "1.5", "-2", "1e9"]) {
      expect(run({ script }, { env: { EPROP_THREADS } }).stdout).toMatch(/EPROP_THREADS.*from 1 to 1024/);
    }
    expect(() => setThreadBudget(0.5)).toThrow(/threads.*from 1 to 1024/);
  });
  it("change no bit", () => {
    const learned = (threads: number) => {
      const { kernel, weights } = learning("interval", 40, { threads, batch: 6 });
      kernel.Simulate(1200);
      return weights();
    };
    setThreadBudget(5);
    expect(learned(5)).toEqual(learned(1));
  });
});

describe("worker threads", () => {
  it("give the bits that kernels give alone: 8 kernels in 4 workers", () => {
    const { stdout, stderr } = run("digests.mjs");
    expect(stderr).toBe("");
    const { alone, together } = JSON.parse(stdout) as Record<"alone" | "together", string[]>;
    expect(new Set(alone).size).toBe(8);
    expect(together).toEqual(alone);
  });
  it.each([
    ["workers that are terminated", "terminate"],
    ["the process, from outside of workers", "workers"],
    ["the process", "exit"],
  ])("and long simulations hold up the end of %s for no longer than a moment", (_name, how) => {
    const { status, signal, stderr, stdout, ms } = run("unload.mjs", { args: [how] });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
    if (how === "terminate") expect(Number(stdout)).toBeLessThan(1000);
    expect(ms).toBeLessThan(15_000);
  });
});

describe("memory", () => {
  it("of kernels that nobody holds is collected without being asked for", () => {
    const script = `
      import { setImmediate as turn } from "node:timers/promises";
      import { Kernel } from "./dist/index.js";
      let most = 0;
      for (let at = 0; at < 100; at++) {
        const kernel = new Kernel();
        const nodes = kernel.Create("parrot_neuron", 1000);
        kernel.Connect(nodes, nodes, "all_to_all");
        most = Math.max(most, process.memoryUsage().rss);
        await turn();
      }
      console.log(most);
    `;
    // All of them would take 800 MB; their objects in JavaScript take next to nothing.
    expect(Number(run({ script }).stdout)).toBeLessThan(400e6);
  });
  // A kernel holds half a megabyte. Those that wait for the collector at the same time are some tens, at times more.
  it.each([
    ["dropped", 64e6],
    ["simulated on threads and dropped", 64e6],
    ["closed", 16e6],
  ])("is where it was after 1,000 kernels that were %s", (how, most) => {
    const { stdout, stderr } = run("many-kernels.mjs", { node: ["--expose-gc"], args: [how, "1000"] });
    expect(stderr).toBe("");
    const { before, after } = JSON.parse(stdout) as Record<"before" | "after", number>;
    expect(after - before, `${before} ${after}`).toBeLessThan(most);
  });
});

describe("a training", () => {
  const task = () =>
    tasks.evidenceAccumulation({
      iterations: 2,
      batchSize: 2,
      validateEvery: 1,
      earlyStop: false,
      testIterations: 2,
    });
  it("ends with its signal's reason in whatever phase, within 50 ms", async () => {
    const phases: string[] = [];
    for (let whole = 0; whole < 6; whole++) {
      const times: number[] = [];
      for (let time = 0; time < 3; time++) {
        const stop = new AbortController();
        const reason = new Error("enough");
        const training = train(task(), { signal: stop.signal });
        for (let at = 0; at < whole; at++) {
          const { value } = await training.next();
          phases[at] = value !== undefined && "phase" in value ? value.phase : "over";
        }
        const next = training.next();
        setTimeout(() => stop.abort(reason), 1);
        const aborted = new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
        const ends = next.then(
          ({ value }) => value,
          (error: unknown) => error,
        );
        await aborted;
        const took = stopwatch();
        const end = await ends;
        times.push(took());
        // What came before the signal was looked at stays; then the reason comes.
        if (end === reason) continue;
        await expect(training.next()).rejects.toBe(reason);
      }
      expect(middle(times), `after ${whole} iterations: ${String(times)}`).toBeLessThan(prompt);
    }
    expect(phases).toEqual(["validation", "training", "validation", "training", "test"]);
  });
  it("waits for what onIteration returns, and ends with its error", async () => {
    let [busy, most] = [0, 0];
    await trainToEnd(task(), {
      onIteration: async () => {
        most = Math.max(most, ++busy);
        await new Promise((resolve) => setTimeout(resolve, 2));
        busy -= 1;
      },
    });
    expect(most).toBe(1);
    const error = new Error("no room");
    await expect(trainToEnd(task(), { onIteration: () => Promise.reject(error) })).rejects.toBe(error);
  });

  const folder = mkdtempSync(join(tmpdir(), "eprop-async-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  /** A digest of all that a training left, but for its times. */
  function left({ iterations, weights, recorded }: TrainingResult): string {
    const hash = createHash("sha256");
    hash.update(JSON.stringify(iterations.map(({ phase, loss, error }) => [phase, loss, error])));
    for (const of of [weights.before, weights.after]) {
      for (const { data } of Object.values(of)) hash.update(data);
    }
    for (const columns of Object.values(recorded)) {
      for (const [name, column] of Object.entries(columns)) hash.update(name).update(column);
    }
    return hash.digest("hex");
  }
  it.each([
    [
      "evidence accumulation",
      [0, 4, 20, 60, 150],
      () =>
        tasks.evidenceAccumulation({ iterations: 1, validateEvery: 1, testIterations: 1, earlyStop: false }),
    ],
    [
      "moving digits",
      [0, 30, 150, 400, 600],
      () => tasks.nMnist({ synthetic: true, iterations: 1, testIterations: 1, groupSize: 20 }),
    ],
  ] as const)("of a large task ends at once, and goes on from there: %s", async (name, delays, make) => {
    const whole = left(await trainToEnd(make() as Task, { record: true }));
    const times: number[] = [];
    for (const [at, delay] of delays.entries()) {
      const stop = new AbortController();
      const reason = new Error("enough");
      const trainer = new Trainer(make(), { record: true, signal: stop.signal });
      const ends = (async () => {
        for await (const _ of trainer);
      })().catch((error: unknown) => error);
      await sleep(delay);
      const took = stopwatch();
      stop.abort(reason);
      const end = await ends;
      times.push(took());
      expect(end === reason || (end === undefined && trainer.isOver)).toBe(true);
      // What was drawn, simulated and recorded until then is there, and enough to go on with.
      if (at % 2 === 1) {
        await trainer.close();
        continue;
      }
      const path = join(folder, `${name}-${delay}`);
      await trainer.save(path);
      await trainer.close();
      const resumed = await Trainer.resume(path);
      for await (const _ of resumed);
      expect(left(await resumed.resultAsync())).toBe(whole);
      await resumed.close();
    }
    // The longest but one: any one of them can be held up by what else the machine does.
    expect(times.toSorted((a, b) => a - b).at(-2), String(times)).toBeLessThan(prompt);
  });
  it("takes a checkpoint while it is asked for the next iteration, and two at once", async () => {
    const whole = left(await trainToEnd(task(), { record: true }));
    const trainer = new Trainer(task(), { record: true });
    await trainer.next();
    const paths = ["first", "second"].map((name) => join(folder, name));
    const saved = paths.map((path) => trainer.save(path));
    for await (const _ of trainer);
    await Promise.all(saved);
    expect(left(trainer.result())).toBe(whole);
    for (const path of paths) {
      const resumed = await Trainer.resume(path);
      for await (const _ of resumed);
      expect(left(resumed.result())).toBe(whole);
    }
  });
  it("is closed whatever it does", async () => {
    for (const delay of [0, 2, 5, 10, 20, 40]) {
      const trainer = new Trainer(task(), { record: true });
      const ends = trainer.next().catch((error: unknown) => error);
      await sleep(delay);
      await trainer.close();
      await ends;
      await expect(trainer.next()).rejects.toThrow(/closed/);
    }
  });
});

describe("an inference off the event loop", () => {
  const input = { times: [1, 3, 7, 7, 40], senders: [0, 5, 17, 17, 3] };
  const none = { times: [], senders: [] };
  const families = { sineWaves: tasks.sineWaves, sineWavesPlus: tasks.sineWavesPlus } as const;
  async function trained(family: keyof typeof families): Promise<Network> {
    return (await trainToEnd(families[family]({ iterations: 2 }))).network;
  }
  it.each(["sineWaves", "sineWavesPlus"] as const)("gives the same bits: %s", async (family) => {
    const network = await trained(family);
    const expected = [network.infer(input, 100), network.infer(none, 50)];
    network.reset();
    expect([await network.inferAsync(input, 100), await network.inferAsync(none, 50)]).toEqual(expected);
  });
  it.each(["sineWaves", "sineWavesPlus"] as const)(
    "that is aborted ends with the signal's reason and was never begun: %s",
    async (family) => {
      const network = await trained(family);
      const expected = [network.infer(input, 100), network.infer(none, 200)];
      network.reset();
      const first = network.infer(input, 100);
      const times: number[] = [];
      for (const delay of [0, 5, 60]) {
        const stop = new AbortController();
        const reason = new Error("enough");
        const outcome = network.inferAsync(none, 1e8, { signal: stop.signal });
        const ends = expect(outcome).rejects.toBe(reason);
        expect(() => network.infer(none, 1)).toThrow(/wait for inferAsync/);
        expect(() => network.reset()).toThrow(/wait for inferAsync/);
        await expect(network.inferAsync(none, 1)).rejects.toThrow(/wait for inferAsync/);
        await sleep(delay);
        const took = stopwatch();
        stop.abort(reason);
        await ends;
        times.push(took());
      }
      expect(middle(times), String(times)).toBeLessThan(prompt);
      expect([first, await network.inferAsync(none, 200)]).toEqual(expected);
      await expect(network.inferAsync(none, 1, { signal: AbortSignal.abort("no") })).rejects.toBe("no");
      await expect(network.inferAsync({ times: [5], senders: [0] }, 5)).rejects.toThrow(
        "outside the stretch",
      );
    },
  );
  it("lets the event loop go on", async () => {
    const network = await trained("sineWaves");
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await network.inferAsync(none, 300_000);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });
});
