/** A typed array of numbers. */
export type TypedNumbers =
  | Float64Array
  | Float32Array
  | Uint32Array
  | Int32Array
  | Uint16Array
  | Int16Array
  | Uint8Array
  | Int8Array
  | Uint8ClampedArray;

/** Numbers in a row. */
export type NumberList = readonly number[] | TypedNumbers;
