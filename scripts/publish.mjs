// Publishes packed packages, the binaries first, since the main package depends on them:
//
//   node scripts/publish.mjs FOLDER [options of npm publish]
//
// What is published already is left alone, so that a run that failed halfway can be repeated. A version with a hyphen
// is published as `next`, so that nobody gets it who did not ask for it.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";

const [folder, ...options] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node scripts/publish.mjs FOLDER [options of npm publish]");
  process.exit(2);
}

const npm = (args, stdio = "pipe") =>
  spawnSync("npm", args, { encoding: "utf8", stdio, shell: process.platform === "win32" });

/** Name and version of a packed file: its package.json, among the entries of a tar archive. */
function identity(file) {
  const bytes = gunzipSync(readFileSync(file));
  for (let at = 0; at < bytes.length;) {
    const [name] = bytes.toString("utf8", at, at + 100).split("\0");
    const size = Number.parseInt(bytes.toString("latin1", at + 124, at + 136), 8);
    const begin = at + 512;
    if (name === "package/package.json") return JSON.parse(bytes.toString("utf8", begin, begin + size));
    at = begin + Math.ceil((size || 0) / 512) * 512;
  }
  throw new Error(`${file} is not a packed package`);
}

/** Whether the registry has a version; it says E404 where it has not. */
function isPublished(name, version) {
  const { status, stdout, stderr } = npm(["view", `${name}@${version}`, "version", "--json"]);
  if (status === 0) return stdout.trim() !== "";
  if (/E404/.test(`${stdout}${stderr}`)) return false;
  throw new Error(stderr);
}

const files = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
// An absolute path: npm takes `folder/file.tgz` for a repository of GitHub.
const packages = files.map((name) => {
  const file = resolve(join(folder, name));
  const { name: of, version } = identity(file);
  return { file, name: of, version };
});
const last = packages.toSorted((a, b) => b.name.length - a.name.length);
for (const { file, name, version } of last) {
  if (isPublished(name, version)) {
    console.log(`${name}@${version} is published already`);
    continue;
  }
  const tag = version.includes("-") ? ["--tag", "next"] : [];
  const { status } = npm(["publish", file, "--access", "public", ...tag, ...options], "inherit");
  if (status !== 0) process.exit(status ?? 1);
  console.log(`${name}@${version} ${options.includes("--dry-run") ? "would be" : "is"} published`);
}
