/**
 * Every example in the documents of the packed package runs, in a folder that has nothing but that package installed: TypeScript is type-checked and run, JavaScript and shell commands are run.
 *
 * After the language, the fence may say `no-run="reason"`, `cjs` (a CommonJS program), `checkout` (a command for the
 * checkout, not for where eprop is installed) or `file="name"` (what the document's other examples find by that name).
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { consumerManifest, installArguments, packCheckout } from "./packed.js";

interface Example {
  document: string;
  /** Document and line. */
  place: string;
  language: string;
  attributes: string;
  code: string;
}

const languages: Record<string, string> = { ts: "ts", js: "js", sh: "sh" };

const folder = mkdtempSync(join(tmpdir(), "eprop-documents-"));
const root = resolve(".");
install();
const installed = join(folder, "node_modules/eprop");

/** Packs the checkout, and installs what was packed in an empty folder. `EPROP_PACKAGES` names packed files instead. */
function install(): void {
  const packages = process.env["EPROP_PACKAGES"] ?? join(folder, "packages");
  if (!existsSync(packages)) packCheckout(packages, join(folder, "artifacts"));
  writeFileSync(join(folder, "package.json"), JSON.stringify(consumerManifest(packages)));
  // The page on networks begins with `npm install h5wasm`.
  const also = `h5wasm@${manifest.devDependencies.h5wasm}`;
  const { status, stdout, stderr } = spawnSync("npm", [...installArguments(packages), also], {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  expect(status, stdout + stderr).toBe(0);
}

const documents = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(installed, "docs")).map((name) => `docs/${name}`),
];

function examplesIn(document: string): Example[] {
  const text = readFileSync(join(installed, document), "utf8");
  return [...text.matchAll(/^```(\S+)(.*)\n([\s\S]*?)^```$/gm)].map(
    ({ 1: language = "", 2: attributes = "", 3: code = "", index }) => ({
      document,
      place: `${document}:${text.slice(0, index).split("\n").length}`,
      language,
      attributes,
      code,
    }),
  );
}

const all = documents.flatMap(examplesIn);
const examples = all.filter(
  ({ language, attributes }) => languages[language] !== undefined && !attributes.includes("no-run"),
);

const nameOf = (example: Example) => `example-${examples.indexOf(example)}`;

beforeAll(() => {
  for (const example of examples) {
    const { language, attributes, code } = example;
    const extension = attributes.includes("cjs") ? "cjs" : language;
    writeFileSync(join(folder, `${nameOf(example)}.${extension}`), code);
  }
  const compilerOptions = {
    module: "NodeNext",
    target: "ES2023",
    strict: true,
    skipLibCheck: true,
    typeRoots: [join(root, "node_modules/@types")],
    types: ["node"],
    moduleDetection: "force",
    allowImportingTsExtensions: false,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", folder],
    { encoding: "utf8" },
  );
  const places = examples.map((example) => `${nameOf(example)}: ${example.place}`).join("\n");
  expect(status, `${stdout}\n${places}`).toBe(0);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000);

/** Runs an example in a folder of its own, where `npm run eprop` is the command as it is in a checkout. */
function run(example: Example) {
  const { document, language, attributes, code } = example;
  const cwd = join(folder, `${nameOf(example)}-folder`);
  mkdirSync(cwd);
  const scripts = { eprop: `"${process.execPath}" "${installed}/dist/cli/bin.js"` };
  writeFileSync(join(cwd, "package.json"), JSON.stringify({ private: true, type: "module", scripts }));
  for (const other of examples) {
    const [, name] = /file="([^"]+)"/.exec(other.attributes) ?? [];
    if (name !== undefined && other.document === document) writeFileSync(join(cwd, name), other.code);
  }
  const file = `${nameOf(example)}.${attributes.includes("cjs") ? "cjs" : "js"}`;
  if (language !== "sh") copyFileSync(join(folder, file), join(cwd, file));
  const [program, args] = language === "sh" ? ["sh", ["-e", "-c", code]] : [process.execPath, [file]];
  return spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, npm_config_offline: "true" },
  });
}

/** Comments of the code that name a document: `docs/x.md`, or `docs/x.md, Heading` up to the end of a clause. */
function* references(): Generator<{ place: string; document: string; heading: string | undefined }> {
  for (const top of ["crates", "ts", "bench"]) {
    for (const name of readdirSync(top, { recursive: true, encoding: "utf8" })) {
      if (!/\.(rs|ts|py)$/.test(name) || /native/.test(name)) continue;
      const text = readFileSync(join(top, name), "utf8").replaceAll(/\n\s*(\/\/[/!]?|\*|#) ?/g, " ");
      for (const [, document = "", heading] of text.matchAll(/\b(docs\/[\w-]+\.md)(?:, ([A-Z][^);:.]*))?/g)) {
        yield { place: `${top}/${name}`, document, heading };
      }
    }
  }
}

describe("references of the code to the documents", () => {
  it("lead to a document, and to a heading in it", () => {
    const found = [...references()];
    expect(found.filter(({ heading }) => heading !== undefined).length).toBeGreaterThan(12);
    for (const { place: where, document, heading } of found) {
      const headings = readFileSync(document, "utf8").match(/^#+ .*$/gm) ?? [];
      if (heading === undefined) continue;
      expect(
        headings.map((line) => line.replace(/^#+ /, "")),
        where,
      ).toContain(heading);
    }
  });
});

describe("examples in the documents", () => {
  it("are there, and those that do not run say why", () => {
    expect(examples.length).toBeGreaterThan(10);
    for (const { place, language, attributes } of all) {
      expect(
        languages[language] ??
          ["json", "python", "sql", "text", "math", "mermaid", "yaml"].find((one) => one === language),
        place,
      ).toBe(language);
      if (attributes.includes("no-run")) expect(attributes, place).toMatch(/no-run="[^"]{10,}"/);
    }
  });
  it.each(examples.map((example) => [example.place, example] as const))(
    "%s runs",
    (_, example) => {
      const { status, stdout, stderr } = run(example);
      expect(status, stdout + stderr).toBe(0);
    },
    180_000,
  );
});
