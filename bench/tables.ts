import { format, resolveConfig } from "prettier";
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
  nest: {
    title: "against NEST",
    cell: ({ against }) => (against?.simulator === "NEST" ? number(against.ratio, " ×") : undefined),
  },
  nestAtBest: {
    title: "at best",
    cell: ({ against }) => (against?.simulator === "NEST" ? number(against.most, " ×") : undefined),
  },
  genn: {
    title: "against GeNN",
    cell: ({ against }) => (against?.simulator === "GeNN" ? number(against.ratio, " ×") : undefined),
  },
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
  tasks: [
    columns.case,
    columns.threads,
    columns.ms,
    columns.least,
    ...cost,
    columns.forward,
    columns.nest,
    columns.nestAtBest,
    ...roofs,
  ],
  "spoken digits": [
    columns.case,
    columns.threads,
    columns.ms,
    ...cost,
    columns.forward,
    columns.genn,
    ...roofs,
  ],
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

/** What the machine is. */
export function machineText({
  processor,
  cores,
  memory,
  instructions,
  node,
  roofs: measured,
}: Machine): string {
  const rates = measured.map(
    ({ threads, bandwidth, vectorRate }) =>
      `${number(bandwidth / 1e9)} GB/s and ${number(vectorRate / 1e9)} · 10^9 operations/s on ${threads} thread${threads > 1 ? "s" : ""}`,
  );
  return `${processor}, ${cores} cores, ${instructions}, ${number(memory / 1e9)} GB, Node ${node.slice(1)}: ${rates.join(", ")}.`;
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

/** The blocks of a page, by name. */
export function blocks(report: Report): Map<string, string> {
  const found = new Map([["machine", `${machineText(report.machine)} ${quietText(report)}`]]);
  for (const table of Object.keys(tableColumns) as Line["table"][]) {
    const lines = report.lines.filter((line) => line.table === table);
    if (lines.length === 0) continue;
    const growth = report.growth.filter((one) => one.table === table);
    const list = growth.length > 0 ? ["", ...growth.map((one) => `- ${growthText(one)}`)] : [];
    found.set(table, [...head(table), ...lines.map(body), ...list].join("\n"));
  }
  return found;
}

/** Puts the blocks into a page between its comments `<!-- bench NAME -->` and `<!-- end -->`; other blocks stay. */
export async function fillPage(path: string, page: string, report: Report): Promise<string> {
  const found = blocks(report);
  const filled = page.replaceAll(
    /(<!-- bench ([^>]+) -->)[\s\S]*?(<!-- end -->)/g,
    (whole, begin: string, name: string, end: string) => {
      const block = found.get(name);
      return block === undefined ? whole : `${begin}\n\n${block}\n\n${end}`;
    },
  );
  return format(filled, { ...(await resolveConfig(path)), filepath: path });
}
