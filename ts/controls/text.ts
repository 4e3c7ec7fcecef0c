/** Controls as a table. */
import { countText } from "../sweep/results.js";
import { type ControlRow, type Measure, intervalText } from "./results.js";

/** Head and rows of the table. */
export function controlsTable(
  measure: Measure,
  rows: readonly ControlRow[],
): { head: string[]; rows: string[][] } {
  const hasErrors = rows.some(({ error }) => error !== undefined);
  return {
    head: [
      "control",
      "runs",
      "loss",
      ...(hasErrors ? ["error"] : []),
      `${measure} above the trained network’s`,
    ],
    rows: rows.map((row) => [
      row.control,
      countText({ ...row, pruned: 0 }),
      intervalText(row.loss),
      ...(hasErrors ? [intervalText(row.error)] : []),
      intervalText(row.worse),
    ]),
  };
}

/** Controls for a terminal. */
export function controlsText(sentence: string, measure: Measure, rows: readonly ControlRow[]): string {
  const table = controlsTable(measure, rows);
  const all = [table.head, ...table.rows];
  const widths = table.head.map((_, at) => Math.max(...all.map((row) => [...(row[at] ?? "")].length)));
  const lines = all.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] as number))
      .join("  ")
      .trimEnd(),
  );
  return `${sentence}\n\n${lines.join("\n")}\n\nmedians [95 % bootstrap intervals] over seeds\n`;
}
