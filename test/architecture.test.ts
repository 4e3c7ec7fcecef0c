/** The folders of `ts` depend on those below them and on no others (ARCHITECTURE.md), and no modules load each other. */
import { readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";

/** Folders and files of `ts`, from the lowest layer to the highest. Those of one layer do not know each other. */
const layers = [
  ["core/load-binding.ts"],
  ["native"],
  ["core"],
  ["files", "formats", "random", "page", "mpi"],
  ["nest"],
  ["network", "data"],
  ["tasks"],
  ["training"],
  ["runs"],
  ["figures", "live"],
  ["report", "sweep"],
  ["verify", "controls"],
  ["cli"],
];

/** Doors: they name what the layers offer. */
const doors = new Set(["index.ts", "browser.ts"]);

interface Arrow {
  from: string;
  to: string;
  /** It is followed when the module is loaded: neither of types alone nor of a call. */
  loads: boolean;
}

/** Whether an import or export is of types alone. */
function ofTypes(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const names = clause.namedBindings;
  return (
    clause.name === undefined &&
    names !== undefined &&
    ts.isNamedImports(names) &&
    names.elements.every((element) => element.isTypeOnly)
  );
}

/** What a module of `ts` names of the others. */
function arrowsOf(from: string): Arrow[] {
  const source = ts.createSourceFile(from, readFileSync(join("ts", from), "utf8"), ts.ScriptTarget.Latest);
  const arrows: Arrow[] = [];
  const add = (name: ts.Node | undefined, loads: boolean) => {
    if (name === undefined || !ts.isStringLiteral(name) || !name.text.startsWith(".")) return;
    const to = posix.join(posix.dirname(from), name.text).replace(/\.js$/, ".ts");
    arrows.push({ from, to, loads });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, !ofTypes(node));
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return arrows;
}

const modules = readdirSync("ts", { recursive: true, encoding: "utf8" })
  .map((name) => name.replaceAll("\\", "/"))
  .filter((name) => name.endsWith(".ts") && (!name.startsWith("native/") || name === "native/index.ts"));
const arrows = modules.flatMap(arrowsOf);

/** The layer of a module: that of its file, or of its folder. */
function layerOf(module: string): number {
  const folder = module.split("/")[0] as string;
  const named = (name: string) => layers.findIndex((layer) => layer.includes(name));
  const layer = named(module) < 0 ? named(folder) : named(module);
  if (layer < 0) throw new Error(`${module} has no layer: give it one`);
  return layer;
}

/** Modules that, by what they load, load themselves. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const follow = (module: string, path: readonly string[]): void => {
    const at = path.indexOf(module);
    if (at >= 0) found.push([...path.slice(at), module]);
    if (at >= 0 || done.has(module)) return;
    for (const next of graph.get(module) ?? []) follow(next, [...path, module]);
    done.add(module);
  };
  for (const module of graph.keys()) follow(module, []);
  return found;
}

it("a folder depends on lower ones alone, for types too", () => {
  const upward = arrows
    .filter(({ from, to }) => !doors.has(from) && from.split("/")[0] !== to.split("/")[0])
    .filter(({ from, to }) => layerOf(to) >= layerOf(from))
    .map(({ from, to }) => `${from} → ${to}`);
  expect(upward).toEqual([]);
  expect(new Set(modules.filter((name) => !doors.has(name)).map(layerOf)).size).toBe(layers.length);
  expect(arrows.length).toBeGreaterThan(300);
});

it("no module loads itself", () => {
  const graph = new Map<string, string[]>();
  for (const { from, to, loads } of arrows) {
    if (loads) graph.set(from, [...(graph.get(from) ?? []), to]);
  }
  expect(circles(graph)).toEqual([]);
  expect(
    circles(
      new Map([
        ["a", ["b"]],
        ["b", ["a"]],
      ]),
    ),
  ).toEqual([["a", "b", "a"]]);
});

it('import "eprop/nest" loads nothing of trainings', () => {
  const loaded = new Set<string>();
  const open = ["nest/index.ts"];
  for (let module = open.pop(); module !== undefined; module = open.pop()) {
    if (loaded.has(module)) continue;
    loaded.add(module);
    open.push(...arrows.filter(({ from, loads }) => loads && from === module).map(({ to }) => to));
  }
  const folders = new Set(Array.from(loaded, (module) => module.split("/")[0]));
  expect([...folders].toSorted()).toEqual(["core", "formats", "mpi", "native", "nest"]);
});
