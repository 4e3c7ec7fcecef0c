// Packs what is published: the main package, without a binary, and one package for each platform.
//
//   node scripts/pack.mjs --artifacts DIR --out DIR [--repository OWNER/NAME]
//
// DIR has the addons, `eprop.<platform>.node`, one for each target of package.json. The packing happens in a copy, so
// that the checkout's package.json stays without optional dependencies that may not be published yet.
import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { NapiCli } from "@napi-rs/cli";
import { thirdPartyNotices } from "./licences.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const notices = "THIRD-PARTY-NOTICES.txt";
const licences = ["LICENSE-MIT", "LICENSE-APACHE"];

/** Packs a folder; returns what npm says about the file. */
function npmPack(folder, out) {
  const { status, stdout, stderr } = spawnSync(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--pack-destination", out],
    { cwd: folder, encoding: "utf8", shell: process.platform === "win32" },
  );
  if (status !== 0) throw new Error(stderr);
  // An object by name or a list, depending on npm's version.
  return Object.values(JSON.parse(stdout))[0];
}

/** Fields of package.json that are for those who develop it. */
const development = ["scripts", "devDependencies", "overrides", "napi"];

/**
 * Completes the main package: without what is for development, and with where it comes from.
 *
 * @param {string | undefined} repository as in `owner/name`
 */
async function completeMain(folder, repository) {
  const path = join(folder, "package.json");
  const manifest = JSON.parse(await readFile(path, "utf8"));
  for (const field of development) delete manifest[field];
  Object.assign(manifest, origin(repository));
  await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Where a package comes from. npm holds its provenance against it, and resolves the links of the README with it. */
function origin(repository) {
  if (repository === undefined) return {};
  const page = `https://github.com/${repository}`;
  return {
    repository: { type: "git", url: `git+${page}.git` },
    homepage: `${page}#readme`,
    bugs: { url: `${page}/issues` },
  };
}

/** Completes the package of each platform: licences and notices beside the addon, and the type that publint asks for. */
async function completePlatforms(npmDir, repository) {
  const text = await thirdPartyNotices();
  for (const platform of await readdir(npmDir)) {
    const folder = join(npmDir, platform);
    const path = join(folder, "package.json");
    const manifest = JSON.parse(await readFile(path, "utf8"));
    manifest.type = "commonjs";
    Object.assign(manifest, origin(repository));
    manifest.files = [...new Set([...manifest.files, ...licences, notices])];
    await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`);
    await writeFile(join(folder, notices), text);
    for (const name of licences) await cp(join(root, name), join(folder, name));
  }
}

/**
 * Packs everything into `out`.
 *
 * @param {string} artifacts folder with the addon of every target
 * @param {string} out folder for the packed files
 * @param {string} [repository] where they come from, as in `owner/name` of GitHub
 * @returns what npm says about each packed file: `filename`, `size`, `files`, …
 */
export async function pack(artifacts, out, repository) {
  const stage = await mkdtemp(join(tmpdir(), "eprop-pack-"));
  try {
    const manifest = createRequire(import.meta.url)("../package.json");
    for (const name of [
      "package.json",
      "README.md",
      // Of a pattern its folder; npm packs what fits.
      ...manifest.files
        .filter((pattern) => !pattern.startsWith("!"))
        .map((pattern) => (pattern.includes("*") ? dirname(pattern) : pattern)),
    ]) {
      await cp(join(root, name), join(stage, name), { recursive: true });
    }
    await cp(artifacts, join(stage, "artifacts"), { recursive: true });
    const cli = new NapiCli();
    await cli.createNpmDirs({ cwd: stage });
    await cli.artifacts({ cwd: stage });
    await completePlatforms(join(stage, "npm"), repository);
    await cli.prePublish({ cwd: stage, skipOptionalPublish: true, ghRelease: false });
    await completeMain(stage, repository);
    await mkdir(out, { recursive: true });
    const folders = await readdir(join(stage, "npm"));
    return [stage, ...folders.map((name) => join(stage, "npm", name))].map((folder) => npmPack(folder, out));
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { artifacts: { type: "string" }, out: { type: "string" }, repository: { type: "string" } },
  });
  if (values.artifacts === undefined || values.out === undefined) {
    console.error("usage: node scripts/pack.mjs --artifacts DIR --out DIR [--repository OWNER/NAME]");
    process.exit(2);
  }
  for (const { filename, size } of await pack(
    resolve(values.artifacts),
    resolve(values.out),
    values.repository,
  )) {
    console.log(`${filename} ${size} bytes`);
  }
}
