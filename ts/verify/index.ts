/**
 * Holds what eprop computes of a network of your own against slow programs that share nothing with it.
 *
 * @module eprop/verify
 */
import "../core/runtime.js";
export { NESTError } from "../core/errors.js";
export { writeVerification } from "./page.js";
export type { SlopeCheck } from "./finite-differences.js";
export type { Shrinking } from "./shrink.js";
export type {
  Findings,
  NestProof,
  PathsProof,
  ProjectionProof,
  ProofCheck,
  TrainingAngles,
  Verification,
  VerifyOptions,
} from "./verification.js";
export { type VerificationData, verify, verifyTask } from "./verify.js";
