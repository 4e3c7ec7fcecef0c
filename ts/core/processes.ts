import { readFileSync } from "node:fs";

/** Whether a process of this machine is running; one that has ended and was not yet taken note of is not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  try {
    // Of Linux: the state comes after the name, in which there may be parentheses.
    const [, state] = /\) (\S)[^)]*$/.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? [];
    return state !== "Z";
  } catch {
    return true;
  }
}
