#!/usr/bin/env node
import { BinaryError } from "../load-binding.js";

try {
  await import("./main.js");
} catch (error) {
  if (!(error instanceof BinaryError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
