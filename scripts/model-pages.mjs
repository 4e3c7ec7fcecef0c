// Writes the reference pages that come out of tables: models, kernel parameters, tasks, command line.
import { spawnSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** A symbol of a table in TeX: `τ_m` stays as it is, `v_th` becomes `v_{\mathrm{th}}`. */
function tex(symbol) {
  const [, base, rest] = /^([^_^]*)(.*)$/su.exec(symbol);
  const parts = rest.replaceAll(/([_^])([^_^]+)/gu, (_, mark, index) =>
    index.length === 1 ? `${mark}{${index}}` : `${mark}{\\mathrm{${index}}}`,
  );
  return `$${base}${parts}$`;
}

const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;

/** A table in Markdown. Columns without any value are left out. */
function table(columns, rows) {
  const used = columns.filter(({ of }) => rows.some((row) => of(row) !== ""));
  return [
    line(used.map(({ title }) => title)),
    line(used.map(() => "---")),
    ...rows.map((row) => line(used.map(({ of }) => of(row)))),
  ].join("\n");
}

/** The same with room for what the second column says. */
const parameterTable = (columns, rows) => `<div class="parameters">\n\n${table(columns, rows)}\n\n</div>`;

const parameterColumns = [
  { title: "Name", of: ({ name }) => `\`${name}\`` },
  { title: "Meaning", of: ({ text }) => text },
  { title: "Symbol", of: ({ symbol }) => (symbol === "" ? "" : tex(symbol)) },
  { title: "Unit", of: ({ unit }) => unit },
  { title: "Default", of: ({ defaultValue, kind }) => shown(defaultValue, kind) },
  { title: "Accepted", of: accepted },
];

function shown(value, kind) {
  if (value === "") return kind === "numbers" || kind === "texts" || kind === "nodes" ? "none" : "";
  return kind === "choice" || kind === "text" ? `\`${value}\`` : value;
}

function accepted({ bound, choices, kind, table: nested }) {
  if (kind === "choice") return choices.map((choice) => `\`${choice}\``).join(", ");
  if (nested.length > 0) return "a table of its own, below";
  if (kind === "boolean") return "true, false";
  const each = kind === "numbers" && bound !== "" ? `each ${bound}` : bound;
  return kind === "integer" ? `whole, ${each}` : each;
}

function parameterSections(rows) {
  const sections = [
    ["Parameters", rows.filter(({ role }) => role === "parameter")],
    ["State variables", rows.filter(({ role }) => role === "state")],
    ["Read only", rows.filter(({ role }) => role === "read-only")],
    ...rows
      .filter(({ table: nested }) => nested.length > 0)
      .map(({ name, table: nested }) => [`Parameters of the ${name}`, nested]),
  ];
  return sections
    .filter(([, list]) => list.length > 0)
    .flatMap(([title, list]) => [`## ${title}`, parameterTable(parameterColumns, list)]);
}

const bellec =
  "Bellec G, Scherr F, Subramoney A, Hajek E, Salaj D, Legenstein R, Maass W (2020). A solution to the learning " +
  "dilemma for recurrent networks of spiking neurons. Nature Communications 11:3625. " +
  "[doi:10.1038/s41467-020-17236-y](https://doi.org/10.1038/s41467-020-17236-y)";
const korcsakGorzo =
  "Korcsak-Gorzo A, Espinoza Valverde JA, Stapmanns J, Plesser HE, Dahmen D, Bolten M, van Albada SJ, Diesmann M " +
  "(2025). Event-driven eligibility propagation in large sparse networks: efficiency shaped by biological realism. " +
  "[arXiv:2511.21674](https://arxiv.org/abs/2511.21674)";
const neftci =
  "Neftci EO, Mostafa H, Zenke F (2019). Surrogate gradient learning in spiking neural networks. IEEE Signal " +
  "Processing Magazine 36(6), 51–63. [doi:10.1109/MSP.2019.2931595](https://doi.org/10.1109/MSP.2019.2931595)";
const kingma =
  "Kingma DP, Ba J (2015). Adam: a method for stochastic optimization. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980)";

const ofInterval = /_bsshslm_2020$/;
const isOfEprop = (name) => name.startsWith("eprop_");
const hasPart = ({ parameters }, name) => parameters.some((parameter) => parameter.name === name);

/** Publications that a model comes from. */
function referencesOf(model) {
  if (!isOfEprop(model.name)) return [];
  return [
    bellec,
    ...(ofInterval.test(model.name) ? [] : [korcsakGorzo]),
    ...(hasPart(model, "surrogate_gradient_function") ? [neftci] : []),
    ...(hasPart(model, "optimizer") ? [kingma] : []),
  ];
}

/** What a device does, by the end of its name. */
const kindOf = (name) => /(generator|meter|recorder|neuron|synapse|connection\w*)$/.exec(name)?.[1] ?? "";
const recorders = new Set(["meter", "recorder"]);

/** Whether who reads of a model may want to read of another: of its rule, its counterpart in the other, its kind. */
function isRelated(model, other) {
  if (model === other) return false;
  if (isOfEprop(model.name) !== isOfEprop(other.name)) return false;
  if (!isOfEprop(model.name)) {
    const [own, another] = [kindOf(model.name), kindOf(other.name)];
    return own === another || (recorders.has(own) && recorders.has(another));
  }
  const stem = ({ name }) => name.replace(ofInterval, "");
  return stem(model) === stem(other) || ofInterval.test(model.name) === ofInterval.test(other.name);
}

/** Where to read on: related models, what is computed, the same model in NEST. */
function seeAlso(model, models) {
  const related = models
    .filter((other) => isRelated(model, other))
    .map(({ name }) => `[${name}](${name}.md)`);
  return [
    ...(related.length > 0 ? [`Models: ${related.join(", ")}.`] : []),
    ...(isOfEprop(model.name)
      ? [
          "[Derivation](../docs/derivation.md): what is computed, and how.",
          "[Tasks](tasks.md): networks of such models.",
        ]
      : []),
    "[From a NEST script to eprop](../docs/from-nest.md).",
    `[${model.name} in NEST's documentation](https://nest-simulator.readthedocs.io/en/stable/models/${model.name}.html).`,
  ];
}

const bullets = (items) => items.map((item) => `- ${item}`).join("\n");

/** The page of a model. */
function modelPage(model, models) {
  const { name, text, parameters, recordables, equations } = model;
  const references = referencesOf(model);
  return [
    `# ${name}`,
    `${capitalized(text)}.`,
    ...(equations.length > 0 ? ["## Equations"] : []),
    ...equations.flatMap(({ text: says, tex: formula }) => [`${says}:`, `\`\`\`math\n${formula}\n\`\`\``]),
    ...parameterSections(parameters),
    ...(recordables.length > 0
      ? ["## Recordables", `A multimeter records ${recordables.map((one) => `\`${one}\``).join(", ")}.`]
      : []),
    ...(references.length > 0 ? ["## References", bullets(references)] : []),
    "## See also",
    bullets(seeAlso(model, models)),
  ].join("\n\n");
}

/** The page that leads to all models. */
function modelsPage(models) {
  const list = (element) =>
    table(
      [
        { title: "Model", of: ({ name }) => `[${name}](${name}.md)` },
        { title: "What it is", of: ({ text }) => capitalized(text) },
      ],
      models.filter((model) => model.element === element),
    );
  return [
    "# Models",
    "Symbols: $t$ counts steps of $\\Delta t$ (the resolution), $T$ is the length of an update interval in steps. " +
      "Voltages in equations are relative to $E_L$. Neuron $i$ sends, neuron $j$ receives, $k$ is a readout.",
    "## Nodes",
    list("node"),
    "## Synapses",
    list("synapse"),
  ].join("\n\n");
}

function tasksPage(tasks) {
  const columns = [
    { title: "Name", of: ({ name }) => `\`${name}\`` },
    { title: "Meaning", of: ({ text }) => text },
    { title: "Unit", of: ({ unit = "" }) => unit },
    { title: "Default", of: (row) => String(row.default) },
    {
      title: "Accepted",
      of: ({ choices, min, max }) => choices?.join(", ") ?? `from ${min} to ${max}`,
    },
  ];
  return [
    "# Tasks",
    "Each task takes these parameters, in TypeScript as `parameters: { name: value }`, on the command line as " +
      "`--set name=value`.",
    ...tasks.flatMap(({ name, aliases, text, parameters }) => [
      `## ${[name, ...aliases].join(", ")}`,
      `${text}.`,
      parameterTable(
        columns,
        Object.entries(parameters).map(([key, row]) => ({ name: key, ...row })),
      ),
    ]),
  ].join("\n\n");
}

function help(...command) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, "dist/cli/main.js"), ...command, "--help"],
    { encoding: "utf8", env: { ...process.env, NO_COLOR: "1", COLUMNS: "100" } },
  );
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

function commandLinePage() {
  const overview = help();
  const [, list = ""] = overview.split("Commands:\n");
  const commands = [...list.matchAll(/^ {2}([a-z]\S*)/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== "help");
  return [
    "# Command line",
    `\`\`\`text\n${overview}\n\`\`\``,
    ...commands.flatMap((name) => [`## eprop ${name}`, `\`\`\`text\n${help(name)}\n\`\`\``]),
  ].join("\n\n");
}

/**
 * Writes all pages into a folder, which is emptied first.
 *
 * @returns their paths: those that lead, then those of the models
 */
export async function writePages(folder) {
  const { kernelTable, modelTables } = createRequire(import.meta.url)("../ts/native/binding.cjs");
  const { taskTable } = await import("../dist/tasks/index.js");
  const models = modelTables();
  const pages = {
    "models.md": modelsPage(models),
    "kernel-parameters.md": [
      "# Kernel parameters",
      "What `nest.set` takes and `nest.get` gives.",
      ...parameterSections(kernelTable()),
    ].join("\n\n"),
    "tasks.md": tasksPage(taskTable),
    "command-line.md": commandLinePage(),
    ...Object.fromEntries(models.map((model) => [`${model.name}.md`, modelPage(model, models)])),
  };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(pages)) await writeFile(join(folder, name), `${text}\n`);
  return Object.keys(pages).map((name) => join(folder, name));
}
