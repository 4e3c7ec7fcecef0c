import { existsSync } from "node:fs";
import { type Browser, type Page, chromium } from "playwright-core";
// Where systems put it; `npm test` looks there, too.
import places from "./places.json" with { type: "json" };

/** The program to drive: what CHROMIUM names, else what is installed where systems put it. */
function chromiumProgram(): string {
  const program = process.env.CHROMIUM ?? places.find((place) => existsSync(place));
  if (program !== undefined && existsSync(program)) return program;
  throw new Error(
    `The browser tests need Chromium, and ${program ?? `none of ${places.join(", ")}`} exists. ` +
      "Install it (`npm run pretest`; Debian: apt-get install chromium) or set CHROMIUM to its program.",
  );
}

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A headless Chromium with an empty profile of its own. Close it after the tests. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumProgram(), args: flags });
}

/** How a page is looked at. */
export interface Look {
  width?: number;
  height?: number;
  colorScheme?: "light" | "dark";
}

/** A page that was opened, and what went on in it since. */
export interface Visit {
  page: Page;
  /** Errors and warnings on the console, exceptions nobody caught, requests that failed. */
  problems: string[];
  /** Addresses that were asked for, the page's own first. */
  requests: string[];
}

/** Opens a page in a fresh context (no storage, no cache); close it with `page.context().close()`. */
export async function visit(browser: Browser, url: string, look: Look = {}): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1200, height: look.height ?? 900 },
    colorScheme: look.colorScheme ?? "light",
  });
  const page = await context.newPage();
  const problems: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) =>
    problems.push(`request failed: ${request.url()} ${request.failure()?.errorText ?? ""}`),
  );
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, problems, requests };
}
