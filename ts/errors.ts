import { errorCodes } from "./nest/models.generated.js";

/** What a refused call says about itself. */
export interface ErrorDetails {
  code: string;
  message: string;
  model?: string | null;
  parameter?: string | null;
  value?: string | null;
  bound?: string | null;
}

/**
 * A refused call. Nothing was changed by it.
 *
 * `code` is stable and, where NEST has an exception for the case, has its name.
 */
export class NESTError extends Error {
  /** What kind of mistake it is. */
  readonly code: string;
  /** The model concerned. */
  readonly model: string | undefined;
  /** The parameter concerned. */
  readonly parameter: string | undefined;
  /** The value given, as text. */
  readonly value: string | undefined;
  /** What would be accepted. */
  readonly bound: string | undefined;

  constructor(details: ErrorDetails) {
    const parts = [
      details.model && `model ${details.model}`,
      details.parameter && `parameter ${details.parameter}`,
      details.value && `value ${details.value}`,
      details.bound && `required: ${details.bound}`,
    ].filter(Boolean);
    super(parts.length > 0 ? `${details.message} (${parts.join(", ")})` : details.message);
    this.name = details.code;
    this.code = details.code;
    this.model = details.model ?? undefined;
    this.parameter = details.parameter ?? undefined;
    this.value = details.value ?? undefined;
    this.bound = details.bound ?? undefined;
  }
}

/** The code of a {@link NESTError}. */
export type ErrorCode = (typeof errorCodes)[number];

/** A class for each code, so that `error instanceof NESTErrors.BadProperty` can be asked. */
export const NESTErrors = Object.fromEntries(
  errorCodes.map((code) => [code, { [code]: class extends NESTError {} }[code]]),
) as Record<ErrorCode, typeof NESTError>;

/** An error with the class of its code. */
export function nestError(details: ErrorDetails & { code: ErrorCode }): NESTError {
  return new NESTErrors[details.code](details);
}

/** Begins the message of an error that comes from the engine. */
const mark = "eprop:";

/** Makes an error of the engine, which comes as data, one of the classes above. */
export function fromNative(error: unknown): unknown {
  if (error instanceof Error && error.message.startsWith(mark)) {
    const details = JSON.parse(error.message.slice(mark.length)) as ErrorDetails;
    const Class = NESTErrors[details.code as ErrorCode] ?? NESTError;
    return new Class(details);
  }
  return error;
}

/** Calls the engine; its errors are thrown as {@link NESTError}. */
export function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
}

/** Awaits work of the engine on another thread; its errors are thrown as {@link NESTError}. */
export async function guardedAsync<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fromNative(error);
  }
}
