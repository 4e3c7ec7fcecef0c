/**
 * The packages as a user gets them: packed, installed in an empty folder without a compiler, and used.
 *
 * `EPROP_PACKAGES` names a folder with packed files to test instead of the checkout's.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consumerManifest, installArguments, packCheckout, packedFile } from "./packed.js";

/** Packed size that no package may reach (bytes). */
const sizeLimit = 3_000_000;
/** NEST's loss in the first iteration of the sine-wave task. */
const firstLoss = 101.9643569990416;
/** The oldest TypeScript whose programs can use the declarations; the consumer has it. */
const oldTypeScript = "5.4.5";

const windows = process.platform === "win32";
const root = resolve(".");
const folder = mkdtempSync(join(tmpdir(), "eprop-package-"));
const packages = process.env["EPROP_PACKAGES"] ?? join(folder, "packages");
const consumer = join(folder, "consumer");
const installed = (name: string) => join(consumer, "node_modules", name);

/** A PATH on which npm works and there is neither cargo nor rustc. */
function pathWithoutRust(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  if (windows) {
    return folders.filter((place) => !existsSync(join(place, "cargo.exe"))).join(delimiter);
  }
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const program of ["node", "npm", "npx", "sh", "env"]) {
    const place = folders.find((from) => existsSync(join(from, program)));
    if (place !== undefined) symlinkSync(join(place, program), join(bin, program));
  }
  return bin;
}

let path = "";

/** Runs a program in the consumer's folder. */
function run(program: string, ...args: string[]) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: consumer,
    encoding: "utf8",
    env: { ...process.env, PATH: path, npm_config_audit: "false", npm_config_fund: "false" },
    shell: windows && program !== process.execPath,
  });
  if (error) throw error;
  return { status, stdout, stderr, said: `${stdout}${stderr}` };
}

const node = (...args: string[]) => run(process.execPath, ...args);

const packed = (name: string) => packedFile(packages, name);

beforeAll(() => {
  if (!existsSync(packages)) packCheckout(packages, join(folder, "artifacts"));
  mkdirSync(consumer);
  path = pathWithoutRust();
  writeFileSync(join(consumer, "package.json"), JSON.stringify(consumerManifest(packages)));
  const { status, said } = run("npm", ...installArguments(packages), `typescript@${oldTypeScript}`);
  expect(status, said).toBe(0);
  for (const name of readdirSync("test/package"))
    copyFileSync(join("test/package", name), join(consumer, name));
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000);

it("no compiler is at hand", () => {
  expect(spawnSync("cargo", ["--version"], { env: { PATH: path } }).error).toBeDefined();
  expect(spawnSync("rustc", ["--version"], { env: { PATH: path } }).error).toBeDefined();
});

describe("what is packed", () => {
  it("is small", () => {
    for (const name of readdirSync(packages)) {
      expect(statSync(join(packages, name)).size, name).toBeLessThan(sizeLimit);
    }
  });
  it("has one binary, in the package of its platform, which alone is installed", () => {
    const own = readdirSync(join(consumer, "node_modules")).filter((name) => name.startsWith("eprop"));
    expect(own).toHaveLength(2);
    const [main = "", binary = ""] = own;
    expect(readdirSync(installed(binary)).filter((name) => name.endsWith(".node"))).toHaveLength(1);
    expect(readdirSync(installed(binary))).toContain("THIRD-PARTY-NOTICES.txt");
    const files = readdirSync(installed(main), { recursive: true, encoding: "utf8" });
    expect(files.filter((name) => name.endsWith(".node"))).toEqual([]);
    for (const name of ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "CHANGELOG.md"]) {
      expect(files).toContain(name);
    }
  });
  it("has documents whose links lead somewhere", () => {
    const main = installed("eprop");
    const documents = readdirSync(main, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".md") && !name.includes("node_modules"),
    );
    expect(documents.length).toBeGreaterThan(10);
    for (const name of documents) {
      const text = readFileSync(join(main, name), "utf8").replaceAll(/^```[^]*?^```$/gm, "");
      for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^(https?:|#)/.test(link)) continue;
        const target = join(main, dirname(name), link.replace(/#.*$/, ""));
        // Pages that come out of tables are on the site alone.
        expect(existsSync(target), `${name}: ${link}`).toBe(true);
      }
    }
    expect(readdirSync(join(main, "examples"))).toEqual(expect.arrayContaining(["nest", "trainer.ts"]));
  });
  it("says nothing of how it is developed", () => {
    const fields = JSON.parse(readFileSync(join(installed("eprop"), "package.json"), "utf8")) as object;
    for (const name of ["scripts", "devDependencies", "overrides", "napi"]) {
      expect(fields).not.toHaveProperty(name);
    }
    expect(fields).toHaveProperty("author");
  });
  it("has source maps that contain their sources", () => {
    const map = JSON.parse(readFileSync(join(installed("eprop"), "dist/core.js.map"), "utf8")) as {
      sourcesContent?: string[];
    };
    expect(map.sourcesContent?.some((source) => source.includes("export class Kernel"))).toBe(true);
  });
  it.each([
    ["publint", ["publint", "run", "--strict"]],
    // CommonJS gets the ES modules: Node has require(esm) from 20.19 on.
    ["attw", ["attw", "--profile", "esm-only"]],
  ])("%s has nothing to report", (_, [program = "", ...args]) => {
    const { status, stdout, stderr } = spawnSync("npx", ["--no", program, "--", ...args, packed("eprop")], {
      cwd: root,
      encoding: "utf8",
      shell: windows,
    });
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).not.toMatch(/suggestion|warning/i);
  });
});

describe("what is installed", () => {
  it("trains from the command line", () => {
    const { status, stdout, said } = run(
      "npx",
      "--no",
      "eprop",
      "--",
      "train",
      "sine-waves",
      "--iterations",
      "2",
      "--json",
      "--quiet",
    );
    expect(status, said).toBe(0);
    const { loss } = JSON.parse(stdout) as { loss: number[] };
    expect(loss).toHaveLength(2);
    expect(loss[0]).toBeCloseTo(firstLoss, 9);
  });
  it.each([
    // The declarations themselves are checked once.
    ["NodeNext", false],
    ["Bundler", true],
  ])("type-checks a program with %s resolution", (moduleResolution, skipLibCheck) => {
    const options = {
      module: moduleResolution === "Bundler" ? "ESNext" : moduleResolution,
      moduleResolution,
      target: "ES2023",
      strict: true,
      skipLibCheck,
      typeRoots: [join(root, "node_modules/@types")],
      types: ["node"],
      outDir: moduleResolution,
    };
    const config = `tsconfig.${moduleResolution}.json`;
    writeFileSync(
      join(consumer, config),
      JSON.stringify({ compilerOptions: options, files: ["program.ts"] }),
    );
    const { status, said } = node(join(root, "node_modules/typescript/bin/tsc"), "-p", config);
    expect(status, said).toBe(0);
    const { stdout, stderr } = node(join(moduleResolution, "program.js"));
    expect(JSON.parse(stdout), stderr).toEqual({
      loss: expect.closeTo(firstLoss, 9) as number,
      tau: [10, 20, 30],
      code: "BadProperty",
    });
  });
  it("type-checks a program for ES2022 without Node's types, declarations included", () => {
    const options = {
      module: "NodeNext",
      moduleResolution: "NodeNext",
      target: "ES2022",
      strict: true,
      skipLibCheck: false,
      types: [],
      noEmit: true,
    };
    const program = [
      'import { Trainer, tasks, train, type Task } from "eprop";',
      'import * as nest from "eprop/nest";',
      'import { figuresOf } from "eprop/report";',
      "const task: Task = tasks.sineWaves({ iterations: 1 });",
      "for await (const { loss } of train(task)) { const value: number = loss; void value; }",
      "void [Trainer, nest, figuresOf];",
    ];
    writeFileSync(join(consumer, "plain.ts"), program.join("\n"));
    const config = { compilerOptions: options, files: ["plain.ts"] };
    writeFileSync(join(consumer, "tsconfig.plain.json"), JSON.stringify(config));
    for (const place of [root, consumer]) {
      const compiler = join(place, "node_modules/typescript/bin/tsc");
      const { status, said } = node(compiler, "-p", "tsconfig.plain.json");
      expect(status, said).toBe(0);
    }
  });
  it("refuses with the oldest TypeScript, too, what must not compile", () => {
    const places = { "../ts/index.js": "eprop", "../ts/nest/index.js": "eprop/nest" };
    const files = ["types.ts", "types-read.ts"];
    for (const name of files) {
      const text = readFileSync(join("test", name), "utf8").replace("../ts/network/index.js", "eprop");
      const imports = Object.entries(places).reduce((all, [from, to]) => all.replaceAll(from, to), text);
      writeFileSync(join(consumer, name), imports);
    }
    const options = {
      module: "NodeNext",
      moduleResolution: "NodeNext",
      target: "ES2022",
      strict: true,
      exactOptionalPropertyTypes: true,
      types: [],
      noEmit: true,
    };
    writeFileSync(join(consumer, "tsconfig.types.json"), JSON.stringify({ compilerOptions: options, files }));
    const compiler = join(consumer, "node_modules/typescript/bin/tsc");
    const { status, said } = node(compiler, "-p", "tsconfig.types.json");
    expect(status, said).toBe(0);
  });
  const answer = { loss: expect.closeTo(firstLoss, 9) as number, nodes: 2 };
  it("can be required", () => {
    const { stdout, stderr } = node("required.cjs");
    expect(JSON.parse(stdout), stderr).toEqual(answer);
    expect(stderr).toBe("");
  });
  it("can be imported and required in worker threads, at once", () => {
    const { stdout, stderr } = node("workers.mjs", "./imported.mjs", "./required.cjs", "./imported.mjs");
    expect(JSON.parse(stdout), stderr).toEqual([answer, answer, answer]);
  });
  describe("and bundled", () => {
    const program =
      'import { Kernel } from "eprop/nest";\nconsole.log(new Kernel().Create("parrot_neuron", 2).length);\n';
    /** What a bundle of a program says, without what is external. */
    async function bundled(platform: "node" | "browser", external: RegExp[]) {
      writeFileSync(join(consumer, "app.js"), program);
      const bundle = await rolldown({
        input: join(consumer, "app.js"),
        cwd: consumer,
        platform,
        external,
        logLevel: "silent",
      });
      await bundle.write({ dir: join(consumer, "bundle"), format: "esm", entryFileNames: "app.mjs" });
      await bundle.close();
      return node(join("bundle", "app.mjs"));
    }
    it("works where it is left out, as the documentation has it", async () => {
      const [, pattern = ""] =
        /Rolldown, Rollup\s*\| `external: \[\/(.*?)\/\]`/.exec(readFileSync("docs/bundlers.md", "utf8")) ??
        [];
      const { stdout, stderr } = await bundled("node", [new RegExp(pattern.replaceAll("\\|", "|"))]);
      expect(stdout, stderr).toBe("2\n");
    });
    it("says what to do where it is not left out", async () => {
      // Binaries of other packages cannot be bundled at all.
      const { status, stderr } = await bundled("node", [/^@resvg/]);
      expect(status).toBe(1);
      expect(stderr).toMatch(/eprop was put into a bundle[^]*--external:eprop/);
    });
    it("says that it is not for browsers", async () => {
      const { status, stderr } = await bundled("browser", []);
      expect(status).toBe(1);
      expect(stderr).toMatch(/not in browsers[^]*ERR_EPROP_RUNTIME/);
    });
  });
  it("says what to do where its binary was not installed", () => {
    const binary =
      readdirSync(join(consumer, "node_modules")).find((name) => name.startsWith("eprop-")) ?? "";
    renameSync(installed(binary), join(folder, "aside"));
    try {
      const { status, stdout, stderr } = run("npx", "--no", "eprop", "tasks");
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toContain(`optional package ${binary}`);
      expect(stderr).not.toMatch(/^\s+at /m);
    } finally {
      renameSync(join(folder, "aside"), installed(binary));
    }
  });
});
