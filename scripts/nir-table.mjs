// What versions of the Python package nir, and programs that read its files, make of what eprop writes: tries it, keeps
// the answers in test/python/nir.json and writes the tables of docs/networks.md. Run after a build:
// `PYTHON=a/python/with/nir/and/programs node scripts/nir-table.mjs`; with `--tables` alone from the answers kept.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { format, resolveConfig } from "prettier";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const page = join(root, "docs/networks.md");
const kept = join(root, "test/python/nir.json");
const begin = "<!-- who reads what: written by scripts/nir-table.mjs -->";
const end = "<!-- end -->";
const versions = ["0.2", "1.0.1", "1.0.4", "1.0.6", "1.0.8"];
const programs = { snntorch: "snnTorch", norse: "Norse", sinabs: "Sinabs", rockpool: "Rockpool" };

const [steps, inputs, neurons, resolution] = [400, 5, 8, 0.1];

/** A layer of neurons that are reset to their resting potential, with weights and input from formulas. */
function layerOf(nest, isRecurrent) {
  const kernel = new nest.Kernel();
  kernel.set({ resolution });
  const generators = kernel.Create("spike_generator", inputs);
  const params = { C_m: 1, E_L: 0, V_m: 0, V_th: 1, V_reset: 0, tau_m: 5, t_ref: 0 };
  const layer = kernel.Create("eprop_iaf_psc_delta", neurons, params);
  const weight = Array.from({ length: neurons }, (_, row) =>
    Array.from({ length: inputs }, (_, column) => 0.103 + ((row * 7 + column * 3) % 11) / 19.7),
  );
  kernel.Connect(generators, layer, "all_to_all", {
    synapse_model: "eprop_synapse",
    weight,
    delay: resolution,
  });
  if (isRecurrent) {
    const among = Array.from({ length: neurons }, (_, row) =>
      Array.from({ length: neurons }, (_value, column) =>
        row === column ? 0 : (((row * 5 + column * 3) % 7) - 3) / 17.3,
      ),
    );
    kernel.Connect(layer, layer, "all_to_all", {
      synapse_model: "eprop_synapse",
      weight: among,
      delay: resolution,
    });
  }
  return kernel;
}

/** Input spikes: steps and places. */
function inputSpikes() {
  const spikes = [];
  for (let step = 0; step < steps - 10; step++) {
    for (let place = 0; place < inputs; place++) {
      if ((step * step + 13 * place * step + 5 * place) % 37 < 2) spikes.push([step, place]);
    }
  }
  return spikes;
}

/** Writes graphs, input and the spikes that eprop answers with into a folder. */
export async function writeExample(folder, eprop, isRecurrent = false) {
  const network = eprop.Network.of(layerOf(eprop, isRecurrent));
  await eprop.writeNIR(join(folder, "exact.nir"), eprop.toNIR(network));
  await eprop.writeNIR(join(folder, "euler.nir"), eprop.toNIR(network, { integration: "euler" }));
  const input = inputSpikes();
  const times = Float64Array.from(input, ([step]) => step * resolution);
  const senders = input.map(([, place]) => place);
  const { spikes } = network.infer({ times, senders }, steps * resolution);
  const fired = Array.from(spikes.times, (time, at) => [
    Math.round(time / resolution) - 1,
    Number(spikes.senders[at]),
  ]);
  const example = { steps, inputs, neurons, resolution, input, fired };
  writeFileSync(join(folder, "spikes.json"), JSON.stringify(example));
  return example;
}

function run(command, parameters) {
  const { status, stdout, stderr } = spawnSync(command, parameters, { encoding: "utf8", cwd: root });
  if (status !== 0) throw new Error(`${command} ${parameters.join(" ")}: ${stderr}`);
  return stdout;
}

/** Tries everything with a Python. */
async function answers(python) {
  const eprop = await import(pathToFileURL(join(root, "dist/index.js")).href);
  const folder = mkdtempSync(join(tmpdir(), "eprop-nir-"));
  try {
    await writeExample(folder, eprop);
    const recurrent = join(folder, "recurrent");
    mkdirSync(recurrent);
    await writeExample(recurrent, eprop, true);
    const graph = join(folder, "exact.nir");
    const rows = run(python, ["test/python/nir_versions.py", graph, folder, ...versions])
      .trim()
      .split("\n");
    const packages = {};
    for (const [, version, reads] of rows.slice(2).map((row) => row.split("|"))) {
      const name = version.trim();
      const written = join(folder, `by-${name}.nir`);
      const read = await eprop.readNIR(written).then(
        (found) => eprop.fromNIR(found, 1).neurons > 0,
        (error) => error.message,
      );
      packages[name] = { reads: reads.trim(), read };
    }
    const tried = (graphs) =>
      JSON.parse(run(python, ["test/python/nir_programs.py", graphs]).trim().split("\n").at(-1));
    return { packages, programs: tried(folder), recurrent: tried(recurrent) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const loaded = ({ loads, shared, found, expected }) => {
  if (loads !== true) return `no: \`${loads.replaceAll("|", "/").replaceAll("`", "'")}\``;
  return shared === expected && found === expected
    ? `yes, all ${expected} spikes the same`
    : `yes; ${shared} of ${expected} spikes the same, ${found} in all`;
};

/** What programs made of a graph. */
const tableOf = (tried) => [
  '| program | loads `toNIR(network)` | loads `toNIR(network, { integration: "euler" })` |',
  "| --- | --- | --- |",
  ...Object.entries(tried).map(
    ([name, { version, exact, euler }]) =>
      `| ${programs[name]} ${version} | ${loaded(exact)} | ${loaded(euler)} |`,
  ),
  "",
];

/** The tables as the page has them. */
export async function nirTables() {
  const { packages, programs: layers, recurrent } = JSON.parse(readFileSync(kept, "utf8"));
  const first = Object.entries(packages).map(
    ([version, { reads, read }]) => `| ${version} | ${reads} | ${read === true ? "yes" : read} |`,
  );
  const text = [
    begin,
    "",
    "| nir | reads what eprop writes | is read by eprop |",
    "| --- | --- | --- |",
    ...first,
    "",
    ...tableOf(layers),
    "The same with connections among the neurons of the layer:",
    "",
    ...tableOf(recurrent),
    end,
    "",
  ].join("\n");
  const config = await resolveConfig(page);
  return (await format(text, { ...config, parser: "markdown" })).trim();
}

/** The page with the tables in their place. */
export async function pageWithTables() {
  const text = readFileSync(page, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error("docs/networks.md has no place for the tables");
  return text.slice(0, from) + (await nirTables()) + text.slice(to + end.length);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes("--tables")) {
    const found = await answers(process.env["PYTHON"] ?? "python3");
    writeFileSync(kept, `${JSON.stringify(found, null, 2)}\n`);
  }
  writeFileSync(page, await pageWithTables());
}
