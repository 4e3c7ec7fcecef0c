import { readFileSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
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

/** A page that listens. */
interface Listener {
  readonly response: ServerResponse;
  readonly cursor: Cursor;
  /** Whether it has not yet taken what it was sent. Until it has, it is sent nothing more. */
  behind: boolean;
}

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
  const listeners = new Set<Listener>();
  let hosts: readonly string[] = [];

  const listen = (response: ServerResponse) => {
    const listener: Listener = { response, cursor: newCursor(), behind: false };
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.on("drain", () => {
      listener.behind = false;
      count();
    });
    response.on("close", () => {
      listeners.delete(listener);
      count();
    });
    listeners.add(listener);
    send(listener);
    count();
  };

  const count = () => {
    feed.viewers = listeners.size;
    feed.readers = [...listeners].filter(({ behind }) => !behind).length;
  };

  const send = (listener: Listener) => {
    if (listener.behind) return;
    const events = feed.take(listener.cursor);
    if (events === "") return;
    listener.behind = !listener.response.write(events);
    if (listener.behind) count();
  };

  /** Answers with the report that were taken. */
  const fetched = new Set<ServerResponse>();
  const sendReport = (file: string, response: ServerResponse) => {
    let html: Uint8Array;
    try {
      html = readFileSync(file);
    } catch {
      refuse(response, 404, "there is no report");
      return;
    }
    response.once("finish", () => fetched.add(response));
    response.writeHead(200, reportHeaders).end(html);
  };

  const routes = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>();
  routes.set("GET /", (_, response) => response.writeHead(200, page.headers).end(page.html));
  routes.set("GET /events", (_, response) => {
    if (listeners.size < mostPages) listen(response);
    else refuse(response, 503, "too many pages are open");
  });
  routes.set("POST /stop", ({ headers }, response) => {
    // A browser says where a request comes from; other sites can't end a training.
    if (headers.origin === undefined || headers.origin !== `http://${headers.host}`) {
      refuse(response, 403, "the request comes from elsewhere");
      return;
    }
    feed.ending();
    onStop();
    response.writeHead(204).end();
  });

  const server = createServer((request, response) => {
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
    if (feed.report !== undefined && path === feed.report.path && request.method === "GET") {
      sendReport(feed.report.file, response);
      return;
    }
    const route = routes.get(`${request.method} ${path}`);
    if (route !== undefined) route(request, response);
    else refuse(response, 404, "there is no such page");
  });

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
  const { port: actual } = server.address() as AddressInfo;
  hosts = [`127.0.0.1:${actual}`, `localhost:${actual}`];
  const sendAll = () => {
    for (const listener of listeners) send(listener);
  };
  const update = () => {
    const begin = performance.now();
    sendAll();
    timer = setTimeout(update, restAfter(performance.now() - begin, updateInterval));
  };
  let timer = setTimeout(update, updateInterval);

  const close = async () => {
    clearTimeout(timer);
    if (feed.report !== undefined) {
      sendAll();
      // What a page has fetched, its browser keeps.
      const deadline = performance.now() + reportPatience;
      while (fetched.size < feed.readers && performance.now() < deadline) await wait(10);
    }
    const closed = new Promise((resolve) => server.close(resolve));
    for (const { response, cursor } of listeners) response.end(feed.take(cursor));
    server.closeIdleConnections();
    const patient = setTimeout(() => server.closeAllConnections(), patience);
    await closed;
    clearTimeout(patient);
  };
  const flush = async () => {
    sendAll();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { url: `http://127.0.0.1:${actual}/`, flush, close, [Symbol.asyncDispose]: close };
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
