import { readFileSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { nestError } from "../core/errors.js";
import { type Cursor, type LiveFeed, newCursor, restAfter } from "./feed.js";
import type { Page } from "./page.js";

/** Shortest time between two updates of pages (ms). */
const updateInterval = 250;
/** Pages that are served at once. */
const mostPages = 16;
/** Time that pages have to take what is left when the server closes (ms). */
const patience = 500;
/** Time that pages have to fetch the report (ms). */
const reportPatience = 3000;

/** A server of one live view, on the loopback interface. */
export interface LiveServer extends AsyncDisposable {
  /** The page's address. */
  readonly url: string;
  /** Sends pages what they lack now, before work that keeps the process busy. */
  flush(): Promise<void>;
  /** Sends what is left to send, and ends all connections. */
  close(): Promise<void>;
}

/**
 * Serves a live view on 127.0.0.1.
 *
 * A page that is slow or gone is skipped until it has taken what it was sent; then it gets what it lacks in one piece.
 *
 * @param onStop Called when someone asks for the training's end.
 * @param port 0 for any free one.
 */
export async function serveLive(
  feed: LiveFeed,
  page: Page,
  onStop: () => void,
  port = 0,
): Promise<LiveServer> {
  const listeners = new Listeners(feed);
  const answers = new Answers(feed, page, onStop, listeners);
  const server = createServer();
  const actual = await listening(server, port);
  const hosts = [`127.0.0.1:${actual}`, `localhost:${actual}`];
  // Nothing is asked before this: connections are accepted in a later turn of the event loop.
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    answers.answer(request, response, hosts);
  });
  const update = () => {
    const begin = performance.now();
    listeners.sendAll();
    timer = setTimeout(update, restAfter(performance.now() - begin, updateInterval));
  };
  let timer = setTimeout(update, updateInterval);

  const close = async () => {
    clearTimeout(timer);
    if (feed.report !== undefined) {
      listeners.sendAll();
      // What a page has fetched, its browser keeps.
      const deadline = performance.now() + reportPatience;
      while (answers.reports < feed.readers && performance.now() < deadline) await wait(10);
    }
    const closed = new Promise((resolve) => server.close(resolve));
    listeners.endAll();
    server.closeIdleConnections();
    const patient = setTimeout(() => server.closeAllConnections(), patience);
    await closed;
    clearTimeout(patient);
  };
  const flush = async () => {
    listeners.sendAll();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { url: `http://127.0.0.1:${actual}/`, flush, close, [Symbol.asyncDispose]: close };
}

/** The port that a server listens on, once it does. */
async function listening(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE" || error.code === "EACCES";
      reject(
        taken
          ? nestError({
              code: "ValueError",
              message: `the live view cannot listen on port ${port} (${error.code})`,
              parameter: "port",
              value: String(port),
              bound: "a free port, or 0 for any",
            })
          : error,
      );
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** A page that listens. */
interface Listener {
  readonly response: ServerResponse;
  readonly cursor: Cursor;
  /** Whether it has not yet taken what it was sent. Until it has, it is sent nothing more. */
  behind: boolean;
}

/** The pages that listen. The feed knows how many they are, and how many of them read. */
class Listeners {
  readonly #feed: LiveFeed;
  readonly #all = new Set<Listener>();

  constructor(feed: LiveFeed) {
    this.#feed = feed;
  }

  /** How many pages listen. */
  get size(): number {
    return this.#all.size;
  }

  /** Takes a page on, and sends it all that there is. */
  add(response: ServerResponse): void {
    const listener: Listener = { response, cursor: newCursor(), behind: false };
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.on("drain", () => {
      listener.behind = false;
      this.#count();
    });
    response.on("close", () => {
      this.#all.delete(listener);
      this.#count();
    });
    this.#all.add(listener);
    this.#send(listener);
    this.#count();
  }

  /** Sends all pages what they lack. */
  sendAll(): void {
    for (const listener of this.#all) this.#send(listener);
  }

  /** Sends all pages what they lack, for the last time. */
  endAll(): void {
    for (const { response, cursor } of this.#all) response.end(this.#feed.take(cursor));
  }

  /** Tells the feed how many pages there are. */
  #count(): void {
    this.#feed.viewers = this.#all.size;
    this.#feed.readers = [...this.#all].filter(({ behind }) => !behind).length;
  }

  /** Sends a page what it lacks, unless it is behind. */
  #send(listener: Listener): void {
    if (listener.behind) return;
    const events = this.#feed.take(listener.cursor);
    if (events === "") return;
    listener.behind = !listener.response.write(events);
    if (listener.behind) this.#count();
  }
}

/** The server's answers to requests. */
class Answers {
  readonly #feed: LiveFeed;
  readonly #routes: ReadonlyMap<string, (request: IncomingMessage, response: ServerResponse) => void>;
  #reports = 0;

  constructor(feed: LiveFeed, page: Page, onStop: () => void, listeners: Listeners) {
    this.#feed = feed;
    this.#routes = new Map([
      ["GET /", (_, response) => response.writeHead(200, page.headers).end(page.html)],
      [
        "GET /events",
        (_, response) => {
          if (listeners.size < mostPages) listeners.add(response);
          else refuse(response, 503, "too many pages are open");
        },
      ],
      ["POST /stop", (request, response) => this.#stop(request, response, onStop)],
    ]);
  }

  /** How many answers with the report were taken. */
  get reports(): number {
    return this.#reports;
  }

  /**
   * Answers a request.
   *
   * @param hosts The names of this server.
   */
  answer(request: IncomingMessage, response: ServerResponse, hosts: readonly string[]): void {
    const { host, "sec-fetch-site": site } = request.headers;
    for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value);
    request.resume();
    // A name that leads to this address but is not its own was made to lead here (DNS rebinding).
    if (host === undefined || !hosts.includes(host)) {
      refuse(response, 421, `this server is ${hosts.join(" or ")}`);
      return;
    }
    const path = request.url?.split("?", 1)[0];
    if (site !== undefined && site !== "same-origin" && site !== "none" && path !== "/") {
      refuse(response, 403, "the request comes from elsewhere");
      return;
    }
    const { report } = this.#feed;
    if (report !== undefined && path === report.path && request.method === "GET") {
      this.#sendReport(report.file, response);
      return;
    }
    const route = this.#routes.get(`${request.method} ${path}`);
    if (route !== undefined) route(request, response);
    else refuse(response, 404, "there is no such page");
  }

  /** Answers with the report, if its file is there. */
  #sendReport(file: string, response: ServerResponse): void {
    let html: Uint8Array;
    try {
      html = readFileSync(file);
    } catch {
      refuse(response, 404, "there is no report");
      return;
    }
    response.once("finish", () => (this.#reports += 1));
    response.writeHead(200, reportHeaders).end(html);
  }

  /** Ends the training, if the live view asks for it. */
  #stop({ headers }: IncomingMessage, response: ServerResponse, onStop: () => void): void {
    // A browser says where a request comes from; other sites can't end a training.
    if (headers.origin === undefined || headers.origin !== `http://${headers.host}`) {
      refuse(response, 403, "the request comes from elsewhere");
      return;
    }
    this.#feed.ending();
    onStop();
    response.writeHead(204).end();
  }
}

/** A report keeps what it draws to itself, and stays in a browser's cache when the server is gone. */
const reportHeaders = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "private, max-age=86400, immutable",
  "content-security-policy":
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
} as const;

const commonHeaders = {
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
} as const;

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { "content-type": "text/plain", connection: "close" }).end(`${reason}\n`);
}
