import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
// @ts-expect-error: a script without types
import { generatedTypes } from "../scripts/generate-types.mjs";

it("the generated types are those of the engine's tables", async () => {
  expect(await generatedTypes()).toBe(readFileSync("ts/nest/models.generated.ts", "utf8"));
});
