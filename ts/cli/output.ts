import { taskTable } from "../tasks/index.js";
import type { Iteration } from "../training/index.js";

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

/** Shows how far a training is: in place on a terminal, else a line every two seconds. */
export class ProgressLine {
  readonly #total: number;
  readonly #stream: NodeJS.WriteStream;
  #shown = 0;

  constructor(total: number, stream: NodeJS.WriteStream) {
    this.#total = total;
    this.#stream = stream;
  }

  show({ iteration, phase, loss, error, ms }: Iteration): void {
    const now = performance.now();
    const terminal = this.#stream.isTTY;
    if (iteration < this.#total && now - this.#shown < (terminal ? 100 : 2000)) return;
    this.#shown = now;
    const parts = [
      `${iteration}/${this.#total} ${phase}`,
      `loss ${loss.toPrecision(6)}`,
      ...(error === undefined ? [] : [`error ${error.toFixed(3)}`]),
      `${ms.toFixed(2)} ms/iteration`,
    ];
    const line = parts.join("  ");
    this.#stream.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
  }

  end(): void {
    if (this.#stream.isTTY) this.#stream.write("\n");
  }
}
