// Writes the table of all PyNEST calls, models, kernel values and values of nodes and connections into docs/from-nest.md:
// what works is asked of the product, what there is of NEST is recorded (test/nest/names.json), and why something is
// absent stands below. Run after a build: `node scripts/nest-table.mjs`. With `--models` it names the product's models.
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
  NodeCollection: "`new NodeCollection(kernel, [1, 2])`",
  Parameter: "`RandomParameter`, by `random`, `math` and `logic`",
};

/** Calls that are accepted and change nothing. */
const callsWithoutEffect = {
  set_verbosity: "nothing is said",
  GetLocalVPs: "all are in this process",
  SyncProcesses: "ranks wait for each other as they simulate",
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
  [/ConnectionRules|CreateParameter/, "types say what is allowed"],
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

const absentRules = [[/symmetric/, "pairs joined both ways are not met with in e-prop networks"]];

const absentBackends = [[/screen/, "`console.log` prints what was recorded in memory"]];

/** Why values of nodes, of connections and among defaults are absent. */
const absentInherent = [
  [/^(Ca|beta_Ca|tau_Ca|synaptic_elements)$/, "connections neither grow nor vanish in a simulation"],
  [/^(archiver_length|post_trace|t_spike|tau_minus\w*)$/, "of other rules of plasticity"],
  [
    /^(model_id|synapse_id|synapse_modelid|ports?)$/,
    "places in NEST's own tables; `model` and `synapse_model` say which",
  ],
  [
    /^(available|capacity|instantiations|elementsize|sizeof)$/,
    "NEST's own memory; `memory(ms)` says what is taken here",
  ],
  [/^y_\d$/, "sines are computed of the time"],
  [/^stimulus_source$/, "there are no stimulation backends"],
  [/^recordables$/, "noise is not recorded"],
  [/^events$/, "a model has recorded nothing"],
];

const code = (names) => names.map((name) => `\`${name}\``).join(", ");

/** Names with a note each, and those without one. */
function listed(names, notes) {
  return names.map((name) => (notes[name] ? `\`${name}\` (${notes[name]})` : `\`${name}\``)).join(", ");
}

function reasons(names, rules, written = code) {
  const groups = new Map();
  for (const name of names) {
    const rule = rules.find(([pattern]) => pattern.test(name));
    if (rule === undefined) throw new Error(`scripts/nest-table.mjs does not say why there is no ${name}`);
    groups.set(rule[1], [...(groups.get(rule[1]) ?? []), name]);
  }
  return [...groups].map(([why, of]) => `_${why}_: ${written(of)}`).join("; ");
}

/** Names by what they are. */
const parts = (all, works, without) => ({
  works: all.filter((name) => works(name) && !without(name)),
  without: all.filter(without),
  absent: all.filter((name) => !works(name) && !without(name)),
});

/** Names of what a connection of a model has, between the first nodes that take one. */
function connectionValues(nest, model, nodeModels) {
  for (const source of nodeModels) {
    for (const target of nodeModels) {
      for (const receptor_type of [0, 1]) {
        const kernel = new nest.Kernel();
        kernel.set({ resolution: 1 });
        const ends = [kernel.Create(source), kernel.Create(target)];
        try {
          kernel.Connect(...ends, "one_to_one", { synapse_model: model, receptor_type });
        } catch (error) {
          if (error instanceof nest.NESTError) continue;
          throw error;
        }
        return Object.keys(kernel.GetConnections().get());
      }
    }
  }
  throw new Error(`nothing takes a ${model}`);
}

/** What is recorded of a spike or a neuron, where times are in steps. */
function eventColumns(nest, model) {
  const kernel = new nest.Kernel();
  const [parrots, neuron] = [kernel.Create("parrot_neuron", 2), kernel.Create("eprop_iaf")];
  const recorder = kernel.Create(model, 1, { time_in_steps: true });
  if (model === "weight_recorder") {
    const recorded = kernel.CopyModel("static_synapse", "recorded", { weight_recorder: recorder });
    kernel.Connect(parrots.at(0), parrots.at(1), "one_to_one", { synapse_model: recorded });
  } else if (model === "spike_recorder") kernel.Connect(parrots, recorder);
  else kernel.Connect(recorder, neuron);
  kernel.Simulate(5);
  return Object.keys(recorder.get("events"));
}

/** What nodes, recordings, connections and defaults have here, by model. */
const ownValues = {
  nodes: (nest, model) => Object.keys(new nest.Kernel().Create(model).get()),
  events: eventColumns,
  connections: (nest, model) => connectionValues(nest, model, new nest.Kernel().get("node_models")),
  defaults: (nest, model) => Object.keys(new nest.Kernel().GetDefaults(model)),
};

/** A row of names that work, and of those that are absent. */
function ruleRow(what, all, own, why) {
  const found = parts(
    all,
    (name) => own.includes(name),
    () => false,
  );
  return [what, code(found.works), "", reasons(found.absent, why)];
}

/** A row for each kind of value: what works, and what is absent, of all models or of some. */
function valueRows(nest, recorded) {
  return Object.entries(recorded).map(([kind, models]) => {
    const lacking = new Map();
    for (const [model, names] of Object.entries(models)) {
      const own = ownValues[kind](nest, model);
      for (const name of names) {
        const of = lacking.get(name) ?? { all: 0, models: [] };
        of.all += 1;
        if (!own.includes(name)) of.models.push(model);
        lacking.set(name, of);
      }
    }
    const names = [...lacking.keys()].toSorted();
    const works = names.filter((name) => lacking.get(name).models.length < lacking.get(name).all);
    const absent = names.filter((name) => lacking.get(name).models.length > 0);
    const written = (some) =>
      some
        .map((name) =>
          works.includes(name) ? `\`${name}\` of ${code(lacking.get(name).models)}` : `\`${name}\``,
        )
        .join(", ");
    const what = { defaults: "defaults", events: "columns of recorded events" }[kind] ?? `values of ${kind}`;
    return [what, code(works), "", reasons(absent, absentInherent, written)];
  });
}

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
    ruleRow("connection rules", names.connection_rules, values.connection_rules, absentRules),
    ruleRow("recording backends", names.recording_backends, values.recording_backends, absentBackends),
    ...valueRows(nest, names.values),
  ];
  const table = rows.map(([what, works, without, absent]) =>
    [
      `**${what[0].toUpperCase()}${what.slice(1)} that work**: ${works}.`,
      ...(without === "" ? [] : [`Accepted without effect: ${without}.`]),
      ...(absent === "" ? [] : [`Absent, and why: ${absent}.`]),
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--models")) {
    const { Kernel } = await import(pathToFileURL(join(root, "dist/nest/index.js")).href);
    const { node_models, synapse_models } = new Kernel().get();
    console.log([...node_models, ...synapse_models].join(" "));
  } else writeFileSync(page, await pageWithTable());
}
