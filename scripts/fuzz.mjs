// Looks for what breaks: random histories of calls in Rust and over the JavaScript API, and damaged files; or, with
// --nest, histories that are held against NEST.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const usage = "usage: npm run fuzz -- --minutes N [--seed S] [--nest]";
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const findings = join(root, "target", "fuzz");

/** Runs a program whose output is shown; its exit code. */
function run(command, parameters, environment = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, ...environment },
    });
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on("close", (code, signal) => {
      if (signal) console.error(`${command} was ended by ${signal}`);
      resolve(code ?? 1);
    });
  });
}

/** Histories of the engine's calls; with a Python, against NEST. */
async function searchEngine(seconds, seed, python) {
  const program = join(root, "target", "debug", process.platform === "win32" ? "fuzz.exe" : "fuzz");
  const built = await run("cargo", ["build", "--quiet", "-p", "histories"]);
  if (built !== 0) return built;
  const parameters = ["--seconds", String(seconds), "--seed", String(seed), "--keep", findings];
  const code = await run(program, [...parameters, ...(python ? ["--nest", python] : [])]);
  if (code > 1) console.error(`the process was ended by the history in ${join(findings, "current.json")}`);
  return code;
}

/** Calls of the JavaScript API, with arguments of every kind. */
async function api(seconds, seed) {
  const module = join(root, "dist-test", "test", "fuzz", "api.js");
  if (!existsSync(module)) {
    console.error(`${module} is not there: npm run build && npm run build:test`);
    return 2;
  }
  const { fuzzApi } = await import(pathToFileURL(module).href);
  try {
    const { histories, calls, refused } = await fuzzApi({ seconds, seed });
    console.log(`JavaScript API: ${histories} histories, ${calls} calls, ${refused} refused calls`);
    return 0;
  } catch (error) {
    console.error(`FOUND over the JavaScript API: ${error.message}\n${error.cause?.stack ?? ""}`);
    return 1;
  }
}

/** Damaged files: how many a minute of a search has, of the engine's states and of all that JavaScript reads. */
const cases = { states: 2000, files: 100 };

async function files(minutes, seed) {
  const count = (aMinute) => ({
    EPROP_FUZZ_CASES: String(Math.ceil(aMinute * minutes)),
    EPROP_FUZZ_SEED: String(seed),
    PROPTEST_RNG_SEED: String(seed),
  });
  const states = ["test", "--quiet", "-p", "eprop", "--test", "saved"];
  const vitest = ["vitest", "run", "test/mutated-files.test.ts"];
  return Math.max(
    await run("cargo", states, count(cases.states)),
    await run(process.platform === "win32" ? "npx.cmd" : "npx", vitest, count(cases.files)),
  );
}

async function main() {
  let values;
  try {
    ({ values } = parseArgs({
      options: { minutes: { type: "string" }, seed: { type: "string" }, nest: { type: "boolean" } },
    }));
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    return 2;
  }
  const minutes = Number(values.minutes ?? 1);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
  if (!(minutes > 0) || !Number.isSafeInteger(seed) || seed < 0) {
    console.error(usage);
    return 2;
  }
  console.log(`again with --seed ${seed}`);
  if (values.nest) {
    const python = process.env.PYTHON ?? join(root, ".venv", "bin", "python");
    if (spawnSync(python, ["-c", "import nest"]).status !== 0) {
      console.error(`${python} has no NEST: see test/python/requirements-nest.txt`);
      return 2;
    }
    return searchEngine(minutes * 60, seed, python);
  }
  // Most of the time for the engine, on which all else stands.
  const outcomes = [
    await searchEngine(minutes * 60 * 0.6, seed),
    await api(minutes * 60 * 0.2, seed),
    await files(minutes * 0.2, seed),
  ];
  return Math.max(...outcomes);
}

process.exitCode = await main();
