import { readFileSync, writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { type Comparison, type Simulator, ratios } from "./comparison.js";
import type { Growth } from "./growth.js";
import type { Line } from "./line.js";
import type { Machine } from "./machine.js";

/** What a run of the benchmarks found. */
export interface Report {
  date: string;
  quick: boolean;
  machine: Machine;
  lines: Line[];
  growth: Growth[];
  /** Beside other simulators. */
  comparisons: Comparison[];
}

interface Column {
  title: string;
  /** What a line shows; nothing where it has no such figure. */
  cell: (line: Line) => string | undefined;
}

/** Three significant digits, and whole numbers whole. */
function number(value: number | undefined, unit = ""): string | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined;
  const digits = value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return `${Number(digits).toLocaleString("en-US", { maximumFractionDigits: 4 })}${unit}`;
}

const percent = (share: number | undefined) => number(share === undefined ? undefined : share * 100, " %");

const columns = {
  case: {
    title: "case",
    cell: ({ name, precision }) => (precision === "f64" ? name : `${name}, ${precision}`),
  },
  threads: { title: "threads", cell: ({ threads }) => String(threads) },
  ms: { title: "ms", cell: ({ ms }) => number(ms) },
  least: { title: "fastest, ms", cell: ({ leastMs }) => number(leastMs) },
  cold: { title: "first, ms", cell: ({ coldMs }) => number(coldMs) },
  neuronStep: { title: "ns / neuron-step", cell: ({ nsPerNeuronStep }) => number(nsPerNeuronStep) },
  event: { title: "ns / synaptic event", cell: ({ nsPerSynapticEvent }) => number(nsPerSynapticEvent) },
  synapseSteps: {
    title: "10^9 synapse-steps / s",
    cell: ({ synapseStepsPerSecond }) => number((synapseStepsPerSecond ?? Number.NaN) / 1e9),
  },
  forward: { title: "against forward", cell: ({ againstForward }) => number(againstForward, " ×") },
  bandwidth: { title: "bandwidth", cell: ({ bandwidthShare }) => percent(bandwidthShare) },
  vector: { title: "vector rate", cell: ({ vectorShare }) => percent(vectorShare) },
  peak: { title: "peak MB", cell: ({ peakBytes }) => number(peakBytes / 1e6) },
  processes: { title: "processes", cell: ({ processes }) => String(processes) },
} as const satisfies Record<string, Column>;

const cost = [columns.cold, columns.neuronStep, columns.event, columns.synapseSteps];
const roofs = [columns.bandwidth, columns.vector, columns.peak];

/** The columns of each table. */
export const tableColumns: Readonly<Record<Line["table"], readonly Column[]>> = {
  "start-up": [columns.case, columns.threads, columns.ms, columns.processes, columns.peak],
  tasks: [columns.case, columns.threads, columns.ms, columns.least, ...cost, columns.forward, ...roofs],
  "spoken digits": [columns.case, columns.threads, columns.ms, ...cost, columns.forward, ...roofs],
  growth: [columns.case, columns.threads, columns.ms, ...cost, columns.forward, ...roofs],
  "large and sparse": [columns.case, columns.threads, columns.ms, ...cost, ...roofs],
  "e-prop+": [columns.case, columns.threads, columns.ms, ...cost, ...roofs],
};

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

/** The head of a table. */
export function head(table: Line["table"]): string[] {
  const titles = tableColumns[table].map(({ title }) => title);
  return [row(titles), row(titles.map(() => "---"))];
}

/** A line of a table. */
export function body(line: Line): string {
  return row(tableColumns[line.table].map(({ cell }) => cell(line) ?? ""));
}

const nameOf = ({ processor, cores, memory, instructions, node }: Machine) =>
  `${processor}, ${cores} cores, ${instructions}, ${number(memory / 1e9)} GB, Node ${node.slice(1)}`;

/** What the machine is. */
export function machineText(machine: Machine): string {
  const { roofs: measured } = machine;
  const rates = measured.map(
    ({ threads, bandwidth, vectorRate }) =>
      `${number(bandwidth / 1e9)} GB/s and ${number(vectorRate / 1e9)} · 10^9 operations/s on ${threads} thread${threads > 1 ? "s" : ""}`,
  );
  return `${nameOf(machine)}: ${rates.join(", ")}.`;
}

/** How busy the processor was with what was measured, for those who judge the figures. */
function quietText({ date, quick, lines }: Report): string {
  const shares = lines.filter(({ threads, table }) => threads === 1 && table !== "start-up");
  const least = Math.min(1, ...shares.map(({ busy }) => busy));
  return (
    `Measured on ${date.slice(0, 10)}${quick ? " with small sizes (`--quick`)" : ""}; ` +
    `cases with one thread had the processor for at least ${percent(least)} of their time.`
  );
}

/** Growth of a series in words. */
export function growthText({ series, from, to, slope: power, linear }: Growth): string {
  const grows = `${series}, from ${number(from)} to ${number(to)}: cost grows with the power ${power.toFixed(2)}`;
  if (linear === undefined) return grows;
  const { once, each, deviation } = linear;
  return `${grows}; ${number(once)} ms and ${number(each)} ms for each give it within ${percent(deviation)}`;
}

/** Times of an iteration in all processes: the least, and the most where they differ as they are shown. */
function span(values: readonly number[]): string {
  const [least, most] = [number(Math.min(...values)), number(Math.max(...values))];
  return least === most ? `${least}` : `${least} – ${most}`;
}

/** A comparison in words: the median ratio of the pairs, the least and the most. */
export function comparisonText(comparison: Comparison): string {
  const { name, simulator, pairs, precision } = comparison;
  const { median, least, most } = ratios(comparison);
  return `${name}, ${precision}: ${number(median)} times as fast as ${simulator} (${number(least)} to ${number(most)} in ${pairs.length} pairs)`;
}

const comparisonColumns = (simulator: Simulator) => [
  "case",
  `${simulator}, ms`,
  "eprop, ms",
  "ratio",
  "least – most",
  "ratio of each pair",
  "losses differ by",
];

function comparisonRow(comparison: Comparison): string {
  const { name, precision, pairs, deviation } = comparison;
  const { median, least, most } = ratios(comparison);
  return row([
    precision === "f64" ? name : `${name}, ${precision}`,
    span(pairs.map(({ other }) => other)),
    span(pairs.map(({ own }) => own)),
    `${number(median, " ×")}`,
    span([least, most]),
    pairs.map(({ ratio }) => number(ratio)).join(", "),
    deviation === undefined ? "" : deviation.toExponential(0),
  ]);
}

/** The table of a simulator, and what it was measured on. */
function comparisonBlock(simulator: Simulator, { comparisons, machine, date, quick }: Report): string {
  const own = comparisons.filter((one) => one.simulator === simulator);
  const titles = comparisonColumns(simulator);
  const threads = own[0]?.threads ?? 1;
  return [
    row(titles),
    row(titles.map(() => "---")),
    ...own.map(comparisonRow),
    "",
    `${simulator} ${own[0]?.version}, ${threads === 1 ? "one thread each" : `all ${threads} cores each`}; ` +
      `${nameOf(machine)}. Measured on ${date.slice(0, 10)}${quick ? " with small sizes (`--quick`)" : ""}.`,
  ].join("\n");
}

/** The ratios against NEST in one sentence, from the least median to the greatest of each kind of case. */
function summaryText({ comparisons }: Report): string {
  const own = comparisons.filter(({ simulator }) => simulator === "NEST");
  const kind = (names: RegExp, unit: string) => {
    const medians = own.filter(({ name }) => names.test(name)).map((one) => ratios(one).median);
    return medians.length === 0 ? [] : [`${span(medians)} times as fast ${unit}`];
  };
  const kinds = [
    ...kind(/^(sine-waves|lemniscate|handwriting|evidence-accumulation)$/, "in the tutorials"),
    ...kind(/^(sine-waves-plus|n-mnist.*|moving digits.*)$/, "in those with e-prop+"),
    ...kind(/^sparse, update/, "in large sparse networks"),
    ...kind(/^sparse, e-prop/, "in such networks with e-prop+"),
  ];
  return `Side by side with NEST ${own[0]?.version}, one thread each, eprop is ${kinds.join(", ")} (medians of each case).`;
}

/** The blocks of a page, by name. */
export function blocks(report: Report): Map<string, string> {
  const found = new Map<string, string>();
  if (report.lines.length > 0) {
    found.set("machine", `${machineText(report.machine)} ${quietText(report)}`);
  }
  const simulators = new Set(report.comparisons.map(({ simulator }) => simulator));
  for (const simulator of simulators) found.set(simulator, comparisonBlock(simulator, report));
  if (simulators.has("NEST")) found.set("summary", summaryText(report));
  for (const table of Object.keys(tableColumns) as Line["table"][]) {
    const lines = report.lines.filter((line) => line.table === table);
    if (lines.length === 0) continue;
    const growth = report.growth.filter((one) => one.table === table);
    const list = growth.length > 0 ? ["", ...growth.map((one) => `- ${growthText(one)}`)] : [];
    found.set(table, [...head(table), ...lines.map(body), ...list].join("\n"));
  }
  return found;
}

/** Puts what a run found into a page. */
export const fillPage = (path: string, page: string, report: Report): Promise<string> =>
  fillBlocks(path, page, blocks(report));

/** Puts blocks into a page between its comments `<!-- bench NAME -->` and `<!-- end -->`; other blocks stay. */
async function fillBlocks(path: string, page: string, found: ReadonlyMap<string, string>): Promise<string> {
  const filled = page.replaceAll(
    /(<!-- bench ([^>]+) -->)[\s\S]*?(<!-- end -->)/g,
    (whole, begin: string, name: string, end: string) => {
      const block = found.get(name);
      return block === undefined ? whole : `${begin}\n\n${block}\n\n${end}`;
    },
  );
  return format(filled, { ...(await resolveConfig(path)), filepath: path });
}

/** Writes tables into a page, by the names of their blocks; where there is no page, nothing. */
export async function writeBlocks(
  path: string | undefined,
  found: ReadonlyMap<string, string>,
): Promise<void> {
  if (path === undefined) return;
  writeFileSync(path, await fillBlocks(path, readFileSync(path, "utf8"), found));
}
