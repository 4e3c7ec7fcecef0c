import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
// @ts-expect-error: a script without types
import { generatedModules } from "../scripts/generate-types.mjs";

it("the generated modules are those of the engine's tables", async () => {
  for (const [name, text] of Object.entries((await generatedModules()) as Record<string, string>)) {
    expect(text).toBe(readFileSync(name, "utf8"));
  }
});
