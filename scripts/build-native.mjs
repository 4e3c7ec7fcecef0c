// Builds the addon for this machine into ts/native, with its loader and types.
// Arguments go to `napi build`: `--profile profiling` keeps symbols, `--target …` builds for another machine.
import { spawnSync } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { toolchainProblem, versionOf } from "./toolchain.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);

function build() {
  const manifest = require.resolve("@napi-rs/cli/package.json");
  const { bin } = require(manifest);
  const cli = join(dirname(manifest), typeof bin === "string" ? bin : bin.napi);
  const given = process.argv.slice(2);
  const { status, error } = spawnSync(
    process.execPath,
    [
      cli,
      "build",
      "--platform",
      ...(given.includes("--profile") ? [] : ["--release"]),
      "--manifest-path",
      "crates/eprop-node/Cargo.toml",
      "--output-dir",
      "ts/native",
      "--js",
      "binding.cjs",
      "--dts",
      "binding.d.cts",
      ...given,
    ],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
  );
  if (error) console.error(`The addon could not be built: ${error.message}`);
  if (status !== 0 && process.platform === "linux" && versionOf("cc") === undefined) {
    console.error("There is no C compiler, whose linker Rust uses. Debian: apt-get install gcc libc6-dev");
  }
  return status ?? 1;
}

/** A module over the generated loader whose failure says what to do. */
async function writeIndex() {
  const { targets } = require("../package.json").napi;
  const { parseTriple } = await import("@napi-rs/cli");
  const binaries = targets.map((triple) => parseTriple(triple).platformArchABI);
  const binding = require("../ts/native/binding.cjs");
  const names = Object.keys(binding).filter((name) => !name.startsWith("__"));
  const classes = names.filter((name) => /^[A-Z]/.test(name));
  const lines = [
    "// Written by scripts/build-native.mjs.",
    'import { createRequire } from "node:module";',
    'import { loadBinding } from "../core/load-binding.js";',
    'import type * as Binding from "./binding.cjs";',
    "",
    `const binaries = ${JSON.stringify(binaries)};`,
    'const load = () => createRequire(import.meta.url)("./binding.cjs") as typeof Binding;',
    "",
    'export type * from "./binding.cjs";',
    `export const { ${names.join(", ")} } = loadBinding(load, binaries);`,
    ...classes.map((name) => `export type ${name} = Binding.${name};`),
    "",
  ];
  await writeFile(join(root, "ts/native/index.ts"), lines.join("\n"));
}

/** Why nothing can be built here. */
function problem() {
  try {
    require.resolve("@napi-rs/cli/package.json");
  } catch {
    return "The packages that eprop is built with are not installed. Type `npm ci` first.";
  }
  return toolchainProblem();
}

const found = problem();
if (found !== undefined) {
  console.error(found);
  process.exit(1);
}
// What is built for another machine cannot be asked for its exports here; it needs no module either.
const forThisMachine = !process.argv.includes("--target");
if (forThisMachine) await rm(join(root, "ts/native"), { recursive: true, force: true });
const status = build();
if (status === 0 && forThisMachine) await writeIndex();
process.exit(status);
