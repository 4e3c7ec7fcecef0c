import { type Table, rowCount } from "./table.js";

/** Rows that are turned into text at once. */
const rowsAtOnce = 10_000;

/**
 * A table as JSON lines: an object per row, in pieces of many lines. Numbers read back as they were; what is no number
 * is null.
 */
export function* jsonLines(table: Table): Generator<string> {
  const columns = Object.entries(table);
  const rows = rowCount(table);
  for (let begin = 0; begin < rows; begin += rowsAtOnce) {
    let lines = "";
    for (let row = begin; row < Math.min(rows, begin + rowsAtOnce); row++) {
      lines += `${JSON.stringify(Object.fromEntries(columns.map(([name, column]) => [name, column[row]])))}\n`;
    }
    yield lines;
  }
}
