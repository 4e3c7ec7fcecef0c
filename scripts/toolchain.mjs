// What is needed to build: Rust as new as Cargo.toml asks for. Says what is missing, and how to get it.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The oldest Rust that builds eprop, as in `1.88`. */
export function neededRust() {
  return /^rust-version = "(.+)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))[1];
}

/** What a program says its version is; undefined where it cannot be run. */
export function versionOf(program, args = ["--version"]) {
  const { status, stdout, error } = spawnSync(program, args, { cwd: root, encoding: "utf8" });
  return error !== undefined || status !== 0 ? undefined : (/\d+\.\d+(\.\d+)?/.exec(stdout)?.[0] ?? "");
}

/** Whether a version is at least another. */
export function isAtLeast(version, needed) {
  const [parts, bounds] = [version, needed].map((text) => text.split(".").map(Number));
  for (const [at, bound] of bounds.entries()) {
    if ((parts[at] ?? 0) !== bound) return (parts[at] ?? 0) > bound;
  }
  return true;
}

/** How Rust is got where there is none. */
function rustInstallation() {
  if (process.platform === "win32") return "  winget install Rustlang.Rustup";
  return "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";
}

/**
 * What keeps eprop from being built here; undefined where nothing does.
 *
 * @param {string[]} tools subcommands of cargo that are needed besides
 */
export function toolchainProblem(tools = []) {
  const needed = neededRust();
  const hasRustup = versionOf("rustup") !== undefined;
  const [rustc, cargo] = ["rustc", "cargo"].map((program) => versionOf(program));
  if (rustc === undefined || cargo === undefined) {
    const missing = rustc === undefined ? "rustc" : "cargo";
    return [
      `eprop is built with Rust ${needed} or newer, and ${missing} is not on the PATH. To install it:`,
      hasRustup ? "  rustup default stable" : rustInstallation(),
      "then open a new terminal, so that the PATH has it. Or use the published package, which needs no Rust.",
    ].join("\n");
  }
  const oldest = isAtLeast(rustc, cargo) ? cargo : rustc;
  if (!isAtLeast(oldest, needed)) {
    return [
      `eprop is built with Rust ${needed} or newer, and this is Rust ${oldest}. To update it:`,
      hasRustup ? "  rustup update stable && rustup default stable" : rustInstallation(),
    ].join("\n");
  }
  const without = tools.filter((tool) => versionOf("cargo", [tool, "--version"]) === undefined);
  if (without.length === 0) return undefined;
  const components = without.map((tool) => (tool === "fmt" ? "rustfmt" : tool)).join(" ");
  return [
    `The tests need cargo's ${without.join(" and ")}. To install what is missing:`,
    `  ${hasRustup ? `rustup component add ${components}` : `your system's packages of ${components}`}`,
  ].join("\n");
}
