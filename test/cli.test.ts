import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RunFolder } from "../ts/runs/run-folder.js";
import type { RunSummary } from "../ts/runs/summary.js";

const folder = mkdtempSync(join(tmpdir(), "eprop-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function eprop(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli/main.js", ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("eprop train", () => {
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  it("prints one JSON object, progress on standard error", () => {
    const { status, stdout, stderr } = eprop("train", "sine-waves", "--iterations", "2", "--json");
    expect(status).toBe(0);
    const run = JSON.parse(stdout) as { task: string; loss: number[]; weights: Record<string, unknown> };
    expect(run.task).toBe("sine-waves");
    expect(run.loss[0]).toBeCloseTo(101.9643569990416, 9);
    expect(Object.keys(run.weights)).toEqual(["in_rec", "rec_rec", "rec_out"]);
    expect(stderr).toContain("2/2  training");
  });
  it("leaves a whole run folder, and refuses one that exists", () => {
    const out = join(folder, "run");
    expect(eprop("train", "sine-waves", "--iterations", "2", "--quiet", "--out", out).status).toBe(0);
    expect(readdirSync(out).toSorted()).toEqual([
      "checkpoint.safetensors",
      "events.npz",
      "figures",
      "losses.csv",
      "metrics.jsonl",
      "network.safetensors",
      "report.html",
      "run.json",
      "weights.npz",
    ]);
    expect(readFileSync(join(out, "losses.csv"), "utf8").split("\n")).toHaveLength(4);
    const args = ["train", "sine-waves", "--iterations", "3", "--quiet", "--out", out];
    const again = eprop(...args);
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/exists already and is not empty.*--force/);
    // What a run left is replaced, and nothing else.
    writeFileSync(join(out, "notes"), "");
    writeFileSync(join(out, "weights.parquet"), "of the run before");
    // A run that has no iteration yet has nothing to put in its place.
    const before = readdirSync(out);
    const other = new RunFolder(out, { force: true });
    other.open();
    other.close();
    expect(readdirSync(out)).toEqual(before);
    expect(eprop(...args, "--force").status).toBe(0);
    expect(readFileSync(join(out, "losses.csv"), "utf8").split("\n")).toHaveLength(5);
    expect(existsSync(join(out, "notes"))).toBe(true);
    expect(existsSync(join(out, "weights.parquet"))).toBe(false);
  });
  it("repeats a run from what its run.json says, and nothing that has changed since", () => {
    const [first, second, module] = [
      join(folder, "made"),
      join(folder, "made-again"),
      join(folder, "own.mjs"),
    ];
    const code = `import { tasks } from ${JSON.stringify(pathToFileURL("dist/index.js").href)};
      export default { name: "own", text: "Own", parameters: {}, create: (of) => tasks.sineWaves(of) };`;
    writeFileSync(module, code);
    const options = "--seed 4 --iterations 2 --precision f32 --gradient forward --threads 1 --quiet --out";
    expect(eprop("train", module, ...options.split(" "), first).status).toBe(0);
    const again = eprop("train", "--from", join(first, "run.json"), "--quiet", "--out", second);
    expect(again.status, again.stderr).toBe(0);
    const [made, repeated] = [first, second].map(
      (run) => JSON.parse(readFileSync(join(run, "run.json"), "utf8")) as RunSummary,
    );
    expect(repeated?.loss).toEqual(made?.loss);
    const { command, ...origin } = made?.made ?? {};
    expect(command?.slice(0, 2)).toEqual(["eprop", "train"]);
    expect(repeated?.made).toMatchObject(origin);
    expect(origin).toMatchObject({ precision: "f32", gradient: "forward", threads: 1, options: { seed: 4 } });
    // What is given besides replaces what the run was made with.
    const other = eprop("train", "--from", first, "--seed", "5", "--json", "--quiet");
    const { loss } = JSON.parse(other.stdout) as RunSummary;
    expect(loss[0]).not.toBe(made?.loss[0]);
    writeFileSync(module, `${code}\n`);
    const changed = eprop("train", "--from", first, "--quiet");
    expect(changed.status).toBe(1);
    expect(changed.stderr).toMatch(/was made from .*own\.mjs, which has changed since/);
    const underWay = join(folder, "under-way");
    mkdirSync(underWay);
    writeFileSync(join(underWay, "metrics.jsonl"), "");
    expect(eprop("train", "--resume", underWay).stderr).toMatch(
      /has no checkpoint: its run goes on, or was killed before one was saved/,
    );
    expect(eprop("train", "--from", "nothing").stderr).toMatch(
      /: nothing cannot be read: no such file or directory \(parameter from, value nothing, /,
    );
    expect(eprop("train", "sine-waves", "--from", first).stderr).toMatch(/repeated has its task/);
    const text = readFileSync(join(first, "run.json"), "utf8");
    const { made: whole } = JSON.parse(text) as { made: object };
    for (const [damage, message] of [
      [{ options: null }, /is damaged: made\.options/],
      [{ options: { parameters: [] } }, /is damaged: made\.options\.parameters/],
      [{ precision: "f16" }, /is damaged: made\.precision/],
      [{ threads: "many" }, /is damaged: made\.threads/],
      [{ digests: { task: 1 } }, /is damaged: made\.digests/],
    ] as const) {
      const path = file("damaged.json", JSON.stringify({ made: { ...whole, ...damage } }));
      const { status, stderr } = eprop("train", "--from", path, "--quiet");
      expect(status).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  });
  it("names losses of training and test apart, as the report does", () => {
    const out = join(folder, "phases");
    const args = "evidence-accumulation --iterations 2 --batch-size 4 --test-iterations 1 --quiet --out";
    const { stdout } = eprop("train", ...args.split(" "), out);
    const { results } = JSON.parse(readFileSync(join(out, "run.json"), "utf8")) as Required<RunSummary>;
    expect(results.label).toEqual(["validation", "training", "training", "test"]);
    const [, first, last, test] = results.loss.map((loss) => loss.toPrecision(6));
    expect(stdout.split("\n")[0]).toMatch(
      `evidence-accumulation: training loss ${first} → ${last} in 2 iterations; test loss ${test}, error ${results.error[3]?.toFixed(3)}; `,
    );
  });
  it("says that a training diverged, in its line and in the report", () => {
    const out = join(folder, "diverged");
    const args = "sine-waves --set eta=10 --iterations 30 --quiet --out";
    const { status, stdout } = eprop("train", ...args.split(" "), out);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^sine-waves: the training diverged: loss 101\.964 → \S+ in 30 iterations; /);
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain(
      "The training diverged: the loss went from 102 to",
    );
  });
  it.each(["99999", "80.5", "-1"])("refuses port %s, with its bound", (port) => {
    const { status, stderr } = eprop("train", "sine-waves", "--live", "--port", port);
    expect(status).toBe(1);
    expect(stderr).toContain(`'--port <n>' argument '${port}' is invalid. It must be a whole number from 0`);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
  it.each<[string, string[], RegExp]>([
    ["a parameter twice", ["--set", "eta=1", "--set", "eta=2"], /given twice \(parameter eta, value 2, /],
    ["a task to resume", ["--resume", folder], /parameter task, value sine-waves, required: left out/],
    ["a network that is not there", ["--init", "nope"], /parameter --init, value "nope", required: a saved/],
    [
      "a folder that is not empty",
      ["--out", "ts"],
      /parameter out, value "ts", required: a folder that does/,
    ],
    ["runs in a file", ["--runs", "package.json"], /not a directory \(parameter runs, /],
  ])("names parameter, value and bound of %s", (_, args, message) => {
    const { status, stderr } = eprop("train", "sine-waves", "--iterations", "1", "--quiet", ...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  });
  it("names a run to resume that is not there, and controls that there are none of, as they were given", () => {
    expect(eprop("train", "--resume", "nope").stderr).toMatch(
      /parameter resume, value "nope", required: the folder/,
    );
    const { stderr } = eprop("controls", "sine-waves", "--only", "foo");
    expect(stderr).toMatch(/--only must be .*\(parameter --only, value "foo", /);
  });
  it.each([
    ["does not parse", "\nconst a = ;\n", /broken\.mjs:2: SyntaxError: Unexpected token/],
    ["throws", "\n\nthrow new Error('boom');\n", /broken\.mjs:3: boom/],
  ])("says where a task's module %s", (_, code, message) => {
    const { status, stderr } = eprop("train", file("broken.mjs", code));
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  });
  it("refuses what a run that is resumed has, by its option", () => {
    const { status, stderr } = eprop("train", "--resume", "x", "--set", "eta=1");
    expect(status).toBe(1);
    expect(stderr).toMatch(/a run that is resumed takes no --set \(parameter set, required: left out\)/);
  });
  it("takes an empty folder, and says that it makes figures", () => {
    const out = join(folder, "empty");
    mkdirSync(out);
    const { status, stderr } = eprop("train", "sine-waves", "--iterations", "2", "--out", out);
    expect(status).toBe(0);
    expect(stderr).toMatch(/making figures and the report/);
    expect(existsSync(join(out, "report.html"))).toBe(true);
  });
  it.skipIf(process.platform === "win32").each([
    ["a folder of the system", "/proc/nowhere/run", /cannot be written: no such file or directory/],
    ["a folder in a file", join(folder, "file/run"), /cannot be written: not a directory/],
    ["a long name", join(folder, "a".repeat(300)), /cannot be written: name too long/],
    ["a file", join(folder, "file"), /exists already and is no folder/],
  ])("refuses %s before it trains", (_, out, message) => {
    writeFileSync(join(folder, "file"), "");
    // It would take minutes.
    const { status, stderr } = eprop("train", "sine-waves", "--iterations", "1000000", "--out", out);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at |training/m);
  });
  it.each([
    ["--format", ["--format", "parquet"], /--format says what a run folder holds/],
    ["--checkpoint-every", ["--checkpoint-every", "2"], /--checkpoint-every says what/],
    ["--record", ["--record"], /--record says what/],
    ["--force", ["--force"], /--force replaces/],
    ["--port", ["--port", "8080"], /--port is that of a page/],
    [
      "rewiring_threshold",
      ["--set", "rewiring_threshold=0.1"],
      /rewiring_threshold has no effect with rewiring=none.*rewiring=prune/,
    ],
    [
      "feedback_decay",
      ["--set", "feedback_decay=0.1"],
      /feedback_decay has no effect with feedback=random.*feedback=adaptive/,
    ],
    ["beta_1", ["--set", "beta_1=0.5"], /beta_1 has no effect with optimizer=gradient_descent/],
    ["eta_final", ["--set", "eta_final=0.5"], /eta_final has no effect with eta_schedule=constant/],
    ["options by their names in programs", ["--patience", "2"], /--validate-every above 0/],
    ["--out with --runs", ["--out", join(folder, "x"), "--runs", join(folder, "y")], /cannot be used with/],
  ])("refuses %s where it would be ignored", (_, args, message) => {
    const { status, stderr } = eprop("train", "sine-waves", "--iterations", "1", ...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  });
  it.skipIf("typescript" in process.features && process.features.typescript)(
    "says what to do with a task in TypeScript",
    () => {
      const { status, stderr } = eprop("train", file("task.ts", "export default {}"));
      expect(status).toBe(1);
      expect(stderr).toMatch(/does not load TypeScript; Node 22.18 and newer do/);
    },
  );
  it("gives results by phase for evidence accumulation", () => {
    const args = ["--iterations", "1", "--batch-size", "2", "--test-iterations", "1", "--json", "--quiet"];
    const { results } = JSON.parse(eprop("train", "evidence-accumulation", ...args).stdout) as {
      results: { label: string[]; error: number[] };
    };
    expect(results.label).toEqual(["validation", "training", "test"]);
    expect(results.error).toHaveLength(3);
  });

  const drawing = (name: string, text: string) => ["handwriting", "--data", file(name, text)];
  it.each<[string, string[], RegExp]>([
    ["an unknown task", ["sine-wave"], /did you mean sine-waves/],
    ["no iterations", ["sine-waves", "--iterations", "0"], /iterations.*value 0/],
    ["a number that is none", ["sine-waves", "--iterations", "ten"], /must be a number/],
    ["a batch larger than memory", ["lemniscate", "--batch-size", "900000"], /GiB/],
    ["data for a task without", ["sine-waves", "--data", "x"], /takes no data/],
    ["a drawing with text", drawing("text.txt", "1 2\nthree 4\n"), /line 2.*three 4/],
    ["a drawing with one column", drawing("one.txt", "1\n2\n"), /line 1/],
    ["a drawing with NaN", drawing("nan.txt", "1 2\nNaN 1\n"), /line 2/],
    ["an empty drawing", drawing("empty.txt", ""), /too few points/],
    ["a drawing of a million points", drawing("long.txt", "1 1\n".repeat(1_000_000)), /too many points/],
    [
      "a file that is not there",
      ["handwriting", "--data", "nowhere.txt"],
      /nowhere.txt: cannot be read: no such file or directory/,
    ],
    ["recordings that are not there", ["n-mnist", "--data", "nowhere"], /does not exist/],
    ["no recordings", ["n-mnist"], /needs recordings/],
    ["a parameter that is not there", ["sine-waves", "--set", "etta=1"], /etta.*did you mean eta\?/],
    ["an option as a parameter", ["sine-waves", "--set", "clip_norm=2"], /required: --clip-norm 2\)/],
    [
      "no projection to begin with",
      ["sine-waves", "--init", ".", "--init-projections", ""],
      /a name of --init-projections is empty/,
    ],
  ])("refuses %s", (_, args, message) => {
    const out = join(folder, "refused");
    const { status, stderr } = eprop("train", ...args, "--quiet", "--out", out);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });
});

describe.skipIf(process.platform === "win32")("eprop train, stopped", () => {
  /** Runs it, and sends it a signal each time that it says what is waited for. */
  function stopped(args: string[], signals: readonly (readonly [RegExp, NodeJS.Signals])[]) {
    const left = [...signals];
    const child = spawn(process.execPath, ["dist/cli/main.js", "train", ...args]);
    let said = "";
    const listen = (text: string) => {
      said += text;
      if (left[0]?.[0].test(said)) child.kill(left.shift()?.[1]);
    };
    child.stdout.setEncoding("utf8").on("data", listen);
    child.stderr.setEncoding("utf8").on("data", listen);
    return new Promise<{ status: number | null; lines: string[] }>((resolve) =>
      child.once("close", (status) => resolve({ status, lines: said.trimEnd().split("\n") })),
    );
  }
  /** What a run left, but for times. */
  const left = (out: string) => {
    const { loss, weights, ended } = JSON.parse(readFileSync(join(out, "run.json"), "utf8")) as RunSummary;
    const arrays = ["weights.npz", "events.npz"].map((name) => readFileSync(join(out, name)).toString("hex"));
    return { loss, weights, ended, arrays };
  };
  const long = ["sine-waves", "--iterations", "250"];
  const undisturbed = join(folder, "undisturbed");
  beforeAll(() => {
    expect(eprop("train", ...long, "--quiet", "--out", undisturbed).status).toBe(0);
  });
  it.each(["SIGINT", "SIGTERM"] as const)(
    "by %s, keeps a checkpoint and says how to go on",
    async (signal) => {
      const out = join(folder, signal);
      const { status, lines } = await stopped([...long, "--out", out], [[/training/, signal]]);
      expect(status).toBe(130);
      const [, command = ""] = /^eprop: to go on with the run: eprop (.*)$/.exec(lines.at(-1) ?? "") ?? [];
      expect(readdirSync(out)).toContain("checkpoint.safetensors");
      expect(left(out).ended).toBe("request");
      expect(lines.join("\n")).toMatch(/making figures/);
      const again = eprop(...command.split(" "), "--quiet");
      expect(again.status, again.stderr).toBe(0);
      expect(left(out)).toEqual(left(undisturbed));
      expect(readdirSync(out)).toEqual(readdirSync(undisturbed));
      expect(readFileSync(join(out, "metrics.jsonl"), "utf8").split("\n")).toHaveLength(251);
    },
  );
  it("twice, stops at once and can still go on", async () => {
    const out = join(folder, "twice");
    const { status, lines } = await stopped(
      [...long, "--out", out],
      [
        [/training/, "SIGINT"],
        [/ending after/, "SIGINT"],
      ],
    );
    expect(status).toBe(130);
    expect(lines.at(-1)).toMatch(/to go on with the run/);
    expect(eprop("train", "--resume", join(out, "checkpoint.safetensors"), "--quiet").status).toBe(0);
    expect(left(out)).toEqual(left(undisturbed));
  });
  it("while it makes figures, leaves them out", async () => {
    const out = join(folder, "figures-left-out");
    const args = ["sine-waves", "--iterations", "2", "--out", out];
    const { status, lines } = await stopped(args, [[/making figures/, "SIGINT"]]);
    // The training was whole.
    expect(status).toBe(0);
    expect(existsSync(join(out, "figures"))).toBe(false);
    expect(lines.at(-1)).toMatch(/but for its report: stopped; to make it: eprop report/);
    expect(existsSync(join(out, "run.json"))).toBe(true);
    expect(eprop("report", out).status).toBe(0);
    expect(existsSync(join(out, "report.html"))).toBe(true);
  });
});

describe("eprop", () => {
  it("tells its version", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(eprop("--version").stdout).toBe(`${version}\n`);
  });
});

describe("standard output that takes nothing", () => {
  const full = "/dev/full";
  const shell = (command: string) =>
    spawnSync("sh", ["-c", command, "sh", process.execPath, folder], { encoding: "utf8" });

  it.skipIf(!existsSync(full))("is told in words, once, after all is saved", () => {
    const { status, stderr } = shell(
      `"$1" dist/cli/main.js train sine-waves --iterations 2 --quiet --out "$2/unheard" > ${full}`,
    );
    expect(stderr).toBe("eprop: standard output cannot be written: no space left on device (ENOSPC)\n");
    expect(status).toBe(1);
    expect(existsSync(join(folder, "unheard", "run.json"))).toBe(true);
  });

  it.skipIf(process.platform === "win32")("is no mistake where its reader has gone", () => {
    const { status, stdout, stderr } = shell(`{ "$1" dist/cli/main.js tasks; echo $? >&2; } | head -n 1`);
    expect(stdout).toBe("sine-waves\n");
    expect(stderr.trim()).toBe("0");
    expect(status).toBe(0);
  });
});

describe("eprop tasks", () => {
  it("lists what there is", () => {
    const { stdout } = eprop("tasks");
    for (const task of ["sine-waves", "infinite-loop", "handwriting", "evidence-accumulation", "n-mnist"]) {
      expect(stdout).toContain(task);
    }
  });
  it("has texts of parameters in a column", () => {
    const { stdout } = eprop("tasks", "sine-waves");
    const begins = stdout.matchAll(/^( {2}--set \S+ +)\S/gm);
    expect(new Set(Array.from(begins, ([, begin = ""]) => begin.length)).size).toBe(1);
  });
  it("shows one alone, with its defaults", () => {
    const { status, stdout } = eprop("tasks", "infinite-loop");
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^lemniscate, infinite-loop\n.*\n {2}--iterations 200 --batch-size 1 if left out\n/,
    );
    expect(stdout).not.toContain("sine-waves");
    expect(eprop("tasks", "shd").stdout).toContain(
      "--iterations 800 --batch-size 512 if left out (with --synthetic)",
    );
    expect(eprop("tasks", "nope").stderr).toMatch(/there is no task nope/);
  });
});
