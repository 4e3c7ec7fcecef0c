import { type NESTError, nestError } from "../core/errors.js";

/** What would be accepted instead, by the system's code. */
const bounds: Readonly<Record<string, string>> = {
  EACCES: "a place that may be written to",
  EPERM: "a place that may be written to",
  EROFS: "a place that may be written to",
  ENOSPC: "a disk with room",
  EDQUOT: "a disk with room",
  ENOTDIR: "a folder that can be made",
  EISDIR: "a name that no folder has",
  EEXIST: "a name that is not taken",
  ENAMETOOLONG: "a shorter name",
};

/** Whether an error is the system's, about a file. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && "code" in error && "syscall" in error && typeof error.code === "string";
}

/** What the system says, without its code, call and path. */
export function systemWords({ message, code }: NodeJS.ErrnoException): string {
  return new RegExp(`^${code}: (.*?)(, \\w+( ['"].*)?)?$`, "s").exec(message)?.[1] ?? message;
}

/**
 * Says in words why something cannot be written; an error that is not the system's stays as it is.
 *
 * @param what What the message calls it.
 */
export function cannotWrite(
  path: string,
  error: unknown,
  parameter = "path",
  bound = "a file in a folder that exists, on a disk with room",
  what = path,
): unknown {
  if (!isFileError(error)) return error;
  const refused: NESTError = nestError({
    code: "ValueError",
    message: `${what} cannot be written: ${systemWords(error)}`,
    parameter,
    value: path,
    bound: bounds[error.code] ?? bound,
  });
  refused.cause = error;
  return refused;
}

/** What refuses a file that is read, in words: what is wrong, what is wanted, and what is there. */
export function refuserOf(
  path: string,
  parameter = "file",
): (what: string, bound: string, value?: string, cause?: unknown) => never {
  return (what, bound, value, cause) => {
    const message = `${path} ${what}`;
    const refused: NESTError = nestError({
      code: "ValueError",
      message,
      parameter,
      bound,
      ...(value !== undefined && { value }),
    });
    if (cause !== undefined) refused.cause = cause;
    throw refused;
  };
}
