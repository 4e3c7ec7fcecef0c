// Writes ts/nest/models.generated.ts and ts/core/error-codes.generated.ts from the engine's tables.
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The type of a row's values; `scalar` and `whole` name those of its numbers. */
const typeOf = (row, scalar = "number", whole = "number") =>
  ({
    number: scalar,
    integer: whole,
    boolean: "boolean",
    text: "string",
    choice: row.choices.map((choice) => JSON.stringify(choice)).join(" | "),
    numbers: "NumberList",
    texts: row.name === "record_from" ? "readonly Recordables[keyof Recordables][]" : "readonly string[]",
    nodes: "NodeReference",
    table: "OptimizerParams",
  })[row.kind];

const comment = (row) => {
  const unit = row.unit ? ` (${row.unit})` : "";
  const value = row.defaultValue === "" ? "" : ` Default ${row.defaultValue}.`;
  return `/** ${row.text}${unit}.${value} */`;
};

const origin = "// Generated from the engine's tables by scripts/generate-types.mjs. Do not edit.";

function errorCodesModule({ errorCodes }) {
  return [
    origin,
    "/** Codes of refused calls. */",
    `export const errorCodes = ${JSON.stringify(errorCodes())} as const;`,
    "",
  ];
}

/** Rows by their names. */
const known = (rows) => rows.map(({ name, ...of }) => `  ${name}: ${JSON.stringify(of)},`);

/** What is known as values, too. */
function constants(engine, models) {
  const { connectionRules, losses, optimizers, feedbackSources, rewirings } = engine;
  const { randomDistributions, randomOperations } = engine;
  const { nodes, synapses, optimizer } = models;
  const own = new Set(optimizers().flatMap(({ parameters }) => parameters));
  return [
    "/** Names of the connection rules. */",
    `export const connectionRules = ${JSON.stringify(connectionRules().toSorted())} as const;`,
    "",
    "/** Names of the distributions that parameters are drawn from. */",
    `export const randomDistributions = ${JSON.stringify(randomDistributions())} as const;`,
    "",
    "/** What is computed of random numbers, and of how many. */",
    "export const randomOperations = {",
    ...randomOperations().map(({ name, operands }) => `  ${name}: ${operands},`),
    "} as const;",
    "",
    "/** Names that parameters of synapse models, optimizers (`optimizer`) and surrogate gradients choose from. */",
    "export const choices = {",
    `  optimizer: ${JSON.stringify(optimizer.table[0].choices)},`,
    ...[
      ...new Map(
        [...synapses.flatMap((model) => model.parameters), ...nodes.flatMap((model) => model.parameters)]
          .filter((row) => row.kind === "choice")
          .filter(
            (row) =>
              synapses.some((model) => model.parameters.includes(row)) ||
              row.name === "surrogate_gradient_function",
          )
          .map((row) => [row.name, row]),
      ).values(),
    ].map((row) => `  ${row.name}: ${JSON.stringify(row.choices)},`),
    "} as const;",
    "",
    "/** Defaults of the numbers of optimizers. */",
    "export const optimizerDefaults = {",
    ...optimizer.table
      .filter((row) => row.kind === "number")
      .map((row) => `  ${row.name}: ${row.defaultValue},`),
    "} as const;",
    "",
    "/** What readouts learn to make small, the default first. */",
    "export const losses = {",
    ...known(losses()),
    "} as const;",
    "",
    "/** Optimizers, the default first, with the parameters that each has besides those of all. */",
    "export const optimizers = {",
    ...known(optimizers()),
    "} as const;",
    "",
    "/** The parameters that some optimizers have and others have not. */",
    "export const ownOptimizerParams = {",
    ...optimizer.table
      .filter((row) => own.has(row.name))
      .map(({ name, kind, unit, defaultValue, bound, text }) => {
        const values = { kind, unit, default: Number(defaultValue), bound, text };
        return `  ${name}: ${JSON.stringify(values)},`;
      }),
    "} as const;",
    "",
    "/** Where the weights of learning signals come from, the default first. */",
    "export const feedbackSources = {",
    ...known(feedbackSources()),
    "} as const;",
    "",
    "/** What becomes of connections in an update, the default first, with the parameters that each has. */",
    "export const rewirings = {",
    ...known(rewirings()),
    "} as const;",
    "",
    "/** What the neurons of each model do, beside the numbers of their parameters. */",
    "export const dynamics = {",
    ...nodes
      .filter((model) => model.class === "recurrent" || model.class === "readout")
      .map(({ name, class: role, rule, reset, adapts }) => {
        const resets = reset === "" ? null : JSON.stringify(reset);
        return `  ${name}: { role: "${role}", rule: "${rule}", reset: ${resets}, adapts: ${adapts} },`;
      }),
    "} as const;",
    "",
  ];
}

/** Names as one type. */
const named = (names) => names.map((name) => JSON.stringify(name)).join(" | ");

/** What is read of nodes and optimizers and is none of the settable parameters: as a kernel shows it. */
function readings({ NativeKernel }, { nodes, synapses }) {
  const kernel = new NativeKernel();
  const receptors = (model) => {
    const { dict = [] } = kernel.getDefaults(model).find(({ name }) => name === "receptor_types") ?? {};
    return dict.map(({ name }) => `${name}: number`).join("; ");
  };
  const ofNodes = nodes.flatMap(({ name, parameters }) => {
    const rows = parameters
      .filter((row) => row.role === "read-only")
      .map((row) => `    ${comment(row)}\n    ${row.name}: ${typeOf(row)};`);
    const ports = receptors(name);
    if (ports !== "")
      rows.push(`    /** Receptors, and their numbers. */\n    receptor_types: { ${ports} };`);
    return rows.length === 0 ? [] : [`  ${name}: {\n${rows.join("\n")}\n  };`];
  });
  const ofRecorders = nodes
    .filter((model) => model.class === "recorder")
    .map(({ name, parameters }) => {
      const chosen = parameters.find((row) => row.name === "record_from");
      const columns = kernel
        .events(kernel.create(name, 1))
        .filter((column) => chosen === undefined || !chosen.defaultValue.includes(column.name))
        .map(
          (column) => `readonly ${column.name}: ${column.ids === undefined ? "Float64Array" : "Uint32Array"}`,
        );
      const recorded = chosen === undefined ? "" : " & { readonly [recordable: string]: Float64Array }";
      return `  ${name}: { ${columns.join("; ")} }${recorded};`;
    });
  const plastic = synapses.find(({ parameters }) => parameters.some((row) => row.kind === "table"));
  const table = plastic.parameters.find((row) => row.kind === "table");
  const shown = table.table[0].choices.map((type) => {
    kernel.setDefaults(plastic.name, [{ name: table.name, dict: [{ name: "type", text: type }] }]);
    const { dict } = kernel.getDefaults(plastic.name).find(({ name }) => name === table.name);
    return dict.map(({ name }) => name);
  });
  const all = [...new Set(shown.flat())];
  const isOfAll = (name) => shown.every((names) => names.includes(name));
  const [always, some] = [named(all.filter(isOfAll)), named(all.filter((name) => !isOfAll(name)))];
  return [
    "/** What nodes of each model show besides their settable parameters. */",
    "export interface NodeReadings {",
    ...ofNodes,
    "}",
    "",
    "/** Columns of the events of each recorder. */",
    "export interface RecordedColumns {",
    ...ofRecorders,
    "}",
    "",
    "/** An optimizer as it is read; some values belong to some optimizers. */",
    `export type OptimizerValues = Required<Pick<OptimizerParams, ${always}>> & Pick<OptimizerParams, ${some}>;`,
    "",
  ];
}

function modelsModule(engine) {
  const { kernelTable, modelTables } = engine;
  const fields = (rows, ...numbers) =>
    rows
      .filter((row) => row.role !== "read-only")
      .map((row) => `    ${comment(row)}\n    ${row.name}?: ${typeOf(row, ...numbers)};`)
      .join("\n");
  const models = modelTables();
  const nodes = models.filter((model) => model.element === "node");
  const synapses = models.filter((model) => model.element === "synapse");
  const optimizer = synapses.flatMap((model) => model.parameters).find((row) => row.kind === "table");
  return [
    origin,
    'import type { NodeReference, NumberList, Scalar, WholeScalar } from "./types.js";',
    "",
    "/** Parameters of an optimizer. */",
    "export interface OptimizerParams {",
    `    ${comment(optimizer.table[0])}`,
    `    optimizer?: ${typeOf(optimizer.table[0])};`,
    ...optimizer.table.map((row) => `    ${comment(row)}\n    ${row.name}?: ${typeOf(row)};`),
    "}",
    "",
    "/**",
    " * Settable parameters of each node model. `S` are the values of a number, `W` those of a whole number: as several",
    " * nodes take them, if left out.",
    " */",
    "export interface NodeParams<S = Scalar, W = WholeScalar> {",
    ...nodes.map(
      (model) => `  /** ${model.text}. */\n  ${model.name}: {\n${fields(model.parameters, "S", "W")}\n  };`,
    ),
    "}",
    "",
    ...constants(engine, { nodes, synapses, optimizer }),
    "/** What a multimeter can record of each node model. */",
    "export interface Recordables {",
    ...nodes.map(
      (model) =>
        `  ${model.name}: ${model.recordables.map((name) => JSON.stringify(name)).join(" | ") || "never"};`,
    ),
    "}",
    "",
    ...readings(engine, { nodes, synapses }),
    "/** Parameters of each synapse model, as `SetDefaults` takes them. */",
    "export interface SynapseParams {",
    ...synapses.map(
      (model) => `  /** ${model.text}. */\n  ${model.name}: {\n${fields(model.parameters)}\n  };`,
    ),
    "}",
    "",
    "/** Settable kernel parameters. */",
    "export interface KernelParams {",
    ...kernelTable()
      .filter((row) => row.role !== "read-only")
      .map((row) => `  ${comment(row)}\n  ${row.name}?: ${typeOf(row)};`),
    "}",
    "",
    "/** Kernel parameters as they are read. */",
    "export interface KernelStatus extends Required<KernelParams> {",
    ...kernelTable()
      .filter((row) => row.role === "read-only")
      .map((row) => `  ${comment(row)}\n  ${row.name}: number;`),
    "}",
    "",
  ];
}

/** The generated modules: the text of each, by its path. */
export async function generatedModules() {
  const binding = createRequire(import.meta.url)("../ts/native/binding.cjs");
  const modules = {
    "ts/core/error-codes.generated.ts": errorCodesModule(binding),
    "ts/nest/models.generated.ts": modelsModule(binding),
  };
  const prettier = await import("prettier");
  const texts = Object.entries(modules).map(async ([name, lines]) => {
    const filepath = join(root, name);
    const config = await prettier.resolveConfig(filepath);
    return [name, await prettier.format(lines.join("\n"), { ...config, filepath })];
  });
  return Object.fromEntries(await Promise.all(texts));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(await generatedModules()))
    await writeFile(join(root, name), text);
}
