/** What a machine without the toolchain is told, and that documents name the versions that are needed. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import manifest from "../package.json" with { type: "json" };

const folder = mkdtempSync(join(tmpdir(), "eprop-toolchain-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [, rust = ""] = /^rust-version = "(.+)"$/m.exec(readFileSync("Cargo.toml", "utf8")) ?? [];

/** Runs a script with programs in front of a PATH that has neither Rust nor Chromium's installer. */
function run(script: string, programs: Record<string, string>, env: Record<string, string> = {}) {
  const bin = mkdtempSync(join(folder, "bin-"));
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const places = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((place) => !existsSync(join(place, "cargo")));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
    encoding: "utf8",
    env: { ...process.env, ...env, PATH: [bin, ...places].join(delimiter) },
  });
  return { status, stdout, stderr };
}

const version = (text: string) => `echo ${text}`;
const oldRust = {
  rustc: version("rustc 1.63.0"),
  cargo: version("cargo 1.63.0"),
};

// The programs of a PATH are shell scripts here.
describe.skipIf(process.platform === "win32")("a build", () => {
  const build = "scripts/build-native.mjs";
  const before = existsSync("ts/native") ? readdirSync("ts/native") : [];
  it.each([
    ["without Rust", {}, /Rust [\d.]+ or newer, and rustc is not on the PATH[^]*sh\.rustup\.rs/],
    ["with rustup alone", { rustup: version("rustup 1.28.0") }, /rustup default stable/],
    ["with an old Rust", oldRust, /Rust [\d.]+ or newer, and this is Rust 1\.63\.0[^]*sh\.rustup\.rs/],
    [
      "with an old Rust of rustup",
      { ...oldRust, rustup: version("rustup 1.28.0") },
      /this is Rust 1\.63\.0[^]*rustup update stable/,
    ],
  ])("%s says what is needed and how to get it", (_, programs, message) => {
    const { status, stdout, stderr } = run(build, programs);
    expect(status).toBe(1);
    expect(stdout + stderr).toMatch(message);
    expect(stderr).toContain(`Rust ${rust} or newer`);
    expect(stderr).not.toMatch(/Internal Error|^\s+at /m);
    // What was built before is not thrown away.
    expect(existsSync("ts/native") ? readdirSync("ts/native") : []).toEqual(before);
  });
});

describe.skipIf(process.platform === "win32")("the tests' preparation", () => {
  const prepare = "scripts/prepare-tests.mjs";
  const newRust = {
    rustc: version(`rustc ${rust}.0`),
    cargo: `case "$1" in ""|--version) echo cargo ${rust}.0;; fmt|clippy) exit \${MISSING:-0};; esac`,
  };
  it("says that Rust is missing first", () => {
    const { status, stderr } = run(prepare, {});
    expect(status).toBe(1);
    expect(stderr).toContain(`Rust ${rust} or newer`);
  });
  it("says which of cargo's tools are missing", () => {
    const programs = { ...newRust, rustup: version("rustup 1.28.0") };
    const { status, stderr } = run(prepare, programs, { MISSING: "1" });
    expect(status).toBe(1);
    expect(stderr).toContain("rustup component add rustfmt clippy");
  });
  it("tells what is there, and names a browser that is not", () => {
    const { status, stdout, stderr } = run(prepare, newRust, { CHROMIUM: join(folder, "nowhere") });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^tests: Python 3/m);
    expect(stderr).toMatch(/CHROMIUM=.*nowhere is not there/);
    expect(stderr).toMatch(/and then npm test again/);
  });
});

it("documents, messages and the workflow name the versions that are needed", () => {
  const node = manifest.engines.node.replace(">=", "");
  const files = [
    "README.md",
    "CONTRIBUTING.md",
    "ts/core/load-binding.ts",
    ...readdirSync("docs").map((name) => `docs/${name}`),
  ];
  let named = 0;
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    for (const [, found] of text.matchAll(/Rust (\d+\.\d+) or newer/g)) {
      expect(found, file).toBe(rust);
      named += 1;
    }
    for (const [, found] of text.matchAll(/Node (\d+\.\d+) or newer is/g)) expect(found, file).toBe(node);
  }
  expect(named).toBeGreaterThan(2);
  expect(readFileSync(".github/workflows/ci.yml", "utf8")).toContain(`cargo +${rust}.0 check`);
});
