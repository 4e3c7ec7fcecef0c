/** What compiles runs, and what does not compile is refused (`test/types.ts`), line by line. */
import { readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import * as eprop from "../ts/index.js";
import * as nest from "../ts/nest/index.js";
import { Network } from "../ts/network/index.js";

const file = "test/types.ts";
const source = readFileSync(file, "utf8");
const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);

/** A statement, and what the comment above it says that is wrong with it. */
interface Statement {
  text: string;
  line: number;
  wrong: string | undefined;
}

const statements: Statement[] = parsed.statements
  .filter((statement) => !ts.isImportDeclaration(statement))
  .map((statement) => {
    const above = source.slice(statement.getFullStart(), statement.getStart(parsed));
    return {
      text: statement.getText(parsed),
      line: parsed.getLineAndCharacterOfPosition(statement.getStart(parsed)).line + 1,
      wrong: /@ts-expect-error: (.*)/.exec(above)?.[1],
    };
  });

/** Runs the statements in order; how each ended that does not declare anything. */
function run(): { line: number; wrong: string | undefined; error: unknown }[] {
  const script = statements
    .map(({ text }, at) => (text.startsWith("const ") ? text : `attempt(${at}, () => { ${text} });`))
    .join("\n");
  const { outputText } = ts.transpileModule(script, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 },
  });
  const ended: { line: number; wrong: string | undefined; error: unknown }[] = [];
  const attempt = (at: number, call: () => void) => {
    const { line, wrong } = statements[at] as Statement;
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    ended.push({ line, wrong, error });
  };
  const { CollocatedSynapses, Kernel, logic, math, random, VerbosityLevel } = nest;
  const own = { CollocatedSynapses, Kernel, logic, math, random, VerbosityLevel, Network };
  const names = { ...own, tasks: eprop.tasks, attempt };
  // oxlint-disable-next-line no-implied-eval, no-new-func -- the file is ours
  new Function(...Object.keys(names), outputText)(...Object.values(names));
  return ended;
}

describe("types say what calls do", () => {
  const ended = run();

  it("runs what compiles", () => {
    const failed = ended.filter(({ wrong, error }) => wrong === undefined && error !== undefined);
    expect(failed.map(({ line, error }) => `${line}: ${String(error)}`)).toEqual([]);
  });

  it("refuses what does not, where types know no more than calls", () => {
    const silent = ended.filter(({ wrong, error }) => wrong !== undefined && error === undefined);
    expect(
      silent
        .filter(({ wrong }) => !wrong?.endsWith("(it runs)"))
        .map(({ line, wrong }) => `${line}: ${wrong}`),
    ).toEqual([]);
    for (const { wrong, error } of ended) {
      if (wrong !== undefined && error !== undefined) expect(error).toBeInstanceOf(nest.NESTError);
    }
    expect(ended.length).toBeGreaterThan(60);
  });
});
