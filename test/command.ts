import { spawn } from "node:child_process";

/** How a command ended, and what it printed. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** What happens while a command runs. */
interface Surroundings {
  /** What is done meanwhile, with its process. */
  meanwhile?: (pid: number) => Promise<void>;
  /** What it reads from standard input. */
  input?: string;
}

/** Runs the command `eprop`. */
export function eprop(args: readonly string[], { meanwhile, input = "" }: Surroundings = {}): Promise<Ended> {
  const child = spawn(process.execPath, ["dist/cli/bin.js", ...args]);
  child.stdin.end(input);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => (stdout += data));
  child.stderr.on("data", (data) => (stderr += data));
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  return meanwhile === undefined ? ended : meanwhile(child.pid as number).then(() => ended);
}
