// Puts the addon and its loader where compiled TypeScript looks for them.
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = join(root, process.argv[2] ?? "dist/native");
await mkdir(target, { recursive: true });
for (const name of await readdir(join(root, "ts/native"))) {
  if (!/\.(node|cjs|d\.cts)$/.test(name)) continue;
  // A file that a running process has mapped must not be written over.
  await rm(join(target, name), { force: true });
  await cp(join(root, "ts/native", name), join(target, name));
}
