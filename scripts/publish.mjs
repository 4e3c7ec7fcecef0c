// Publishes packed packages, the binaries first, since the main package depends on them:
//
//   node scripts/publish.mjs FOLDER [options of npm publish]
//
// What is published already is left alone, so that a run that failed halfway can be repeated. A version with a hyphen
// is published as `next`, so that nobody gets it who did not ask for it.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";

const [folder, ...options] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node scripts/publish.mjs FOLDER [options of npm publish]");
  process.exit(2);
}

const npm = (args, stdio = "pipe") =>
  spawnSync("npm", args, { encoding: "utf8", stdio, shell: process.platform === "win32" });

/** Name and version of a packed file, as npm reads them. */
function identity(file) {
  const { status, stdout, stderr } = npm(["pack", "--dry-run", "--json", "--ignore-scripts", file]);
  if (status !== 0) throw new Error(stderr);
  return Object.values(JSON.parse(stdout))[0];
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
  console.log(`${name}@${version} is published`);
}
