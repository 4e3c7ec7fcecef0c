import { type Stats, statSync } from "node:fs";
import { refuserOf } from "./file-errors.js";

/**
 * What is at a path.
 *
 * @throws {@link NESTError} that names the parameter where nothing is.
 */
export function statOf(path: string, parameter: string, bound: string): Stats {
  const there = statSync(path, { throwIfNoEntry: false });
  const refuse: ReturnType<typeof refuserOf> = refuserOf(path, parameter);
  return there ?? refuse("cannot be read: there is no such file or folder", bound, path);
}
