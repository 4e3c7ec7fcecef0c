import { request } from "node:http";
import { type Socket, connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Iteration } from "../ts/index.js";
import { LiveFeed, newCursor } from "../ts/live/feed.js";
import type { Messages } from "../ts/live/messages.js";
import { type LiveServer, serveLive } from "../ts/live/server.js";
import type { SequenceSample } from "../ts/training/sampler.js";

const run = {
  task: "a task",
  text: "",
  seed: 1,
  kind: "regression",
  gradient: false,
  planned: 1000,
  populations: [{ name: "recurrent neurons", n: 4 }],
  facts: [],
} as const;

const iteration = (number: number, loss = 1, phase: Iteration["phase"] = "training"): Iteration => ({
  iteration: number,
  phase,
  loss,
  readoutLosses: [loss],
  ms: 1,
  spikesPerNeuron: 2,
});

/** The events in a stretch of the stream. */
function parse(text: string): { [K in keyof Messages]: [K, Messages[K]] }[keyof Messages][] {
  return [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(
    ([, name, data]) => [name, JSON.parse(data ?? "")] as never,
  );
}

const iterationsOf = (text: string) =>
  parse(text).flatMap(([name, data]) => (name === "update" ? data.iterations.iteration : []));

describe("the feed", () => {
  it("gives each page what it lacks, once", () => {
    const feed = new LiveFeed(run, 1000);
    const cursor = newCursor();
    for (const number of [1, 2, 3]) feed.push(iteration(number));
    expect(parse(feed.take(cursor)).map(([name]) => name)).toEqual(["run", "update"]);
    expect(feed.take(cursor)).toBe("");
    feed.push(iteration(4));
    expect(iterationsOf(feed.take(cursor))).toEqual([4]);
    feed.end({ how: "schedule" });
    expect(parse(feed.take(cursor)).at(-1)).toEqual(["end", { how: "schedule" }]);
    expect(feed.take(cursor)).toBe("");
  });
  it("shows the course of a long training in bounded space, with its extremes and phases", () => {
    const feed = new LiveFeed(run, 1000);
    const cursor = newCursor();
    const send = (from: number, to: number) => {
      for (let at = from; at <= to; at++) {
        feed.push(iteration(at, at === 123_457 ? 99 : 1, at % 1000 === 0 ? "validation" : "training"));
      }
      const text = feed.take(cursor);
      expect(text.length).toBeLessThan(400_000);
      return text;
    };
    const numbers = iterationsOf(send(1, 200_000));
    expect(numbers.length).toBeLessThan(5000);
    expect(numbers).toContain(123_457);
    expect(numbers.filter((number) => number % 1000 === 0)).toHaveLength(200);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    // News are appended until there are too many; then the page gets the whole course again.
    const kinds = Array.from({ length: 12 }, (_, at) =>
      parse(send(200_001 + at * 500, 200_500 + at * 500)).map(([, data]) => "whole" in data && data.whole),
    ).flat();
    expect(kinds).toContain(false);
    expect(kinds).toContain(true);
  });
  it("counts iterations that decide on an early end once they are over", () => {
    const feed = new LiveFeed(run, 1000);
    feed.push(iteration(1));
    for (const number of [2, 3]) feed.push(iteration(number, 1, "early-stopping"));
    const update = parse(feed.take(newCursor())).find(([name]) => name === "update");
    expect(update?.[1]).toMatchObject({ progress: { done: 3, planned: 1002 } });
  });
  it("samples only for those who look, and sends whole neurons of large rasters", () => {
    const feed = new LiveFeed(run, 1000);
    expect(feed.wants()).toBe(false);
    feed.readers = 1;
    expect(feed.wants()).toBe(true);
    const count = 100_000;
    const neurons = Uint32Array.from({ length: count }, (_, at) => at % 1000);
    const times = Float64Array.from({ length: count }, (_, at) => Math.floor(at / 1000) * 10 + 1);
    feed.sample({
      iteration: 7,
      duration: 1000,
      resolution: 1,
      learningFrom: 0,
      input: { times: new Float64Array(0), neurons: new Uint32Array(0), size: 10 },
      recurrent: { times, neurons, size: 1000 },
      signals: { readout: new Float64Array(1000), target: new Float64Array(1000).fill(Number.NaN) },
      readouts: 1,
    });
    expect(feed.wants()).toBe(false);
    const [, sample] = parse(feed.take(newCursor())).find(([name]) => name === "sample") as [
      "sample",
      Messages["sample"],
    ];
    expect(sample.recurrent).toMatchObject({ rows: 50, neurons: 1000 });
    expect(sample.recurrent.step).toHaveLength(5000);
    expect(sample.recurrent.row.filter((row) => row === 0)).toHaveLength(100);
    expect(sample.target[0]?.every((value) => value === null)).toBe(true);
  });
});

describe("what the feed costs", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });
  const sample = (number: number): SequenceSample => ({
    iteration: number,
    duration: 1000,
    resolution: 1,
    learningFrom: 0,
    input: { times: new Float64Array(0), neurons: new Uint32Array(0), size: 10 },
    recurrent: { times: new Float64Array(0), neurons: new Uint32Array(0), size: 10 },
    signals: { readout: new Float64Array(1000), target: new Float64Array(1000) },
    readouts: 1,
  });
  it("is below half a per cent of the time, as far as a page would not stand still for more than 10 s", () => {
    let [time, perCall] = [0, 0];
    vi.spyOn(performance, "now").mockImplementation(() => (time += perCall));
    const feed = new LiveFeed(run, 1000);
    feed.readers = 1;
    for (const cost of [1, 30, 100]) {
      expect(feed.wants()).toBe(true);
      const begin = time;
      feed.sample(sample(cost));
      perCall = cost;
      feed.take(newCursor());
      perCall = 0;
      const pause = Math.max(500, Math.min(10_000, 200 * cost));
      time = begin + pause - 1;
      expect(feed.wants(), `${cost} ms`).toBe(false);
      time = begin + pause;
      expect(feed.wants(), `${cost} ms`).toBe(true);
    }
  });
  it("is a message once for all pages, and none where no page takes it", () => {
    const read = vi.fn(() => 0);
    const signals = { readout: new Float64Array(1000), target: new Float64Array(1000) };
    Object.defineProperty(signals, "target", { get: () => (read(), new Float64Array(1000)) });
    const feed = new LiveFeed(run, 1000);
    feed.sample({ ...sample(1), signals });
    expect(read).not.toHaveBeenCalled();
    for (const cursor of [newCursor(), newCursor()]) {
      expect(parse(feed.take(cursor)).map(([name]) => name)).toEqual(["run", "update", "sample"]);
    }
    expect(read).toHaveBeenCalledTimes(1);
  });
});

describe("the server", () => {
  let server: LiveServer | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  const page = { html: "the page", headers: { "content-type": "text/html" } };

  async function serve(onStop = () => {}) {
    const feed = new LiveFeed(run, 1000);
    server = await serveLive(feed, page, onStop);
    return { feed, port: Number(new URL(server.url).port) };
  }

  const ask = (
    port: number,
    options: { method?: string; path?: string; headers?: Record<string, string>; host?: string },
  ) =>
    new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const { method = "GET", path = "/", headers = {}, host = "127.0.0.1" } = options;
      request({ host, port, method, path, headers, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (text += part));
        response.on("end", () => resolve({ status: response.statusCode, text }));
      })
        .on("error", reject)
        .end();
    });

  it("answers to its own names on the loopback interface alone", async () => {
    const { port } = await serve();
    expect(await ask(port, {})).toEqual({ status: 200, text: "the page" });
    expect((await ask(port, { headers: { host: `localhost:${port}` } })).status).toBe(200);
    for (const host of ["attacker.example", `attacker.example:${port}`, "127.0.0.1", `127.0.0.2:${port}`]) {
      expect((await ask(port, { headers: { host } })).status, host).toBe(421);
    }
    // The same machine by another of its addresses.
    await expect(ask(port, { host: "127.0.0.2" })).rejects.toThrow(/ECONNREFUSED/);
  });
  it("serves nothing outside its own files", async () => {
    const { port } = await serve();
    const paths = ["/package.json", "/../package.json", "/%2e%2e/package.json", "//etc/passwd", "/events/.."];
    for (const path of paths) {
      const { status, text } = await ask(port, { path });
      expect([status, text], path).toEqual([404, "there is no such page\n"]);
    }
    expect((await ask(port, { method: "PUT" })).status).toBe(404);
    expect((await ask(port, { path: "http://[" })).status).toBe(404);
  });
  it("takes the request to end from its own page alone", async () => {
    let stops = 0;
    const { port } = await serve(() => stops++);
    const stop = (headers: Record<string, string>) => ask(port, { method: "POST", path: "/stop", headers });
    expect((await stop({})).status).toBe(403);
    expect((await stop({ origin: "http://attacker.example" })).status).toBe(403);
    expect((await stop({ origin: "null" })).status).toBe(403);
    const own = { origin: `http://127.0.0.1:${port}` };
    expect((await stop({ ...own, "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await ask(port, { path: "/stop", headers: own })).status).toBe(404);
    expect(stops).toBe(0);
    expect((await stop({ ...own, "sec-fetch-site": "same-origin" })).status).toBe(204);
    expect(stops).toBe(1);
    expect((await ask(port, { path: "/events", headers: { "sec-fetch-site": "cross-site" } })).status).toBe(
      403,
    );
  });

  /** A connection that asked for the events; it reads nothing until told. */
  async function listener(port: number): Promise<Socket> {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.pause();
    socket.write(`GET /events HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);
    await wait(20);
    return socket;
  }

  it("queues nothing for a page that does not read, and closes all the same", async () => {
    const { feed, port } = await serve();
    const slow = await listener(port);
    await listener(port).then((gone) => gone.destroy());
    let made = 0;
    const { take } = LiveFeed.prototype;
    feed.take = (cursor) => {
      const text = take.call(feed, cursor);
      made += text.length;
      return text;
    };
    let number = 0;
    const more = async () => {
      for (let at = 0; at < 5000; at++) feed.push(iteration(++number, Math.random()));
      await server?.flush();
    };
    // The system takes some megabytes for the page; after that nothing is made for it.
    for (let at = 0; at < 60; at++) await more();
    const filled = made;
    for (let at = 0; at < 60; at++) await more();
    expect(made).toBe(filled);
    expect([feed.viewers, feed.readers, feed.wants()]).toEqual([1, 0, false]);
    // Once it reads, it has all in one piece.
    let text = "";
    slow.setEncoding("utf8");
    slow.on("data", (part: string) => (text += part));
    slow.resume();
    while (!text.includes(`[${number}]`) && !text.includes(`,${number}]`)) await wait(50);
    expect([feed.readers, feed.wants()]).toEqual([1, true]);
    slow.pause();
    const begin = performance.now();
    await server?.close();
    server = undefined;
    expect(performance.now() - begin).toBeLessThan(3000);
  });
  it("tells the pages that it closes, and refuses too many of them", async () => {
    const { feed, port } = await serve();
    const events = ask(port, { path: "/events" });
    while (feed.viewers < 1) await wait(5);
    const others = await Promise.all(Array.from({ length: 15 }, () => listener(port)));
    expect((await ask(port, { path: "/events" })).status).toBe(503);
    for (const other of others) other.destroy();
    feed.push(iteration(1));
    feed.end({ how: "request" });
    await server?.close();
    server = undefined;
    const { text } = await events;
    expect(parse(text).map(([name]) => name)).toEqual(["run", "update", "update", "end"]);
  });
  it("says which port is taken", async () => {
    const { port } = await serve();
    await expect(serveLive(new LiveFeed(run, 1), page, () => {}, port)).rejects.toThrow(
      new RegExp(`port ${port} .*EADDRINUSE`),
    );
  });
});
