import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createHash } from "../core/hash.js";
import { isFileError, refuserOf, systemWords } from "../files/file-errors.js";

/** Importing that module by name loads Node's streams as well, which a training does not need. */
const { existsSync, readFileSync, statSync } = process.getBuiltinModule("node:fs");

/** What a module names by a relative path, however it does. */
const relativeImports = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'])(\.{1,2}\/[^"'\n]+)\1/g;

/** Endings that an import may leave out, or that a compiler replaces. */
const endings = ["", ".js", ".mjs", ".cjs", ".ts", "/index.js", "/index.ts"] as const;

/** The file that an import leads to; none where it leads nowhere, as in a comment. */
function imported(from: string, name: string): string | undefined {
  const path = resolve(dirname(from), name.replace(/[?#].*$/, ""));
  return endings
    .map((ending) => `${path}${ending}`)
    .find((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}

/** Whether a file is of an installed package, or of eprop itself: its version says which it is. */
function isOfPackage(file: string): boolean {
  if (/[\\/]node_modules[\\/]/.test(file)) return true;
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, "utf8")) as { name?: string };
      return name === "eprop" && relative(join(folder, "dist"), file).startsWith("..") === false;
    }
    if (folder === dirname(folder)) return false;
  }
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if (!isFileError(error)) throw error;
    const refuse: ReturnType<typeof refuserOf> = refuserOf(file, "module");
    return refuse(
      `cannot be read: ${systemWords(error)}`,
      "the address or the path of a module",
      file,
      error,
    );
  }
}

/**
 * SHA-256 of a module's file and of what it imports by relative paths, directly or through others. Of a module that
 * imports nothing so it is that of the file.
 *
 * @param module Its address or path.
 */
export function moduleDigest(module: string): string {
  const first = /^file:/i.test(module) ? fileURLToPath(module) : resolve(module);
  const contents = new Map<string, Buffer>();
  const left = [first];
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (contents.has(file)) continue;
    const content = contentOf(file);
    contents.set(file, content);
    for (const [, , name = ""] of content.toString("utf8").matchAll(relativeImports)) {
      const found = imported(file, name);
      if (found !== undefined && !isOfPackage(found)) left.push(found);
    }
  }
  const hash = createHash("sha256");
  if (contents.size === 1) return hash.update(contents.get(first) as Buffer).digest("hex");
  const named = Array.from(contents, ([file, content]) => [relative(dirname(first), file), content] as const);
  for (const [name, content] of named.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name.replaceAll("\\", "/")}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}
