import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readBadInputs, readCases, refuse, replay, tolerance } from "./conformance/replay.js";

const folder = "test/conformance/cases";
const cases = readCases(folder);
const oncePerInterval = (name: string) => /bsshslm/.test(name);

describe("recorded experiments", () => {
  it("are all there, as many as the README says", () =>
    expect(readFileSync("README.md", "utf8")).toContain(` ${cases.length} recorded NEST experiments `));

  for (const recorded of cases) {
    const ways = oncePerInterval(recorded.name)
      ? ([
          { gradient: "adjoint" },
          { gradient: "forward" },
          { gradient: "adjoint", threads: 3, restore: true },
        ] as const)
      : ([{}, { threads: 2, restore: true }] as const);
    for (const way of ways) {
      it(`${recorded.name} ${JSON.stringify(way)}`, () => {
        const outcome = replay(recorded, way);
        expect(outcome.where && outcome.deviation > tolerance ? outcome.where : "").toBe("");
        expect(outcome.ok).toBe(true);
      });
    }
  }
});

describe("bad input", () => {
  const inputs = readBadInputs(folder);
  it("is all there", () => expect(inputs).toHaveLength(70));
  for (const input of inputs) {
    it(`is refused: ${input.about}`, () => expect(refuse(input)).toMatchObject({ ok: true, deviation: 0 }));
  }
});
