/** A column: numbers, or a text in each row. */
export type Column = Float64Array | Float32Array | Uint32Array | Int32Array | readonly string[];

/** Columns of equal length, by name. */
export type Table = Readonly<Record<string, Column>>;

/** How many rows a table has. */
export function rowCount(table: Table): number {
  return Object.values(table)[0]?.length ?? 0;
}
