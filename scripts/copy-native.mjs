// Puts the addon and its loader where compiled TypeScript looks for them.
import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
for (const target of process.argv.length > 2 ? process.argv.slice(2) : ["dist/native"]) {
  await mkdir(join(root, target), { recursive: true });
  await cp(join(root, "ts/native"), join(root, target), { recursive: true });
}
