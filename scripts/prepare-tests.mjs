// Gets what the tests need besides npm's packages, before the first of them, and says what it did: Python's packages
// into .venv, Chromium, PostgreSQL and MPI by Debian's package manager where this is root. What it may not get, it names with the command.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { isAtLeast, toolchainProblem, versionOf } from "./toolchain.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const at = (...path) => join(root, ...path);

/** The oldest Python that has wheels of all packages. */
const neededPython = "3.10";
/** NEST has wheels for this Python alone. */
const pythonOfNest = "python3.11";

const required = at("test/python/requirements.txt");
const optional = at("test/python/requirements-nest.txt");
/** An MPI with the MPI Forum's binary interface, which Debian's have not; it has a folder of its own. */
const standardMPI = at("test/python/requirements-mpi.txt");

const say = (text) => console.log(`tests: ${text}`);

/** Runs a program; what it printed is shown where it failed. */
function run(program, args, env = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { ok: status === 0, said: error === undefined ? `${stdout}${stderr}`.trim() : error.message };
}

const isDebian = () => {
  try {
    return /^ID=debian$/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
};

/** Installs packages of Debian, where that may be done; returns the command to type where it may not. */
function installFromDebian(packages) {
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (process.getuid?.() !== 0) return `sudo sh -c '${command}'`;
  say(`installing ${packages.join(", ")} (${command})`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const update = run("apt-get", ["update", "-qq"], env);
  // Lists that are old may still do.
  if (!update.ok) say(`apt-get update failed:\n${update.said}`);
  const { ok, said } = run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], env);
  if (ok) return undefined;
  say(said);
  return command;
}

/** The command for a system whose packages are not installed from here. */
function commandElsewhere(ofMac, ofWindows, ofLinux) {
  return { darwin: ofMac, win32: ofWindows }[process.platform] ?? ofLinux;
}

/** Whether an interpreter has what files list; nothing is fetched to find out. */
const has = (python, ...files) =>
  run(python, [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--dry-run",
    "--no-index",
    ...files.flatMap((file) => ["-r", file]),
  ]).ok;

const pip = (python, ...args) =>
  run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...args]);

/** Whether environments can be made with a Python. */
const makesEnvironments = (program) =>
  isAtLeast(versionOf(program) ?? "0", neededPython) && run(program, ["-c", "import venv, ensurepip"]).ok;

/** A Python that environments can be made with. */
const findPython = () => [pythonOfNest, "python3", "python"].find(makesEnvironments);

/** Makes sure of Python and its packages; returns the command that is left to type. */
function preparePython() {
  const environment = at(".venv", process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const given = process.env.PYTHON;
  const interpreter = given ?? relative(root, environment);
  if (given === undefined && !existsSync(environment)) {
    if (findPython() === undefined) {
      const command = isDebian()
        ? installFromDebian(["python3", "python3-venv"])
        : commandElsewhere(
            "brew install python@3.11",
            "winget install Python.Python.3.11",
            "your system's package manager: Python 3.11 with venv",
          );
      if (command !== undefined) return command;
    }
    const maker = findPython();
    if (maker === undefined)
      return `your system's package manager: Python ${neededPython} or newer with venv`;
    say(`making .venv with ${maker} (${versionOf(maker)})`);
    const { ok, said } = run(maker, ["-m", "venv", ".venv"]);
    if (!ok) {
      say(said);
      return `${maker} -m venv .venv`;
    }
  }
  const missing = has(interpreter, required, optional)
    ? []
    : [required, optional].filter((file) => !has(interpreter, file));
  if (missing.includes(required)) {
    say(`installing Python's packages (${interpreter} -m pip install -r test/python/requirements.txt)`);
    const { ok, said } = pip(interpreter, "-r", required);
    if (!ok) {
      say(said);
      return `${interpreter} -m pip install -r test/python/requirements.txt`;
    }
  }
  if (missing.includes(optional)) {
    const { ok } = pip(interpreter, "--only-binary", ":all:", "-r", optional);
    say(
      ok
        ? "installed NEST's wheel, which tests are held against"
        : `there is no wheel of NEST for Python ${versionOf(interpreter)} here; tests against NEST itself are left out`,
    );
  }
  say(
    `Python ${versionOf(interpreter)} (${interpreter})${missing.includes(required) ? "" : ", packages are there"}`,
  );
  return undefined;
}

const hasStandardMPI = () => existsSync(at(".mpi/lib/libmpi_abi.so.1"));

/** Gets an MPI with the MPI Forum's interface into .mpi, where there is a wheel; without it its tests are left out. */
function prepareStandardMPI() {
  if (process.platform !== "linux") return;
  if (!hasStandardMPI()) {
    const environment = process.env.PYTHON ?? at(".venv/bin/python");
    pip(environment, "--only-binary", ":all:", "--no-deps", "--prefix", ".mpi", "-r", standardMPI);
  }
  say(
    hasStandardMPI()
      ? "MPICH with the MPI Forum's interface (.mpi)"
      : "there is no wheel of an MPI with the MPI Forum's interface here; its tests are left out",
  );
}

/** Makes sure of Chromium; returns the command that is left to type. */
function prepareChromium() {
  const places = JSON.parse(readFileSync(at("test/browser/places.json"), "utf8"));
  const found = () =>
    process.env.CHROMIUM === undefined ? places.find((place) => existsSync(place)) : process.env.CHROMIUM;
  if (found() === undefined) {
    const command = isDebian()
      ? installFromDebian(["chromium"])
      : commandElsewhere(
          "brew install --cask google-chrome",
          "winget install Google.Chrome",
          existsSync("/usr/bin/snap")
            ? "sudo snap install chromium"
            : "your system's package manager: chromium",
        );
    if (command !== undefined) return command;
  }
  const program = found();
  if (program === undefined || !existsSync(program)) {
    return `CHROMIUM=/path/to/chromium npm test   # ${program ?? "Chromium"} is not there`;
  }
  say(`Chromium (${program})`);
  return undefined;
}

/** Gets PostgreSQL for the worker behind a queue, where that may be done; without it that one test is left out. */
function preparePostgreSQL() {
  const onPath = (process.env.PATH ?? "").split(":").some((place) => existsSync(join(place, "initdb")));
  const found = () => onPath || existsSync("/usr/lib/postgresql");
  if (!found() && isDebian() && process.getuid?.() === 0) installFromDebian(["postgresql"]);
  say(
    found() ? "PostgreSQL" : "PostgreSQL is not there; the worker behind a queue (docs/queue.md) is left out",
  );
}

const runs = (program) => run(program, ["--version"]).ok;

/** Debian's packages of MPI, by their launchers. */
const packagesOfMPI = { "mpirun.openmpi": "openmpi-bin", "mpirun.mpich": "mpich" };

const missingOfMPI = () =>
  Object.entries(packagesOfMPI).flatMap(([launcher, name]) => (runs(launcher) ? [] : [name]));

/** Gets both MPIs, where that may be done; without one its tests are left out. */
function prepareMPI() {
  if (isDebian() && process.getuid?.() === 0 && missingOfMPI().length > 0) {
    installFromDebian(missingOfMPI());
  }
  const left = missingOfMPI();
  say(
    left.length === 0
      ? "Open MPI and MPICH"
      : `${left.join(" and ")} not there; what needs them is left out (test/mpi.test.ts)`,
  );
}

const problem = toolchainProblem(["fmt", "clippy"]);
if (problem !== undefined) {
  console.error(problem);
  process.exit(1);
}
preparePostgreSQL();
prepareMPI();
const commands = [preparePython(), prepareChromium()].filter((command) => command !== undefined);
prepareStandardMPI();
if (commands.length > 0) {
  console.error(`The tests need more than may be installed from here. To get it, type:\n`);
  for (const command of commands) console.error(`  ${command}`);
  console.error("\nand then npm test again.");
  process.exit(1);
}
