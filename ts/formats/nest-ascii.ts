import { version } from "../core/version.js";
import { type Table, rowCount } from "./table.js";

/** The version of NEST whose files these are like, and that of its `ascii` recording backend. */
const nestVersion = `3.10.0 (eprop ${version})`;
const backendVersion = 2;

/** Rows that are turned into text at once. */
const rowsAtOnce = 10_000;

/** Decimal places that NEST writes if not told otherwise. */
export const nestPrecision = 3;

/**
 * A number as C++ writes it with a fixed number of decimal places. Unlike `toFixed`, what lies exactly between two
 * decimals goes to the even one.
 */
export function fixed(value: number, places: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}${places > 0 ? `.${"0".repeat(places)}` : ""}`;
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  const rounded = size.toFixed(places);
  if (!Number.isInteger(size * 2 * 10 ** places)) return sign + rounded;
  const [low, high] = [Math.max(0, Number(rounded) - 10 ** -places), Number(rounded)];
  // A tie has one more decimal place, a five, and nothing after it; `toFixed` took it up.
  const exact = size.toFixed(Math.min(100, places + 52));
  const rest = exact.slice(exact.indexOf(".") + 1 + places);
  if (!/^50*$/.test(rest)) return sign + rounded;
  return sign + (Number(rounded.at(-1)) % 2 === 0 ? high.toFixed(places) : low.toFixed(places));
}

/** The name of the file that NEST gives a recorder with `record_to` `ascii`. */
export function nestFileName(
  label: string,
  recorder: { id: number; nodes: number },
  extension = "dat",
  virtualProcess = 0,
): string {
  const digits = String(recorder.nodes).length;
  return `${label}-${String(recorder.id).padStart(digits, "0")}-${virtualProcess}.${extension}`;
}

const whole = (column: Table[string]) => column instanceof Uint32Array || column instanceof Int32Array;

/** Columns in NEST's order: sender, time, then numbers, then whole numbers. */
function ordered(table: Table): [string, Table[string]][] {
  const rest = Object.entries(table).filter(([name]) => !["senders", "times", "offsets"].includes(name));
  return [...rest.filter(([, column]) => !whole(column)), ...rest.filter(([, column]) => whole(column))];
}

/** The three lines at the top of NEST's file. */
export function nestHeader(table: Table): string {
  const time = table.offsets === undefined ? ["time_ms"] : ["time_step", "time_offset"];
  const names = ["sender", ...time, ...ordered(table).map(([name]) => name)];
  return `# NEST version: ${nestVersion}\n# RecordingBackendASCII version: ${backendVersion}\n${names.join("\t")}\n`;
}

/**
 * The rows of NEST's `ascii` recording backend, in pieces of many lines.
 *
 * @param table `senders`, `times` (ms; steps if there are `offsets`) and what was recorded.
 * @param precision Decimal places.
 */
export function* nestRows(table: Table, precision = nestPrecision): Generator<string> {
  const places = Math.min(100, precision);
  const { senders = [], times = [], offsets } = table;
  const columns = ordered(table);
  const rows = rowCount(table);
  for (let begin = 0; begin < rows; begin += rowsAtOnce) {
    let lines = "";
    for (let row = begin; row < Math.min(rows, begin + rowsAtOnce); row++) {
      const time = times[row] as number;
      const fields = [
        String(senders[row]),
        ...(offsets === undefined
          ? [fixed(time, places)]
          : [String(time), fixed(offsets[row] as number, places)]),
        ...columns.map(([, column]) =>
          column instanceof Float64Array || column instanceof Float32Array
            ? fixed(column[row] as number, places)
            : String(column[row]),
        ),
      ];
      lines += `${fields.join("\t")}\n`;
    }
    yield lines;
  }
}
