/** Numbers in a row. */
export type NumberList = readonly number[] | Float64Array | Float32Array | Uint32Array | Int32Array;
