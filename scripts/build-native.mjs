// Builds the addon for this machine into ts/native, with its loader and types.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const manifest = createRequire(import.meta.url).resolve("@napi-rs/cli/package.json");
const { bin } = createRequire(import.meta.url)(manifest);
const cli = join(dirname(manifest), typeof bin === "string" ? bin : bin.napi);
const result = spawnSync(
  process.execPath,
  [
    cli,
    "build",
    "--platform",
    "--release",
    "--esm",
    "--manifest-path",
    "crates/eprop-node/Cargo.toml",
    "--output-dir",
    "ts/native",
    "--js",
    "index.js",
    "--dts",
    "index.d.ts",
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
if (result.error) {
  console.error(`The addon could not be built: ${result.error.message}`);
}
process.exit(result.status ?? 1);
