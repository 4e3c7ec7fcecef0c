// Checks that every npm and cargo dependency is permissively licensed, and collects the notices that the binary must carry.
import { spawnSync } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import satisfies from "spdx-satisfies";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const permissive = [
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Bitstream-Vera",
  "ISC",
  "MIT",
  "NIST-PD-fallback",
  "Unicode-3.0",
  "Unlicense",
  "Zlib",
];

/** Also accepted in tools that are used and not shipped. MPL-2.0 asks nothing of those who use a program. */
const forTools = [...permissive, "BlueOak-1.0.0", "CC-BY-3.0", "CC0-1.0", "MPL-2.0", "PSF-2.0", "Python-2.0"];

/** Installed beside eprop as their authors publish them: MPL-2.0 asks for the source of changed files, and none is changed. */
const unchanged = /^@resvg\/resvg-js/;

/** Licences of packages that name none from SPDX's list, as read. */
const read = {
  // The licences of Bitstream Vera and Arev: as MIT, and a changed font needs another name.
  "dejavu-fonts-ttf": "Bitstream-Vera",
  // NIST's notice, which asks for no more than to be kept, and HDF5's.
  h5wasm: "NIST-PD-fallback AND BSD-3-Clause",
};

/** What is wrong with these packages' licences, a line each. */
export function licenceProblems(packages) {
  return packages.flatMap(({ name, version, licence, shipped }) => {
    try {
      // Older crates write "MIT/Apache-2.0".
      const accepted = shipped && !unchanged.test(name) ? permissive : forTools;
      if (satisfies(licence.replaceAll("/", " OR "), accepted)) return [];
    } catch {
      // Not a licence expression at all.
    }
    return [`${name} ${version}: ${licence}${shipped ? "" : " (not shipped)"}`];
  });
}

function cargoMetadata() {
  const { status, stdout, stderr } = spawnSync("cargo", ["metadata", "--format-version", "1", "--locked"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Ids of the packages whose code ends in the addon, on any platform: no build scripts, macros or tests. */
function linkedCrates({ packages, resolve }) {
  const byId = new Map(packages.map((crate) => [crate.id, crate]));
  const edges = new Map(resolve.nodes.map(({ id, deps }) => [id, deps]));
  const linked = new Set();
  const visit = (id) => {
    const isMacro = byId.get(id).targets.some(({ kind }) => kind.includes("proc-macro"));
    if (linked.has(id) || isMacro) return;
    linked.add(id);
    for (const { pkg, dep_kinds: kinds } of edges.get(id)) {
      if (kinds.some(({ kind }) => kind === null)) visit(pkg);
    }
  };
  visit(packages.find(({ name }) => name === "eprop-node").id);
  return linked;
}

const moduleName = (path) => (path === "" ? "eprop" : path.replace(/^.*node_modules\//, ""));

/** All dependencies: `{ name, version, licence, shipped }`. */
export async function dependencies() {
  const metadata = cargoMetadata();
  const linked = linkedCrates(metadata);
  const crates = metadata.packages.map(({ id, name, version, license }) => ({
    name: `crate ${name}`,
    version,
    licence: license ?? "none",
    shipped: linked.has(id),
  }));
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8"));
  const modules = Object.entries(lock.packages).map(([path, { version, license, dev }]) => ({
    name: moduleName(path),
    version,
    licence: read[moduleName(path)] ?? license ?? "none",
    shipped: dev !== true,
  }));
  return [...crates, ...modules];
}

/** The licence texts of a crate, of which one is enough: the MIT licence where it is offered. */
async function licenceText(crate, mit) {
  const folder = dirname(crate.manifest_path);
  const files = (await readdir(folder)).filter((name) => /^(licen[cs]e|copying)/i.test(name)).toSorted();
  const chosen = files.find((name) => /mit/i.test(name)) ?? files[0];
  if (chosen !== undefined) return (await readFile(join(folder, chosen), "utf8")).trim();
  const authors = crate.authors.map((author) => author.replace(/ <.*>/, "")).join(", ");
  return `Copyright (c) ${authors}\n\n${mit}`;
}

/** The notices of the crates that are linked into the addon. */
export async function thirdPartyNotices() {
  const metadata = cargoMetadata();
  const linked = linkedCrates(metadata);
  const crates = metadata.packages.filter(({ id, source }) => linked.has(id) && source !== null);
  const own = await readFile(join(root, "LICENSE-MIT"), "utf8");
  const mit = own.slice(own.indexOf("Permission is hereby granted")).trim();
  const parts = [
    "The binary in this package contains the following software, under the licences given.",
    `Rust's standard library (MIT OR Apache-2.0)\n\nCopyright (c) The Rust Project Contributors\n\n${mit}`,
  ];
  for (const crate of crates.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    parts.push(`${crate.name} ${crate.version} (${crate.license})\n\n${await licenceText(crate, mit)}`);
  }
  return `${parts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const all = await dependencies();
  const problems = licenceProblems(all);
  for (const problem of problems) console.error(`not a permissive licence: ${problem}`);
  console.log(`${all.length} dependencies, ${problems.length} with a licence that is not permissive`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
