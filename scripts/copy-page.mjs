// Puts what a page is made of beside its compiled script.
import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
for (const file of ["live.html", "live.css"]) {
  await cp(join(root, "ts/live/page", file), join(root, "dist/live/page", file));
}
