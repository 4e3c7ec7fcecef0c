/**
 * What the live view costs a training: nobody looking, a page in Chromium, a page that takes nothing it is sent.
 *
 * Two measures, medians over rounds with 95 % confidence intervals, both of the process that trains:
 *
 * - the share of its processor time that the live view's calls take: sampling, making messages, sending them. A call
 *   that the system interrupted counts as three times the median of its kind at the most;
 * - processor time, all threads, against that of the same training without a live view in the same round. On a machine
 *   that does other things, too, it varies by more than what the live view costs.
 *
 * node dist-test/bench/live.js [--rounds N] [--seconds S] [--only TASK]
 */
import { type ChildProcess, fork } from "node:child_process";
import { type Socket, connect } from "node:net";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Browser } from "playwright-core";
import { launchChromium } from "../test/browser/chromium.js";
import { type Task, tasks, trainToEnd } from "../ts/index.js";
import { LiveFeed } from "../ts/live/feed.js";
import { openLiveView } from "../ts/live/index.js";
import { Sampler } from "../ts/training/sampler.js";
import { median, medianInterval } from "./statistics.js";

/** The page's parts, as the build leaves them. */
const parts = new URL("../../dist/live/page/", import.meta.url);

const trainings: Readonly<Record<string, (iterations: number) => Task>> = {
  "sine-waves": (iterations) => tasks.sineWaves({ iterations }),
  lemniscate: (iterations) => tasks.lemniscate({ iterations }),
  handwriting: (iterations) => tasks.handwriting({ iterations }),
  "evidence-accumulation": (iterations) =>
    tasks.evidenceAccumulation({ iterations, earlyStop: false, testIterations: 0 }),
  "sine-waves-plus": (iterations) => tasks.sineWavesPlus({ iterations }),
  "n-mnist": (iterations) => tasks.nMnist({ synthetic: true, iterations, groupSize: 20, testIterations: 0 }),
};

const ways = ["without", "nobody looks", "a page", "a page that does not read"] as const;
type Way = (typeof ways)[number];

/** What a training took, and each call of the live view by its kind (ms). */
interface Cost {
  processor: number;
  wall: number;
  calls: Record<string, number[]>;
}

/** A training that the training process is asked for. */
interface Order {
  task: string;
  iterations: number;
  way: Way;
}

/** What that process sends: where its live view is, then what the training took; or why it took nothing. */
type Message = { url: string } | Cost | { error: string };

/** How long a page may take to connect (ms). */
const patience = 30_000;

/** Times of calls of the live view (ms), by what they were. */
let calls: Record<string, number[]> = {};

/** What the present call did, of what makes it take longer. */
let did: string[] = [];

/** Notes the time that each call of a method takes. */
function timed<K extends string>(of: Record<K, (...values: never[]) => unknown>, method: K): void {
  const plain = of[method] as (...values: unknown[]) => unknown;
  of[method] = function (this: unknown, ...values: unknown[]) {
    did = [method];
    const begin = performance.now();
    const result = plain.apply(this, values);
    const took = performance.now() - begin;
    const events = typeof result === "string" ? (result.match(/^event: \w+/gm) ?? []) : [];
    (calls[[...did, ...events].join(" ")] ??= []).push(took);
    return result;
  };
}

/** Notes the calls of a method that return something else than false. */
function noted<K extends string>(of: Record<K, (...values: never[]) => unknown>, method: K): void {
  const plain = of[method] as (...values: unknown[]) => unknown;
  of[method] = function (this: unknown, ...values: unknown[]) {
    const result = plain.apply(this, values);
    if (result !== false) did.push(method);
    return result;
  };
}

async function trained({ task: name, iterations, way }: Order): Promise<Cost> {
  const task = (trainings[name] as (iterations: number) => Task)(iterations);
  const live = way === "without" ? undefined : await openLiveView(task, { onStop: () => {}, parts });
  if (live !== undefined) {
    process.send?.({ url: live.server.url } satisfies Message);
    const viewers = way === "nobody looks" ? 0 : 1;
    const from = performance.now();
    while (live.feed.viewers < viewers) {
      if (performance.now() - from > patience) throw new Error(`${way}: nothing connects`);
      await sleep(10);
    }
  }
  const processor = process.cpuUsage();
  const begin = performance.now();
  calls = {};
  await trainToEnd(task, {
    ...(live && { observer: live.feed }),
    onIteration: (iteration) => live?.feed.push(iteration),
  });
  const { user, system } = process.cpuUsage(processor);
  const wall = performance.now() - begin;
  const cost = { processor: (user + system) / 1000, wall, calls };
  await live?.server.close();
  return cost;
}

/** How many iterations a task does in a time, once what it runs is compiled. */
async function iterationsIn(seconds: number, name: string): Promise<number> {
  const task = (trainings[name] as (iterations: number) => Task)(1_000_000);
  const finish = new AbortController();
  const times: number[] = [];
  await trainToEnd(task, {
    finish: finish.signal,
    onIteration: () => {
      times.push(performance.now());
      if ((times.at(-1) as number) - (times[0] as number) > 1000) finish.abort();
    },
  });
  const half = Math.floor(times.length / 2);
  const each = ((times.at(-1) as number) - (times[half] as number)) / (times.length - 1 - half);
  return Math.max(5, Math.round((1000 * seconds) / each));
}

/** Asks the training process for a training, and looks at it as is wanted. */
async function costOf(child: ChildProcess, browser: Browser, order: Order): Promise<Cost> {
  let socket: Socket | undefined;
  const page = order.way === "a page" ? await browser.newPage() : undefined;
  const look = (url: string) => {
    if (page !== undefined) return page.goto(url, { timeout: patience });
    if (order.way === "nobody looks") return undefined;
    const { port, host } = new URL(url);
    socket = connect({ port: Number(port), host: "127.0.0.1" });
    socket.on("error", () => {}).pause();
    socket.write(`GET /events HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    return undefined;
  };
  try {
    return await new Promise<Cost>((resolve, reject) => {
      child.removeAllListeners("message").on("message", (message: Message) => {
        if ("url" in message) look(message.url)?.catch(reject);
        else if ("error" in message) reject(new Error(message.error));
        else resolve(message);
      });
      child.send(order);
    });
  } finally {
    socket?.destroy();
    await page?.close();
  }
}

/** The share of each training's processor time that the live view's calls took. */
function liveShares(costs: readonly Cost[]): number[] {
  const kinds = [...new Set(costs.flatMap((cost) => Object.keys(cost.calls)))];
  const most = new Map(
    kinds.map((kind) => [kind, 3 * median(costs.flatMap((cost) => cost.calls[kind] ?? []))]),
  );
  return costs.map(({ processor, calls: made }) => {
    const times = Object.entries(made).flatMap(([kind, each]) =>
      each.map((time) => Math.min(time, most.get(kind) ?? time)),
    );
    return times.reduce((sum, time) => sum + time, 0) / processor;
  });
}

/** Shares in per cent: their median with its interval. */
function percent(shares: readonly number[], digits: number): string {
  const interval = medianInterval(shares);
  const text = (share: number) => (100 * share).toFixed(digits).replace("-", "−");
  return `${text(interval.median)} (${text(interval.low)} to ${text(interval.high)})`;
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "12" },
      seconds: { type: "string", default: "5" },
      only: { type: "string" },
    },
  });
  const child = fork(fileURLToPath(import.meta.url), ["--train"]);
  child.on("exit", (code) => process.exit(code ?? 1));
  const browser = await launchChromium();
  const looks = ways.slice(1);
  const head = [
    "task",
    "ms per iteration",
    ...looks.map((way) => `${way} (% of processor time)`),
    "processor time more, a page (%)",
  ];
  process.stdout.write(`| ${head.join(" | ")} |\n|${" --- |".repeat(head.length)}\n`);
  for (const task of Object.keys(trainings).filter((name) => name.includes(values.only ?? ""))) {
    const iterations = await iterationsIn(Number(values.seconds), task);
    // The first of its kind compiles what it runs.
    await costOf(child, browser, { task, iterations, way: "a page" });
    const costs: Record<Way, Cost>[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      const order = [...ways.slice(round % ways.length), ...ways.slice(0, round % ways.length)];
      const costsOfRound: [Way, Cost][] = [];
      for (const way of round % 2 === 0 ? order : order.toReversed()) {
        costsOfRound.push([way, await costOf(child, browser, { task, iterations, way })]);
      }
      costs.push(Object.fromEntries(costsOfRound) as Record<Way, Cost>);
    }
    const cells = [
      task,
      median(costs.map(({ without }) => without.wall / iterations)).toPrecision(2),
      ...looks.map((way) => percent(liveShares(costs.map((each) => each[way])), 2)),
      percent(
        costs.map((each) => each["a page"].processor / each.without.processor - 1),
        1,
      ),
    ];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
  await browser.close();
  child.removeAllListeners("exit").disconnect();
}

if (process.argv[2] === "--train") {
  noted(LiveFeed.prototype, "wants");
  noted(LiveFeed.prototype, "sample");
  timed(LiveFeed.prototype, "push");
  timed(LiveFeed.prototype, "take");
  timed(Sampler.prototype, "arm");
  timed(Sampler.prototype, "deliver");
  process.on("message", (order: Order) => {
    void trained(order).then(
      (cost) => process.send?.(cost satisfies Message),
      (error: unknown) => process.send?.({ error: String(error) } satisfies Message),
    );
  });
  // Whoever asks is gone.
  process.on("disconnect", () => process.exit());
} else {
  await measure();
}
