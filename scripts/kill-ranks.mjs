// Kills random ranks of trainings at random moments, and resumes them with other numbers of ranks: the others must end
// within five seconds, and what comes out must have the bits of a training that nothing happened to.
//
//   node scripts/kill-ranks.mjs [--kills 30] [--seed 1]     with each MPI that is installed, after `npm run build`
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { kills: { type: "string" }, seed: { type: "string" } } });
const kills = Number(values.kills ?? 30);
/** Longest that ranks may go on after one of them was killed (ms). */
const bound = 5000;

let state = Number(values.seed ?? 1) >>> 0;
/** A number from 0 to 1 that follows from the seed. */
function random() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}

const asRoot = process.getuid?.() === 0 ? ["--allow-run-as-root"] : [];
const launchers = [
  ["mpirun.openmpi", ...asRoot, "--oversubscribe", "--bind-to", "none"],
  ["mpirun.mpich"],
].filter(([program]) => spawnSync(program, ["--version"]).status === 0);
if (launchers.length === 0) throw new Error("neither Open MPI nor MPICH is installed");

const command = [process.execPath, resolve("dist/cli/bin.js"), "train"];
const training = ["evidence-accumulation", "--iterations", "20", "--batch-size", "6", "--no-record"];
const run = ["--seed", "1", "--checkpoint-every", "1", "--quiet"];

const folder = mkdtempSync(join(tmpdir(), "eprop-kill-ranks-"));

/** What a run folder says of the training, without times. */
function outcome(out) {
  const losses = readFileSync(join(out, "losses.csv"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  const timeless = losses[0].map((name) => name !== "ms");
  const numbers = losses.map((row) => row.filter((_, column) => timeless[column]).join(","));
  return numbers.join("\n") + readFileSync(join(out, "weights.npz")).toString("base64");
}

/** Processes of ranks: those of Node that have this folder in their arguments. */
function ranksOf(out) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [program, ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return program === process.execPath && args.some((arg) => arg.includes(out));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Runs ranks; kills one of them after a time, if one is given. How long the others went on then, or that it ended. */
async function started(ranks, args, out, killAfter) {
  const launcher = launchers[Math.floor(random() * launchers.length)];
  const [program, ...rest] = ranks === 1 ? command : [...launcher, "-n", String(ranks), ...command];
  const child = spawn(program, [...rest, ...args], {
    env: { ...process.env, EPROP_THREADS: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => (said += chunk));
  const ended = new Promise((done) => child.on("close", done));
  if (killAfter !== undefined) {
    await Promise.race([setTimeout(killAfter), ended]);
    const pids = ranksOf(out);
    if (pids.length > 0) {
      process.kill(pids[Math.floor(random() * pids.length)], "SIGKILL");
      const begin = performance.now();
      await ended;
      while (ranksOf(out).length > 0 && performance.now() - begin < 2 * bound) await setTimeout(20);
      return { killed: true, ms: performance.now() - begin, said, program, ranks };
    }
  }
  const status = await ended;
  if (status !== 0) throw new Error(`${program} with ${ranks} ranks ended with ${status}:\n${said}`);
  return { killed: false, ms: 0, said, program, ranks };
}

const whole = join(folder, "whole");
await started(1, [...training, ...run, "--out", whole], whole);
const expected = outcome(whole);

let done = 0;
let longest = 0;
let trainings = 0;
while (done < kills) {
  trainings += 1;
  const out = join(folder, `run-${trainings}`);
  const checkpoint = join(out, "checkpoint.safetensors");
  for (;;) {
    const ranks = 1 + Math.floor(random() * 4);
    const args = existsSync(checkpoint)
      ? ["--resume", checkpoint, "--quiet"]
      : [...training, ...run, "--out", out, "--force"];
    const killAfter = done < kills ? 300 + random() * 3000 : undefined;
    const { killed, ms, program } = await started(ranks, args, out, killAfter);
    if (!killed) break;
    done += 1;
    longest = Math.max(longest, ms);
    if (ms > bound)
      throw new Error(`ranks of ${program} went on for ${ms.toFixed(0)} ms after one was killed`);
    // It was over, and all was written, before the rank was killed.
    if (existsSync(join(out, "weights.npz"))) break;
  }
  if (outcome(out) !== expected) throw new Error(`training ${trainings} ended with other bits: ${out}`);
}
rmSync(folder, { recursive: true, force: true });
console.log(
  `${done} kills in ${trainings} trainings: the other ranks ended within ${(longest / 1000).toFixed(1)} s, and all have the bits of one process`,
);
