// Puts the modules that every user of the package loads into one file, dist/core.js: each file of its own costs half a
// millisecond of start-up. They stay where they were as doors to it, so that there is one instance of each.
import { readFile, rm } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const dist = join(dirname(fileURLToPath(import.meta.url)), "../dist");

/**
 * The binary's loader finds the binary beside itself, and needs nothing of the rest; what refuses to run where eprop
 * cannot comes before both.
 */
const apart = new Set(
  ["native/index.js", "core/load-binding.js", "core/runtime.js"].map((name) => join(dist, name)),
);

/** Compiled modules that are loaded together with `entry`. */
async function loadedWith(entry) {
  const found = new Set();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file) || apart.has(file)) continue;
    found.add(file);
    const imports = (await readFile(file, "utf8")).matchAll(
      /^(?:import|export) [^"';]*? from "(\.[^"]+)";/gm,
    );
    open.push(...Array.from(imports, ([, name]) => resolve(dirname(file), name)));
  }
  return found;
}

/** What an import in a module names: a file, or a package. */
const imported = (id, importer) => (id.startsWith(".") ? resolve(dirname(importer), id) : id);

const core = await loadedWith(join(dist, "index.js"));
const isCore = (id) => core.has(id) || id.startsWith("\0rolldown/runtime");
const bundle = await rolldown({
  input: Object.fromEntries([...core].map((file) => [relative(dist, file).replace(/\.js$/, ""), file])),
  platform: "node",
  external: (id, importer) => importer !== undefined && !isCore(imported(id, importer)),
  preserveEntrySignatures: "allow-extension",
  plugins: [
    {
      name: "source maps of the compiler",
      load: async (id) => ({
        code: await readFile(id, "utf8"),
        map: JSON.parse(await readFile(`${id}.map`, "utf8")),
      }),
    },
  ],
});
await bundle.write({
  dir: dist,
  format: "esm",
  sourcemap: true,
  entryFileNames: "[name].js",
  chunkFileNames: "[name].js",
  codeSplitting: { groups: [{ name: "core", test: isCore }] },
});
await bundle.close();
// The doors have nothing to map.
await Promise.all([...core].map((file) => rm(`${file}.map`)));
