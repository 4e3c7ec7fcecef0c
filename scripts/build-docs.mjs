// Builds the documentation site into site/: guides, pages that come out of tables, and the API. Nothing is fetched.
import { cp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Application, Converter, JSX, LogLevel, ReflectionKind } from "typedoc";
import { writePages } from "./model-pages.mjs";

const require = createRequire(import.meta.url);
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const site = join(root, process.argv[2] ?? "site");
const pages = join(root, ".docs");

/** Guides in the order of reading; those that are not named here follow. */
const order = [
  "getting-started",
  "from-nest",
  "nest-differences",
  "models",
  "kernel-parameters",
  "tasks",
  "command-line",
  "derivation",
  "glossary",
];

/** Documents to look things up in. */
const reference = new Set(["models", "kernel-parameters", "tasks", "command-line", "derivation", "glossary"]);

/** Where a document stands in the list at the side, by the name of its file. */
function groupOf(name, models) {
  if (reference.has(name)) return "Reference";
  if (["ARCHITECTURE", "CONTRIBUTING", "CHANGELOG"].includes(name)) return "Project";
  return models.includes(name) ? "Models" : "Guides";
}

/** Gives each document the title that its first heading states, and its group. */
function titlesAndGroups(app, models) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => {
    const [, title] = /^\s*# (.*)\n/.exec(document.content[0]?.text ?? "") ?? [];
    if (title === undefined) throw new Error(`${document.name} does not begin with a heading`);
    // Its name is so far its path, without the folder that all have in common.
    document.frontmatter.group = groupOf(basename(document.name), models);
    document.name = title;
  });
}

/** Renders formulas with KaTeX while the site is built. */
function formulas(markdown) {
  const { default: katex } = require("@vscode/markdown-it-katex");
  markdown.use(katex, { enableFencedBlocks: true, throwOnError: true, strict: "error" });
}

/** KaTeX's style and fonts. */
async function copyKatex() {
  const dist = dirname(require.resolve("katex/dist/katex.min.css"));
  const css = await readFile(join(dist, "katex.min.css"), "utf8");
  // All browsers that are in use read woff2.
  const compact = css.replaceAll(/,url\([^)]*\.(woff|ttf)\) format\("(woff|truetype)"\)/g, "");
  await writeFile(join(site, "assets/katex.css"), compact);
  for (const font of await readdir(join(dist, "fonts"))) {
    if (font.endsWith(".woff2")) await cp(join(dist, "fonts", font), join(site, "assets/fonts", font));
  }
}

const rank = (path) => {
  const place = order.indexOf(basename(path, ".md"));
  return place < 0 ? order.length : place;
};

const written = await writePages(pages);
const isModel = (path) => rank(path) === order.length;
const guides = (await readdir(join(root, "docs")))
  .filter((name) => name.endsWith(".md"))
  .map((name) => join(root, "docs", name));
const leading = [...guides, ...written.filter((path) => !isModel(path))].toSorted(
  (a, b) => rank(a) - rank(b),
);

const app = await Application.bootstrap({
  entryPoints: [
    "ts/index.ts",
    "ts/nest/index.ts",
    "ts/report/index.ts",
    "ts/data/index.ts",
    "ts/verify/index.ts",
    "ts/controls/index.ts",
  ].map((path) => join(root, path)),
  tsconfig: join(root, "tsconfig.build.json"),
  name: "eprop",
  includeVersion: true,
  readme: join(root, "README.md"),
  projectDocuments: [
    ...leading,
    ...written.filter(isModel),
    ...["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map((name) => join(root, name)),
  ],
  searchInDocuments: true,
  searchInComments: true,
  sort: ["source-order"],
  kindSortOrder: ["Document"],
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  githubPages: false,
  customCss: join(root, "docs/site.css"),
  highlightLanguages: [
    "bash",
    "javascript",
    "json",
    "python",
    "rust",
    "shell",
    "sql",
    "text",
    "typescript",
    "yaml",
  ],
  ignoredHighlightLanguages: ["math"],
  markdownItLoader: formulas,
  navigation: { includeFolders: false, includeGroups: true },
  groupOrder: ["Guides", "Reference", "Models", "Project", "Modules", "*"],
  validation: { notExported: false, invalidLink: true, invalidPath: true, notDocumented: false },
  logLevel: LogLevel.Warn,
});
titlesAndGroups(
  app,
  written.filter(isModel).map((path) => basename(path, ".md")),
);
app.renderer.hooks.on("head.end", (context) =>
  JSX.createElement("link", { rel: "stylesheet", href: context.relativeURL("assets/katex.css") }),
);
app.renderer.on("endPage", (page) => {
  page.contents = page.contents
    // Each page holds its icons (assets/icons.js); a browser that reads files looks for them nowhere else.
    ?.replaceAll(/href="[^"]*icons\.svg#/g, 'href="#')
    // What scrolls can be reached with the keyboard, and what a page is about by its landmark.
    .replaceAll("<table>", '<table tabindex="0">')
    .replace('<div class="col-content">', '<div class="col-content" role="main">');
});
const project = await app.convert();
if (project === undefined) process.exit(1);
app.validate(project);
await rm(site, { recursive: true, force: true });
await app.generateDocs(project, site);
await copyKatex();
const documents = project.getReflectionsByKind(ReflectionKind.Document).length;
console.log(`${site}: ${documents} documents`);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
