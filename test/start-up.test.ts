import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** What compiled modules import, with files as URLs, from one module on. */
function importGraph(entry: URL): { files: Set<string>; others: Set<string> } {
  const files = new Set<string>();
  const others = new Set<string>();
  const open = [entry];
  for (let url = open.pop(); url !== undefined; url = open.pop()) {
    if (files.has(url.href)) continue;
    files.add(url.href);
    const text = readFileSync(url, "utf8");
    for (const [, from, alone] of text.matchAll(
      /^(?:(?:import|export) [^"';]*? from "([^"]+)"|import "([^"]+)");/gm,
    )) {
      const name = from ?? alone ?? "";
      if (name.startsWith(".")) open.push(new URL(name, url));
      else others.add(name);
    }
  }
  return { files, others };
}

/** Modules of Node that importing a module loads in a fresh process. */
function builtinsLoaded(entry: URL): string[] {
  const script = `
    const before = new Set(process.moduleLoadList);
    await import(${JSON.stringify(entry.href)});
    const added = process.moduleLoadList.filter((name) => !before.has(name));
    console.log(JSON.stringify(added.filter((name) => /^NativeModule (?!internal)/.test(name))));
  `;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  return (JSON.parse(stdout) as string[]).map((name) => name.replace("NativeModule ", ""));
}

describe('import "eprop"', () => {
  const entry = new URL("../dist/index.js", import.meta.url);
  const { files, others } = importGraph(entry);
  it("loads no package: nothing of figures, archives or the command line", () => {
    expect([...others].filter((name) => !name.startsWith("node:"))).toEqual([]);
  });
  it("loads few files: itself, what it is a door to, the binary's loader, and what refuses to run before it", () => {
    const names = [...files].map((url) => url.slice(new URL("../dist/", import.meta.url).href.length));
    const own = ["core.js", "core/load-binding.js", "core/runtime.js", "index.js", "native/index.js"];
    expect(names.toSorted()).toEqual(own);
  });
  it("has one instance of everything with its other entries", async () => {
    const url = (name: string) => new URL(`../dist/${name}.js`, import.meta.url).href;
    const [whole, nest, errors] = (await Promise.all(
      ["index", "nest/index", "core/errors"].map((name) => import(url(name))),
    )) as { Kernel: unknown; NESTError: unknown }[];
    expect(nest?.Kernel).toBe(whole?.Kernel);
    expect(errors?.NESTError).toBe(whole?.NESTError);
    expect(whole?.Kernel).toBeTypeOf("function");
  });
  it("loads none of Node's larger modules", () => {
    const allowed = new Set(["module", "path", "url", "fs", "string_decoder"]);
    expect(builtinsLoaded(entry).filter((name) => !allowed.has(name))).toEqual([]);
  });
});

describe("the command line", () => {
  it("loads no plotting library before it plots", () => {
    const { others } = importGraph(new URL("../dist/cli/main.js", import.meta.url));
    expect([...others]).toContain("commander");
    const plotting = ["vega", "vega-lite", "@resvg/resvg-js", "fast-png"];
    expect(plotting.filter((library) => others.has(library))).toEqual([]);
  });
});
