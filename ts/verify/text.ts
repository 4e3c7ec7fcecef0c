/** A verification in words and as a table of text. */
import { many } from "../core/words.js";
import type { NestProof, ProofCheck, Verification } from "./verification.js";

/** A deviation as tables show it. */
export function deviationText(value: number | undefined): string {
  if (value === undefined) return "";
  if (!Number.isFinite(value)) return "∞";
  return value === 0 || value >= 1000 ? String(Math.round(value)) : value.toPrecision(2);
}

export function angleText(value: number | undefined): string {
  return value === undefined ? "" : `${value.toFixed(value < 1e-3 ? 0 : 1)}°`;
}

export function ratioText(value: number | undefined): string {
  return value === undefined ? "" : String(Number(value.toPrecision(3)));
}

/** What was verified, in a line. */
export function sizeText({ populations, sequences, steps, spikes, shrunk }: Verification): string {
  const count = (kind: string) =>
    populations.filter((of) => of.kind === kind).reduce((sum, { n }) => sum + n, 0);
  const cut = Object.entries(shrunk)
    .filter(([, less]) => less)
    .map(([name]) => name);
  const less = cut.length === 0 ? "" : `; fewer ${cut.join(", ")} than the task has`;
  return (
    `${many(count("input"), "input")}, ${many(count("recurrent"), "neuron")}, ` +
    `${many(count("readout"), "readout")}; ${many(sequences, "sequence")} of ${steps} steps; ` +
    `${many(spikes, "spike")}${less}`
  );
}

export function checkText({ what, projection, deviation, bound }: ProofCheck): string {
  const of = projection === undefined ? "" : ` (${projection})`;
  return `${what}${of}: ${deviationText(deviation)}, at most ${deviationText(bound)}`;
}

/** The verdict, in a sentence. */
export function verdictText({ passed, compared, checks }: Verification): string {
  const failed = checks.filter((check) => !check.passed).length;
  if (failed > 0) return `${failed} of ${checks.length} comparisons are off`;
  if (compared === 0) return "nothing is proved: all gradients are zero (do the neurons fire?)";
  return passed ? `all ${checks.length} comparisons agree` : "something is off";
}

/** Rows below a head, in columns. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => [...(row[at] ?? "")].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => {
        const room = " ".repeat((widths[at] as number) - [...cell].length);
        return at === 0 ? `${cell}${room}` : `${room}${cell}`;
      })
      .join("  ")
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join("");
}

/** The smallest deviation of a projection's differences of the loss. */
export function slopeDeviation({ slopes }: Verification, projection: string): number | undefined {
  const best = slopes
    .filter((of) => of.projection === projection)
    .map(({ steps }) => steps.reduce((least, { deviation }) => Math.min(least, deviation), Infinity));
  return best.length === 0 ? undefined : Math.max(...best);
}

/** Name and cells of the table's columns that have anything to show. */
export function proofColumns(proof: Verification): { head: string[]; rows: string[][] } {
  const all: [string, (string | undefined)[]][] = [
    ["projection", proof.projections.map(({ projection }) => projection)],
    ["connections", proof.projections.map(({ connections }) => String(connections))],
    ["norm", proof.projections.map(({ norm }) => ratioText(norm))],
    ["forward", proof.projections.map(({ forward }) => deviationText(forward))],
    ["definition", proof.projections.map(({ definition }) => deviationText(definition))],
    [
      "differences",
      proof.projections.map(({ projection }) => deviationText(slopeDeviation(proof, projection))),
    ],
    ["angle to BPTT", proof.paths.map(({ angle }) => angleText(angle))],
    ["norm to BPTT", proof.paths.map(({ ratio }) => ratioText(ratio))],
    ["symmetric", proof.paths.map(({ symmetricAngle }) => angleText(symmetricAngle))],
    ["RTRL", proof.paths.map(({ rtrl }) => deviationText(rtrl))],
  ];
  const told = all.filter(([, cells]) => cells.some((cell) => cell !== undefined && cell !== ""));
  return {
    head: told.map(([name]) => name),
    rows: proof.projections.map((_, at) => told.map(([, cells]) => cells[at] ?? "")),
  };
}

/** What NEST said, in a line. */
export function nestText({ version, iterations, spikes, spikesApart, signals, weights }: NestProof): string {
  const most = weights.reduce((largest, { deviation }) => Math.max(largest, deviation), 0);
  const compared = weights.reduce((sum, { connections }) => sum + connections, 0);
  return (
    `NEST ${version}, ${many(iterations, "iteration")}: ${many(spikes, "spike")}, ${spikesApart} of one side alone; ` +
    `readout signals ${deviationText(signals)} apart, ${many(compared, "weight")} ${deviationText(most)}`
  );
}

/** A verification for a terminal. */
export function terminalText(proof: Verification): string {
  const { head, rows } = proofColumns(proof);
  const failed = proof.checks.filter(({ passed }) => !passed);
  return [
    `${proof.task}, seed ${proof.seed}: ${sizeText(proof)}\n\n`,
    columns([head, ...rows]),
    "\n",
    ...(proof.nest === undefined ? [] : [`${nestText(proof.nest)}\n`]),
    ...proof.notes.map((note) => `note: ${note}\n`),
    ...failed.map((check) => `OFF: ${checkText(check)}\n`),
    `${verdictText(proof)}\n`,
  ].join("");
}
