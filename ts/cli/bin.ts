#!/usr/bin/env node
import process from "node:process";

/** Errors that say all there is to say: no binary for this machine, and a Node that is too old. */
const told = new Set(["ERR_EPROP_BINARY", "ERR_EPROP_RUNTIME"]);

try {
  await import("../core/runtime.js");
  await import("./main.js");
} catch (error) {
  if (!(error instanceof Error) || !("code" in error) || !told.has(String(error.code))) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
