import { type Stats, statSync } from "node:fs";
import { refuse } from "../core/arguments.js";

/**
 * What is at a path.
 *
 * @throws {@link NESTError} that names the parameter where nothing is.
 */
export function statOf(path: string, parameter: string, bound: string): Stats {
  const found = statSync(path, { throwIfNoEntry: false });
  const message = `${path} cannot be read: there is no such file or folder`;
  return found ?? refuse(parameter, path, bound, { code: "ValueError", message });
}
