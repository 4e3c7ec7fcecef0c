import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
// @ts-expect-error: a script without types
import { generatedModules } from "../scripts/generate-types.mjs";
// @ts-expect-error: a script without types
import { pageWithTable } from "../scripts/nest-table.mjs";
// @ts-expect-error: a script without types
import { pageWithTables } from "../scripts/nir-table.mjs";

it("the generated modules are those of the engine's tables", async () => {
  for (const [name, text] of Object.entries((await generatedModules()) as Record<string, string>)) {
    expect(text).toBe(readFileSync(name, "utf8"));
  }
});

it("the table of what there is of NEST is that of the product", async () => {
  expect(await pageWithTable()).toBe(readFileSync("docs/from-nest.md", "utf8"));
});

it("the tables of who reads NIR are those of what was tried", async () => {
  expect(await pageWithTables()).toBe(readFileSync("docs/networks.md", "utf8"));
});
