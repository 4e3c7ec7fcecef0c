import { NESTError } from "../core/errors.js";
import { isFileError, systemWords } from "../files/file-errors.js";
import { taskTable } from "../tasks/index.js";
import { parameterText } from "../tasks/parameter.js";

/** Writes a last line to standard error and sets the exit code. */
export function conclude(line: string, code: number): void {
  process.stderr.write(`${line}\n`);
  process.exitCode = code;
}

/** Says what went wrong, and sets the exit code. */
export function concludeWith(error: unknown): void {
  if (error instanceof NESTError) conclude(`eprop: ${error.name}: ${error.message}`, 1);
  else if (error instanceof Error && error.name === "AbortError") conclude("eprop: stopped", 130);
  else if (isFileError(error)) {
    const place = error.path === undefined ? "" : `${error.path}: `;
    conclude(`eprop: ${place}${systemWords(error)} (${error.code})`, 1);
  } else conclude(`eprop: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, 1);
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
      ([parameter, row]) => `  --set ${`${parameter}=${row.default}`.padEnd(20)} ${parameterText(row)}`,
    ),
    "",
  ]);
  return `${lines.join("\n")}\n`;
}
