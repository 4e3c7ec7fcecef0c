/** Scripts that were written for NEST run on the product, and print what they print on NEST. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { python } from "./python/python.js";
import recorded from "./peer/recorded.json" with { type: "json" };

/** Numbers to 1e-12, all else as it is. */
function expectClose(found: unknown, expected: unknown, at: string): void {
  if (typeof expected === "number" && !Number.isInteger(expected)) {
    expect(Math.abs(Number(found) - expected), at).toBeLessThan(1e-12 * Math.max(1, Math.abs(expected)));
  } else if (typeof expected === "object" && expected !== null) {
    expect(Object.keys(found as object), at).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) {
      expectClose((found as Record<string, unknown>)[name], value, `${at}.${name}`);
    }
  } else expect(found, at).toEqual(expected);
}

describe("scripts for NEST", () => {
  const scripts = readdirSync("test/peer/scripts")
    .filter((name) => /^[^_].*\.py$/.test(name))
    .map((name) => name.replace(/\.py$/, ""));
  it.each(scripts)("%s prints what it prints on NEST", (script) => {
    const printed = python([`test/peer/scripts/${script}.py`], { PYTHONPATH: "test/peer" });
    const line = printed.trim().split("\n").at(-1) ?? "";
    expectClose(JSON.parse(line), (recorded as Record<string, unknown>)[script], script);
  });
});
