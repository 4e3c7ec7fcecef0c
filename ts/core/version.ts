// An import of node:fs would load streams, too.
const { readFileSync } = process.getBuiltinModule("node:fs");

/** The package's version. */
export const version: string = (() => {
  // Compiled files lie up to three folders below the package.
  for (const up of ["..", "../..", "../../.."]) {
    try {
      const text = readFileSync(new URL(`${up}/package.json`, import.meta.url), "utf8");
      const found = JSON.parse(text) as { name: string; version: string };
      if (found.name === "eprop") return found.version;
    } catch {
      continue;
    }
  }
  return "unknown";
})();
