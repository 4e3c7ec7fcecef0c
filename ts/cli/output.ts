import { taskTable } from "../tasks/index.js";

/** Writes a last line to standard error and sets the exit code. */
export function conclude(line: string, code: number): void {
  process.stderr.write(`${line}\n`);
  process.exitCode = code;
}

/** The table of tasks. */
export function tasksTable(json: boolean): string {
  if (json) {
    const rows = taskTable.map(({ name, aliases, text, parameters }) => ({
      name,
      aliases,
      text,
      parameters,
    }));
    return `${JSON.stringify(rows, null, 2)}\n`;
  }
  const lines = taskTable.flatMap(({ name, aliases, text, parameters }) => [
    `${[name, ...aliases].join(", ")}\n  ${text}`,
    ...Object.entries(parameters).map(
      ([parameter, row]) =>
        `  --set ${`${parameter}=${row.default}`.padEnd(20)} ${row.text}${row.unit === "" ? "" : ` (${row.unit})`}`,
    ),
    "",
  ]);
  return `${lines.join("\n")}\n`;
}
