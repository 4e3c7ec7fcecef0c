/** Tasks that are none of eprop's own; the module is that of the document. */
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readMetrics } from "../ts/runs/metrics-file.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-own-tasks-"));
const [, source = ""] =
  /^```js file="recall\.js"\n([\s\S]*?)^```$/m.exec(readFileSync("docs/own-tasks.md", "utf8")) ?? [];
const command = resolve("dist/cli/bin.js");

beforeAll(() => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(resolve("."), join(folder, "node_modules/eprop"), "junction");
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "recall.js"), source);
  writeFileSync(join(folder, "nothing.js"), "export default { name: 'nothing' };\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function eprop(...args: string[]) {
  return spawnSync(process.execPath, [command, ...args], { cwd: folder, encoding: "utf8" });
}

/** Losses and errors of the iterations in a run's folder. */
function course(out: string) {
  return readMetrics(join(folder, out, "metrics.jsonl")).map(({ loss, error }) => ({ loss, error }));
}

it("learn as those of eprop do", () => {
  const { status, stderr } = eprop(
    "train",
    "./recall.js",
    "--iterations",
    "60",
    "--seed",
    "2",
    "--out",
    "learned",
    "--quiet",
  );
  expect(status, stderr).toBe(0);
  const last = course("learned").at(-1);
  // Two classes: guessing has a loss of 0.69.
  expect(last?.loss).toBeLessThan(0.3);
  expect(last?.error).toBe(0);
  expect(readFileSync(join(folder, "learned/report.html"), "utf8")).toContain(
    "Remember which of two cues appeared",
  );
});

it("go on from a checkpoint with the same bits", async () => {
  const options = ["./recall.js", "--iterations", "60", "--quiet"];
  expect(eprop("train", ...options, "--out", "undisturbed").status).toBe(0);
  const child = spawn(
    process.execPath,
    [command, "train", ...options, "--out", "killed", "--checkpoint-every", "1"],
    {
      cwd: folder,
      stdio: "ignore",
    },
  );
  const ended = new Promise((end) => child.once("close", end));
  const checkpoint = join("killed", "checkpoint.safetensors");
  while (child.exitCode === null && !existsSync(join(folder, checkpoint))) await new Promise(setImmediate);
  child.kill("SIGKILL");
  await ended;
  const unknown = eprop("train", "--resume", checkpoint);
  expect(unknown.status).toBe(1);
  expect(unknown.stderr).toMatch(/none of eprop's own.*task.*value recall.*module/);
  const { status, stderr } = eprop("train", "./recall.js", "--resume", checkpoint, "--quiet");
  expect(status, stderr).toBe(0);
  expect(course("killed")).toEqual(course("undisturbed"));
});

it.each([
  ["a module that is not there", ["train", "./missing.js"], /cannot be loaded.*missing\.js/],
  [
    "a module without a task",
    ["train", "./nothing.js"],
    /it lacks text \(string\), parameters \(object\), create \(function\).*nothing\.js.*name, text, parameters and create/,
  ],
  [
    "a sweep of one without a task",
    ["sweep", "./nothing.js", "--seeds", "1", "--out", "none"],
    /is no task: it lacks text/,
  ],
  [
    "a value outside its bounds",
    ["train", "./recall.js", "--set", "pause=0"],
    /pause.*value 0.*from 1 to 10000/,
  ],
  ["a parameter that it has not", ["train", "./recall.js", "--set", "paus=1"], /no parameter paus.*pause/],
])("%s is refused by name", (_name, args, message) => {
  const { status, stderr } = eprop(...args);
  expect(status).toBe(1);
  expect(stderr).toMatch(message);
});

it("are not resumed where their module, or what it imports, has changed, unless that is wanted", () => {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write("changing.js", `import "./parts/first.js";\n${source}`);
  mkdirSync(join(folder, "parts"));
  write("parts/first.js", 'export * from "./second.js";\n');
  write("parts/second.js", "export const one = 1;\n");
  const save = `import { Trainer } from "eprop";
    import task from "./changing.js";
    const trainer = new Trainer(task.create({ iterations: 2 }), { module: new URL("changing.js", import.meta.url).href });
    await trainer.save("changing/checkpoint.safetensors");`;
  mkdirSync(join(folder, "changing"));
  write("save.js", save);
  const saved = spawnSync(process.execPath, ["save.js"], { cwd: folder, encoding: "utf8" });
  expect(saved.status, saved.stderr).toBe(0);
  const resume = (...more: string[]) =>
    eprop("train", "./changing.js", "--resume", "changing", "--quiet", ...more);
  for (const [file, before, after] of [
    ["changing.js", "", "// Another line.\n"],
    ["parts/second.js", "export const one = 1;\n", "export const one = 2;\n"],
  ] as const) {
    const text = readFileSync(join(folder, file), "utf8");
    write(file, before === "" ? `${text}${after}` : text.replace(before, after));
    const { status, stderr } = resume();
    expect(status).toBe(1);
    expect(stderr).toMatch(/the module of the task .* has changed since changing.checkpoint.* --force/);
    write(file, text);
  }
  write("parts/second.js", "export const one = 3;\n");
  const forced = resume("--force");
  expect(forced.status, forced.stderr).toBe(0);
  // What the run says of itself is the module as it was used.
  const repeat = () => eprop("train", "--from", "changing", "--quiet");
  expect(repeat().status).toBe(0);
  write("parts/second.js", "export const one = 4;\n");
  expect(repeat().stderr).toMatch(/changing\.js, which has changed since.*--force/);
});
