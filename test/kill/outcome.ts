import { createHash } from "node:crypto";
import type { TrainingResult } from "../../ts/index.js";

/** What ended a training, and a digest of all weights and recorded columns. */
export function outcome({ weights, recorded, ended }: TrainingResult): { ended: string; digest: string } {
  const hash = createHash("sha256");
  const add = (name: string, values: Float64Array | Uint32Array) =>
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  for (const [when, projections] of Object.entries(weights)) {
    for (const [projection, { data }] of Object.entries(projections)) add(`${when}.${projection}`, data);
  }
  for (const [recorder, columns] of Object.entries(recorded)) {
    for (const [column, values] of Object.entries(columns)) add(`${recorder}.${column}`, values);
  }
  return { ended, digest: hash.digest("hex") };
}
