import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";
import type { Column, Table } from "./table.js";

/** A table as a Parquet file: numbers keep their type, ids are 64 bit wide. */
export function parquet(table: Table): Uint8Array {
  const columnData = Object.entries(table).map(([name, column]) => ({
    name,
    nullable: false,
    ...typed(column),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

function typed(column: Column): Pick<ColumnSource, "type" | "data"> {
  if (column instanceof Float64Array) return { type: "DOUBLE", data: column };
  if (column instanceof Float32Array) return { type: "FLOAT", data: column };
  if (column instanceof Int32Array) return { type: "INT32", data: column };
  // Ids are unsigned 32 bit numbers, for which Parquet's plain integers are one size too small.
  if (column instanceof Uint32Array) return { type: "INT64", data: BigInt64Array.from(column, BigInt) };
  return { type: "STRING", data: [...column] };
}
