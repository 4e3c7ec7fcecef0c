import { createHash } from "../core/hash.js";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** A page and the headers that it is sent with. */
export interface Page {
  html: string;
  headers: Readonly<Record<string, string>>;
}

const source = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const file = (path: string | URL) => readFileSync(path, "utf8");

/**
 * The page of the live view: one document that loads nothing else, and may run nothing but its own scripts.
 *
 * @param parts The folder of what it is made of, as the build leaves it.
 */
export function livePage(parts = new URL("page/", import.meta.url)): Page {
  const { resolve } = createRequire(import.meta.url);
  const plots = file(resolve("uplot/dist/uPlot.iife.min.js"));
  const client = file(new URL("live.js", parts));
  const style = file(resolve("uplot/dist/uPlot.min.css")) + file(new URL("live.css", parts));
  const html = file(new URL("live.html", parts))
    .replace("<!-- style -->", () => `<style>${style}</style>`)
    .replace("<!-- plots -->", () => `<script>${plots}</script>`)
    .replace("<!-- client -->", () => `<script type="module">${client}</script>`);
  const policy = {
    "default-src": "'none'",
    "script-src": `${source(plots)} ${source(client)}`,
    "style-src": source(style),
    "connect-src": "'self'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
  };
  return {
    html,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": Object.entries(policy)
        .map(([directive, value]) => `${directive} ${value}`)
        .join("; "),
    },
  };
}
