/**
 * What compiles runs, and what does not compile is refused (`test/types.ts`, `test/types-read.ts`), line by line;
 * what is read is what its type says, of every model.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import * as eprop from "../ts/index.js";
import * as nest from "../ts/nest/index.js";
import { choices } from "../ts/nest/models.generated.js";
import { Network } from "../ts/network/index.js";

/** A statement, and what the comment above it says that is wrong with it. */
interface Statement {
  text: string;
  line: number;
  wrong: string | undefined;
}

/** How a statement ended that does not declare anything. */
interface Ended {
  line: number;
  wrong: string | undefined;
  error: unknown;
}

/** The statements of a file, and the names that they declare. */
function statementsOf(file: string): { statements: Statement[]; names: string[] } {
  const source = readFileSync(file, "utf8");
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const own = parsed.statements.filter((statement) => !ts.isImportDeclaration(statement));
  const names = own.filter(ts.isVariableStatement).flatMap(({ declarationList: { declarations } }) =>
    declarations.flatMap(({ name }) => {
      const elements = ts.isIdentifier(name)
        ? [name]
        : name.elements.map((of) => (of as ts.BindingElement).name);
      return elements.map((of) => of.getText(parsed));
    }),
  );
  const statements = own.map((statement) => {
    const above = source.slice(statement.getFullStart(), statement.getStart(parsed));
    return {
      text: statement.getText(parsed),
      line: parsed.getLineAndCharacterOfPosition(statement.getStart(parsed)).line + 1,
      wrong: /@ts-expect-error: (.*)/.exec(above)?.[1],
    };
  });
  return { statements, names };
}

/** Runs a file's statements in order; how each ended that does not declare anything, and what the others declared. */
function run(file: string): { ended: Ended[]; declared: Record<string, unknown> } {
  const { statements, names: declares } = statementsOf(file);
  const script = statements
    .map(({ text }, at) => (text.startsWith("const ") ? text : `attempt(${at}, () => { ${text} });`))
    .join("\n");
  const { outputText } = ts.transpileModule(`${script}\nconst declared = { ${declares.join(", ")} };`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 },
  });
  const ended: Ended[] = [];
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
  const runs = new Function(...Object.keys(names), `${outputText}\nreturn declared;`);
  return { ended, declared: runs(...Object.values(names)) as Record<string, unknown> };
}

describe.each(["test/types.ts", "test/types-read.ts"])("%s says what calls do", (file) => {
  const { ended } = run(file);

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
    expect(ended.length).toBeGreaterThan(40);
  });
});

/** What models show: the types of it. */
const typesOfModels = `
import type { ConnectionValues, DefaultsNamed, NodeValues, StatusOf } from "../ts/nest/shown.js";
import type { NodeCollection, NodeModelName, SynapseCollection } from "../ts/nest/collections.js";
import type { SynapseModelName } from "../ts/nest/kernel-types.js";
export type One = { [M in NodeModelName]: NodeValues<M, true> };
export type Several = { [M in NodeModelName]: NodeValues<M, false> };
export type Rows = { [M in NodeModelName]: StatusOf<NodeCollection<M>> };
export type Defaults = { [M in NodeModelName | SynapseModelName]: DefaultsNamed<M> };
export type Connections = { [S in SynapseModelName]: ConnectionValues<S> };
export type ConnectionRows = { [S in SynapseModelName]: StatusOf<SynapseCollection<S>> };
`;

describe("what is read is what its type says", () => {
  const added = resolve("test/types-of-models.ts");
  const read = resolve("test/types-read.ts");
  const { config } = ts.readConfigFile("tsconfig.json", (path) => readFileSync(path, "utf8")) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ".");
  const host = ts.createCompilerHost(options, true);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === added || fileExists(path);
  host.getSourceFile = (path, ...rest) =>
    path === added
      ? ts.createSourceFile(path, typesOfModels, ts.ScriptTarget.Latest, true)
      : getSourceFile(path, ...rest);
  const program = ts.createProgram([added, read], options, host);
  const checker = program.getTypeChecker();

  /** What of a value is none of its type, by where it lies. */
  function misfits(type: ts.Type, value: unknown, at: string): string[] {
    const said = `${at}: ${checker.typeToString(type)}`;
    if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return [];
    if (type.isUnion()) {
      const all = type.types.map((member) => misfits(member, value, at));
      return all.some((found) => found.length === 0) ? [] : [`${said} is ${String(value)}`];
    }
    const wants = (kind: boolean) => (kind ? [] : [`${said} is ${String(value)}`]);
    if (type.isLiteral()) return wants(type.value === value);
    if (type.flags & ts.TypeFlags.BooleanLiteral)
      return wants(checker.typeToString(type) === String(value) && typeof value === "boolean");
    if (type.flags & ts.TypeFlags.Null) return wants(value === null);
    if (type.flags & ts.TypeFlags.Undefined) return wants(value === undefined);
    if (type.flags & ts.TypeFlags.Number) return wants(typeof value === "number");
    if (type.flags & ts.TypeFlags.String) return wants(typeof value === "string");
    if (type.flags & ts.TypeFlags.Never) return wants(false);
    if (checker.isTupleType(type) || checker.isArrayType(type)) {
      if (!Array.isArray(value)) return wants(false);
      const of = checker.getTypeArguments(type as ts.TypeReference);
      return value.flatMap((item, place) =>
        misfits((checker.isTupleType(type) ? of[place] : of[0]) as ts.Type, item, `${at}[${place}]`),
      );
    }
    const { name = "" } = type.symbol ?? {};
    if (/Array$|Collection$/.test(name)) return wants((value as object).constructor.name === name);
    if (typeof value !== "object" || value === null) return wants(false);
    const held = value as Record<string, unknown>;
    const known = checker.getPropertiesOfType(type);
    const others = checker.getIndexInfoOfType(type, ts.IndexKind.String)?.type;
    const names = new Set(known.map((property) => property.name));
    return [
      ...known.flatMap((property) => {
        const isThere = Object.hasOwn(held, property.name);
        if (!isThere)
          return property.flags & ts.SymbolFlags.Optional ? [] : [`${at}.${property.name} is missing`];
        return misfits(checker.getTypeOfSymbol(property), held[property.name], `${at}.${property.name}`);
      }),
      ...Object.keys(held).flatMap((key) => {
        if (names.has(key)) return [];
        return others === undefined
          ? [`${at}.${key} is not known`]
          : misfits(others, held[key], `${at}.${key}`);
      }),
    ];
  }

  it("of what is declared", () => {
    const { declared } = run("test/types-read.ts");
    const source = program.getSourceFile(read) as ts.SourceFile;
    const symbols = checker.getSymbolsInScope(source, ts.SymbolFlags.BlockScopedVariable);
    const types = new Map(symbols.map((symbol) => [symbol.name, symbol]));
    const found = Object.entries(declared).flatMap(([name, value]) => {
      if (value instanceof nest.Kernel) return [];
      return misfits(checker.getTypeOfSymbol(types.get(name) as ts.Symbol), value, name);
    });
    expect(found).toEqual([]);
    expect(Object.keys(declared).length).toBeGreaterThan(60);
  });

  it("of types without errors", () => {
    const found = program.getSemanticDiagnostics(program.getSourceFile(added));
    expect(found.map(({ messageText }) => messageText)).toEqual([]);
  });

  it("of as many arguments as a function takes", () => {
    const entry = program.getSourceFile(resolve("ts/nest/index.ts")) as ts.SourceFile;
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(entry) as ts.Symbol);
    const held = new Map<string, unknown>(Object.entries(nest));
    const classes = new Set(["Kernel", "NodeCollection", "SynapseCollection"]);
    const tables = new Set(["random", "math", "logic"]);
    const found: string[] = [];
    let count = 0;
    /** Holds each function of these against what it says of itself when it runs. */
    const compare = (within: string, members: readonly ts.Symbol[], of: object) => {
      for (const member of members) {
        const signatures = checker.getTypeOfSymbol(member).getCallSignatures();
        if (signatures.length === 0 || /^(__|#)/.test(member.name)) continue;
        const most = Math.max(...signatures.map(({ parameters }) => parameters.length));
        const { length } = of[member.name as never] as () => void;
        // NEST's positions are refused by their name.
        const takes = member.name === "Create" ? length - 1 : length;
        if (takes !== most) found.push(`${within}.${member.name} takes ${takes} of ${most}`);
        count += 1;
      }
    };
    for (const symbol of symbols) {
      const { name } = symbol;
      const value = held.get(name) as { prototype: object };
      if (classes.has(name)) {
        const type = checker.getDeclaredTypeOfSymbol(checker.getAliasedSymbol(symbol));
        compare(name, checker.getPropertiesOfType(type), value.prototype);
      } else if (tables.has(name)) {
        compare(name, checker.getPropertiesOfType(checker.getTypeOfSymbol(symbol)), value);
      }
    }
    // It takes any number of synapses.
    const functions = symbols.filter(({ name }) => name !== "CollocatedSynapses");
    compare("nest", functions, nest);
    expect(found).toEqual([]);
    expect(count).toBeGreaterThan(110);
  });

  const exported = checker.getExportsOfModule(
    checker.getSymbolAtLocation(program.getSourceFile(added) as ts.SourceFile) as ts.Symbol,
  );
  const typesOf = (name: string) => {
    const symbol = exported.find((of) => of.name === name) as ts.Symbol;
    const models = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol));
    return models.map((model) => [model.name, checker.getTypeOfSymbol(model)] as const);
  };

  it("of nodes, one by one, and of defaults", () => {
    const kernel = new nest.Kernel();
    const shown: [string, (model: string) => unknown][] = [
      ["One", (model) => kernel.Create(model).get()],
      ["Several", (model) => kernel.Create(model, 2).get()],
      ["Rows", (model) => kernel.GetStatus(kernel.Create(model, 2))[1]],
      ["Defaults", (model) => kernel.GetDefaults(model)],
    ];
    for (const [kind, read_] of shown) {
      const types = typesOf(kind);
      expect(types.length).toBeGreaterThan(20);
      const found = types.flatMap(([model, type]) => misfits(type, read_(model), `${kind} of ${model}`));
      expect(found).toEqual([]);
    }
  });

  it.each(choices.optimizer)("of connections, with the optimizer %s", (optimizer) => {
    const kernel = new nest.Kernel();
    kernel.set({ resolution: 1 });
    const [neurons, readouts] = [
      { interval: kernel.Create("eprop_iaf_bsshslm_2020", 2), plus: kernel.Create("eprop_iaf", 2) },
      { interval: kernel.Create("eprop_readout_bsshslm_2020", 2), plus: kernel.Create("eprop_readout", 2) },
    ];
    const rates = kernel.Create("step_rate_generator");
    const others = typesOf("ConnectionRows");
    for (const [model, type] of typesOf("Connections")) {
      const rule = model.endsWith("bsshslm_2020") ? "interval" : "plus";
      const spec = { synapse_model: model, delay: 1 };
      if (model.startsWith("eprop_synapse")) kernel.SetDefaults(model, { optimizer: { type: optimizer } });
      if (model.startsWith("rate")) {
        kernel.Connect(rates, readouts.interval, "all_to_all", { ...spec, receptor_type: 2 });
      } else {
        const sources = model.includes("learning_signal") ? readouts : neurons;
        kernel.Connect(sources[rule], neurons[rule], "all_to_all", spec);
      }
      const connections = kernel.GetConnections(null, null, model);
      expect(connections.length).toBeGreaterThan(1);
      const row = others.find(([name]) => name === model)?.[1] as ts.Type;
      expect([
        ...misfits(type, connections.get(), model),
        ...misfits(row, kernel.GetStatus(connections)[1], model),
      ]).toEqual([]);
    }
  });
});
