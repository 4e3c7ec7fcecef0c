// Writes the table of all PyNEST calls, models and kernel values into docs/from-nest.md: what works is asked of the
// product, what there is of NEST is recorded (test/nest/names.json), and why something is absent stands below.
// Run after a build: `node scripts/nest-table.mjs`.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { format, resolveConfig } from "prettier";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const page = join(root, "docs/from-nest.md");
const begin = "<!-- what there is of NEST: written by scripts/nest-table.mjs -->";
const end = "<!-- end -->";

/** Calls whose counterpart has another name here. */
const renamed = {
  NESTError: "`NESTError`, `NESTErrors`",
  Parameter: "`RandomParameter`, by `random`, `math` and `logic`",
};

/** Calls that are accepted in another form, and change nothing. */
const callsWithoutEffect = {
  get_verbosity: '`get("verbosity")`',
  set_verbosity: "`set({ verbosity })`",
  GetLocalNodeCollection: "all nodes are local",
  GetLocalVPs: "there is one process",
  NumProcesses: '`get("num_processes")`: 1',
  Rank: "there is one process",
  SyncProcesses: "there is one process",
};

/** Why calls are absent; the first that matches. */
const absentCalls = [
  [
    /Layer|Mask|Position|Displacement|Distance|Find|^Plot|GetSourceNodes|GetTargetNodes/,
    "nodes have no positions in space",
  ],
  [/StructuralPlasticity/, "connections neither grow nor vanish in a simulation"],
  [/SetAcceptableLatency|SetMaxBuffered/, "there is no link to MUSIC"],
  [/^(Install|NestModule|Models)$/, "models are not loaded while a program runs; names are kernel values"],
  [/^(Compartments|Receptors)$/, "no model has compartments"],
  [/SonataNetwork|TripartiteConnect/, "networks of such files and with astrocytes do not learn by e-prop"],
  [/RunManager/, "JavaScript has no `with`: `Prepare`, `Run`, `Cleanup`"],
  [/ConnectionRules|CreateParameter|VerbosityLevel/, "types say what is allowed"],
  [/help|message|serialize_data|to_json/, "documentation and JSON are the language's own"],
];

const absentModels = [
  [/_(hpc|lbl)$/, "the same synapse without such a variant"],
  [/^eprop_/, "not yet"],
  [/generator|_dilutor/, "spike trains can be given as times (`spike_generator`)"],
  [/detector|volume_transmitter/, "not met with in e-prop networks"],
  [/(stdp|clopath|jonke|tsodyks|stp|urbanczik|vogels|bernoulli|ht)_?/, "another rule of plasticity"],
  [/synapse|connection|junction/, "not met with in e-prop networks"],
  [/./, "does not learn by e-prop"],
];

const absentValues = [
  [/^time_/, "times are measured by the caller"],
  [/buffer|mpi|communicate/, "there is one process"],
  [/growth|structural/, "connections neither grow nor vanish in a simulation"],
  [/memory_size/, "`memory(ms)` says what a simulation takes"],
  [/./, "describes NEST's own program"],
];

const code = (names) => names.map((name) => `\`${name}\``).join(", ");

/** Names with a note each, and those without one. */
function listed(names, notes) {
  return names.map((name) => (notes[name] ? `\`${name}\` (${notes[name]})` : `\`${name}\``)).join(", ");
}

function reasons(names, rules) {
  const groups = new Map();
  for (const name of names) {
    const rule = rules.find(([pattern]) => pattern.test(name));
    if (rule === undefined) throw new Error(`scripts/nest-table.mjs does not say why there is no ${name}`);
    groups.set(rule[1], [...(groups.get(rule[1]) ?? []), name]);
  }
  return [...groups].map(([why, of]) => `_${why}_: ${code(of)}`).join("; ");
}

/** Names by what they are. */
const parts = (all, works, without) => ({
  works: all.filter((name) => works(name) && !without(name)),
  without: all.filter(without),
  absent: all.filter((name) => !works(name) && !without(name)),
});

/** The table as the page has it. */
export async function nestTable() {
  const nest = await import(pathToFileURL(join(root, "dist/nest/index.js")).href);
  const { withoutEffect } = await import(pathToFileURL(join(root, "dist/nest/kernel-values.js")).href);
  const names = JSON.parse(readFileSync(join(root, "test/nest/names.json"), "utf8"));
  const kernel = new nest.Kernel();
  const values = kernel.get();
  const calls = parts(
    names.calls,
    (name) => name in nest || name in nest.Kernel.prototype || name in renamed,
    (name) => name in callsWithoutEffect,
  );
  const models = parts(
    [...names.node_models, ...names.synapse_models],
    (name) => values.node_models.includes(name) || values.synapse_models.includes(name),
    () => false,
  );
  const kernelValues = parts(
    names.kernel_values,
    (name) => name in values,
    (name) => name in withoutEffect || name === "total_num_virtual_procs" || name === "print_time",
  );
  const rows = [
    [
      "calls",
      listed(calls.works, renamed),
      listed(calls.without, callsWithoutEffect),
      reasons(calls.absent, absentCalls),
    ],
    ["models", code(models.works), "", reasons(models.absent, absentModels)],
    [
      "kernel values",
      code(kernelValues.works),
      code(kernelValues.without),
      reasons(kernelValues.absent, absentValues),
    ],
  ];
  const table = rows.map(([what, works, without, absent]) =>
    [
      `**${what[0].toUpperCase()}${what.slice(1)} that work**: ${works}.`,
      ...(without === "" ? [] : [`Accepted without effect: ${without}.`]),
      `Absent, and why: ${absent}.`,
    ].join("\n\n"),
  );
  const config = await resolveConfig(page);
  const text = `${begin}\n\n${table.join("\n\n")}\n\n${end}\n`;
  return (await format(text, { ...config, parser: "markdown" })).trim();
}

/** The page with the table in its place. */
export async function pageWithTable() {
  const text = readFileSync(page, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error("docs/from-nest.md has no place for the table");
  return text.slice(0, from) + (await nestTable()) + text.slice(to + end.length);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, await pageWithTable());
