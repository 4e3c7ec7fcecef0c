/** fast-check with one seed for all tests, so that they try the same cases wherever they run. */
import { configureGlobal } from "fast-check";

/** From where random cases start; `npm run fuzz` draws others. */
export const fuzzSeed = Number(process.env["EPROP_FUZZ_SEED"] ?? 2020);

configureGlobal({ seed: fuzzSeed });

export * from "fast-check";
