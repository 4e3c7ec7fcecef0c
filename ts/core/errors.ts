import { errorCodes } from "./error-codes.generated.js";

/** What a refused call says about itself. */
export interface ErrorDetails {
  code: string;
  message: string;
  model?: string | null;
  parameter?: string | null;
  value?: string | null;
  bound?: string | null;
}

/** A {@link NESTError} as plain data, for JSON, other threads and other processes. */
export interface ErrorData {
  name: string;
  message: string;
  code: string;
  model?: string;
  parameter?: string;
  value?: string;
  bound?: string;
}

/** What a {@link NESTError} has besides its message. */
const detailNames = ["code", "model", "parameter", "value", "bound"] as const;

/**
 * A refused call. Nothing was changed by it.
 *
 * `code` is stable and, where NEST has an exception for the case, has its name.
 *
 * `JSON.stringify` keeps all of it. The structured clone that `postMessage` and IPC make of an error keeps no class and
 * no fields, but its `message` and its `cause`, which has them. {@link NESTError.from} makes the error again of either.
 *
 * @example
 * worker.on("message", ({ failure }) => {
 *   throw NESTError.from(failure);
 * });
 */
export class NESTError extends Error {
  /** What kind of mistake it is. */
  declare readonly code: string;
  /** The model concerned. */
  declare readonly model: string | undefined;
  /** The parameter concerned. */
  declare readonly parameter: string | undefined;
  /** The value given, as text. */
  declare readonly value: string | undefined;
  /** What would be accepted. */
  declare readonly bound: string | undefined;
  /** @internal The message without the details. */
  declare readonly summary: string;

  constructor(details: ErrorDetails) {
    const known = Object.fromEntries(
      detailNames.flatMap((name) => {
        const value = details[name];
        return value === undefined || value === null ? [] : [[name, value]];
      }),
    );
    super(messageOf(details), { cause: known });
    Object.assign(this, known);
    Object.defineProperty(this, "summary", { value: details.message });
  }

  /** @internal As another that says more of where it happened. */
  static within(error: NESTError, where: string, model: string): NESTError {
    const { parameter, value, bound, summary } = error;
    const code = error.code as ErrorCode;
    return nestError({
      code,
      message: `${where}: ${summary}`,
      model: error.model ?? model,
      ...(parameter !== undefined && { parameter }),
      ...(value !== undefined && { value }),
      ...(bound !== undefined && { bound }),
    });
  }

  /** The error as plain data: `JSON.stringify` asks for it, and {@link NESTError.from} takes it. */
  toJSON(): ErrorData {
    // Its cause may be that of the system, which has a code of its own.
    const known = detailNames.flatMap((name) => (this[name] === undefined ? [] : [[name, this[name]]]));
    return { name: this.name, message: this.message, ...(Object.fromEntries(known) as { code: string }) };
  }

  /**
   * The error that was sent as JSON or as a structured clone, with its class, message and fields. What was no
   * {@link NESTError} comes back as it is.
   *
   * @param data What `JSON.parse`, a message of another thread or an IPC message gave.
   */
  static from<T>(data: T): NESTError | T {
    try {
      if (data instanceof NESTError || typeof data !== "object" || data === null) return data;
      const { message, cause } = data as { message?: unknown; cause?: unknown };
      const details = ("code" in data ? data : cause) as Partial<Record<string, unknown>> | undefined;
      const code = details?.code;
      if (typeof message !== "string" || typeof code !== "string" || !Object.hasOwn(NESTErrors, code)) {
        return data;
      }
      const known = detailNames.flatMap((name) => {
        const value = details?.[name];
        return typeof value === "string" ? [[name, value] as const] : [];
      });
      const error = new NESTErrors[code as ErrorCode]({ code, message: "", ...Object.fromEntries(known) });
      const stack = data instanceof Error ? data.stack : undefined;
      Object.defineProperty(error, "message", { value: message });
      if (stack !== undefined) Object.defineProperty(error, "stack", { value: stack });
      return error;
    } catch {
      // Whatever cannot be read is none.
      return data;
    }
  }
}

function messageOf(details: ErrorDetails): string {
  const parts = [
    details.model && `model ${details.model}`,
    details.parameter && `parameter ${details.parameter}`,
    details.value && `value ${details.value}`,
    details.bound && `required: ${details.bound}`,
  ].filter(Boolean);
  return parts.length > 0 ? `${details.message} (${parts.join(", ")})` : details.message;
}

Object.defineProperty(NESTError.prototype, "name", {
  value: "NESTError",
  configurable: true,
  writable: true,
});

/** The code of a {@link NESTError}. */
export type ErrorCode = (typeof errorCodes)[number];

/** A class for each code, so that `error instanceof NESTErrors.BadProperty` can be asked. */
export const NESTErrors = Object.fromEntries(errorCodes.map((code) => [code, classOf(code)])) as Record<
  ErrorCode,
  typeof NESTError
>;

function classOf(code: ErrorCode): typeof NESTError {
  const of = { [code]: class extends NESTError {} }[code] as typeof NESTError;
  // On the prototype, so that the stack trace begins with it.
  Object.defineProperty(of.prototype, "name", { value: code, configurable: true, writable: true });
  return of;
}

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
