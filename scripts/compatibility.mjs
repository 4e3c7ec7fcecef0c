// Uses packed packages as other runtimes and bundlers do, each of which npm has as a package:
//
//   node scripts/compatibility.mjs FOLDER
//
// Bun and Deno train; Node 18 is told what is needed; what esbuild and webpack bundle says what is wrong.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const tools = ["bun@1.4.4", "deno@2.9.6", "esbuild@0.28.2", "node@18.20.8", "webpack@5.112.2"];

const program = `
import { tasks, trainToEnd } from "eprop";
import { Kernel } from "eprop/nest";
const { iterations } = await trainToEnd(tasks.sineWaves({ iterations: 1 }));
console.log(iterations[0].loss.toFixed(9), new Kernel().Create("parrot_neuron", 2).length);
`;
/** NEST's loss, and the nodes. */
const works = /^101\.964356999 2$/m;

const webpack = (target, externals) => `
import webpack from "webpack";
const compiler = webpack({
  mode: "none", target: "${target}", entry: "./app.mjs", externals: ${externals}, externalsType: "module",
  experiments: { outputModule: true }, ignoreWarnings: [() => true],
  output: { path: import.meta.dirname, filename: "bundle.mjs", module: true, chunkFormat: "module", library: { type: "module" } },
});
compiler.run(() => compiler.close(() => {}));
`;

const [packages] = process.argv.slice(2).map((path) => resolve(path));
if (packages === undefined) {
  console.error("usage: node scripts/compatibility.mjs FOLDER");
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "eprop-compatibility-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

function run(command, ...args) {
  const { stdout, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: "utf8" });
  return error === undefined ? stdout + stderr : String(error);
}

const files = readdirSync(packages).filter((name) => name.endsWith(".tgz"));
const [, version] =
  files.map((name) => /^eprop-(\d.*)\.tgz$/.exec(name)).find((found) => found !== null) ?? [];
const platforms = files.filter((name) => !name.startsWith(`eprop-${version}`));
const overrides = Object.fromEntries(
  platforms.map((name) => [name.replace(`-${version}.tgz`, ""), `file:${join(packages, name)}`]),
);
writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module", overrides }));
writeFileSync(join(folder, "app.mjs"), program);
console.log(
  run("npm", "install", "--no-audit", "--no-fund", join(packages, `eprop-${version}.tgz`), ...tools).trim(),
);

const bin = (name) => join(folder, "node_modules", name);
const bundled = (...builders) => {
  for (const builder of builders) {
    const [command, ...args] = builder;
    run(command, ...args);
  }
  return run(process.execPath, "bundle.mjs");
};
const esbuild = (...options) =>
  bundled([bin(".bin/esbuild"), "app.mjs", "--bundle", "--format=esm", "--outfile=bundle.mjs", ...options]);
const withWebpack = (target, externals = "[]") => {
  writeFileSync(join(folder, "webpack.mjs"), webpack(target, externals));
  return bundled([process.execPath, "webpack.mjs"]);
};

const needsNode = /^eprop needs Node 20\.19 or newer, and this is Node 18/m;
const checks = [
  ["Bun", works, () => run(bin(".bin/bun"), "app.mjs")],
  [
    "Deno",
    works,
    () =>
      run(bin(".bin/deno"), "run", "--allow-read", "--allow-ffi", "--allow-env", "--allow-sys", "app.mjs"),
  ],
  ["Node 18", /RuntimeError.*eprop needs Node 20\.19 or newer/, () => run(bin("node/bin/node"), "app.mjs")],
  ["Node 18, the command", needsNode, () => run(bin("node/bin/node"), bin("eprop/dist/cli/bin.js"), "tasks")],
  ["esbuild, external", works, () => esbuild("--platform=node", "--external:eprop")],
  ["esbuild, bundled", /put into a bundle/, () => esbuild("--platform=node", "--external:@resvg/resvg-js")],
  ["esbuild, browser", /not in browsers/, () => esbuild("--platform=browser")],
  ["webpack, external", works, () => withWebpack("node", "[/^eprop(\\/|$)/]")],
  ["webpack, bundled", /put into a bundle/, () => withWebpack("node")],
  ["webpack, browser", /not in browsers/, () => withWebpack("web")],
];
for (const [name, expected, said] of checks) {
  const text = said();
  const holds = expected.test(text);
  console.log(`${holds ? "passed" : "FAILED"}  ${name}${holds ? "" : `:\n${text.slice(0, 2000)}`}`);
  if (!holds) process.exitCode = 1;
}
