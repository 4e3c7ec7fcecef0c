/** The packages as they are published, and folders that they are installed in. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseTriple } from "@napi-rs/cli";

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
  version: string;
  napi: { targets: string[] };
};

/** Names of the platforms that there are packages for. */
const platforms = manifest.napi.targets.map((triple) => parseTriple(triple).platformArchABI);

/** The packed file of a package. */
export const packedFile = (packages: string, name: string) =>
  join(packages, `${name}-${manifest.version}.tgz`);

/** Packs the checkout, with empty files for the platforms that were not built here. */
export function packCheckout(packages: string, artifacts: string): void {
  mkdirSync(artifacts);
  const built = readdirSync("ts/native").filter((name) => name.endsWith(".node"));
  for (const name of built) copyFileSync(join("ts/native", name), join(artifacts, name));
  for (const platform of platforms) {
    const name = `eprop.${platform}.node`;
    if (!built.includes(name)) writeFileSync(join(artifacts, name), "");
  }
  const { status, stderr } = spawnSync(
    process.execPath,
    ["scripts/pack.mjs", "--artifacts", artifacts, "--out", packages],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
}

/** A project that eprop is installed in: the packages of all platforms are at hand as files, npm has to choose. */
export function consumerManifest(packages: string): Record<string, unknown> {
  const overrides = Object.fromEntries(
    platforms.map((platform) => [`eprop-${platform}`, `file:${packedFile(packages, `eprop-${platform}`)}`]),
  );
  return { name: "consumer", private: true, type: "module", overrides };
}

/** Arguments of npm that install eprop there, without asking the registry for what is at hand. */
export const installArguments = (packages: string) => [
  "install",
  "--prefer-offline",
  "--no-audit",
  "--no-fund",
  packedFile(packages, "eprop"),
];
