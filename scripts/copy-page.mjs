// Puts what pages are made of beside their compiled scripts.
import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
for (const file of ["live/page/live.html", "live/page/live.css", "report/page/report.css"]) {
  await cp(join(root, "ts", file), join(root, "dist", file));
}
