/** Publishing, to a registry of its own: what is there already is skipped, the main package comes last, `next` by name. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

interface Published {
  name: string;
  "dist-tags": Record<string, string>;
  versions: Record<string, unknown>;
}

const folder = mkdtempSync(join(tmpdir(), "eprop-publish-"));
const packages = join(folder, "packages");
/** What the registry has, and what it was given, in order. */
const registry = new Map<string, Published>();
const given: string[] = [];
/** The package that it refuses to take, once. */
let refused: string | undefined;

const server: Server = createServer((request, response) => {
  const name = (request.url ?? "").slice(1).replace(/[?/].*/, "");
  const answer = (status: number, body: object) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  if (request.method !== "PUT") {
    const found = registry.get(name);
    answer(found === undefined ? 404 : 200, found ?? { error: "not_found" });
    return;
  }
  let text = "";
  request.on("data", (part) => (text += String(part)));
  request.on("end", () => {
    if (name === refused) {
      refused = undefined;
      answer(403, { error: "try again" });
      return;
    }
    const published = JSON.parse(text) as Published;
    registry.set(name, published);
    given.push(`${name} ${JSON.stringify(published["dist-tags"])}`);
    answer(201, { ok: true });
  });
});

function pack(name: string, version: string): void {
  const source = join(folder, name);
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, "package.json"), JSON.stringify({ name, version }));
  const { status, stderr } = spawnSync("npm", ["pack", "--pack-destination", packages], {
    cwd: source,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  expect(status, stderr).toBe(0);
}

/** Runs the script against that registry. */
function publish(...options: string[]): Promise<{ status: number | null; said: string }> {
  const { port } = server.address() as AddressInfo;
  const config = join(folder, "npmrc");
  writeFileSync(
    config,
    `registry=http://localhost:${port}/\n//localhost:${port}/:_authToken=none\nfetch-retries=0\n`,
  );
  const child = spawn(process.execPath, ["scripts/publish.mjs", packages, ...options], {
    env: { ...process.env, npm_config_userconfig: config, npm_config_cache: join(folder, "cache") },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += String(part)));
  return new Promise((done) => child.once("exit", (status) => done({ status, said })));
}

beforeAll(async () => {
  mkdirSync(packages);
  pack("eprop", "1.2.3-0");
  pack("eprop-linux-x64-gnu", "1.2.3-0");
  await new Promise<void>((done) => server.listen(0, "localhost", done));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

it("goes on where it was interrupted, with the main package last and a prerelease as next", async () => {
  const rehearsed = await publish("--dry-run");
  expect(rehearsed.status, rehearsed.said).toBe(0);
  expect(rehearsed.said).toContain("eprop@1.2.3-0 would be published");
  expect(given).toEqual([]);
  refused = "eprop";
  const failed = await publish();
  expect(failed.status).not.toBe(0);
  const binary = 'eprop-linux-x64-gnu {"next":"1.2.3-0"}';
  expect(given, failed.said).toEqual([binary]);
  const again = await publish();
  expect(again.status, again.said).toBe(0);
  expect(again.said).toContain("eprop-linux-x64-gnu@1.2.3-0 is published already");
  expect(given).toEqual([binary, 'eprop {"next":"1.2.3-0"}']);
}, 120_000);
