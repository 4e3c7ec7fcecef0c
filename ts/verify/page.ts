/** A verification as a page, and in a folder. */
import { many } from "../core/words.js";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { refuse } from "../core/arguments.js";
import { version } from "../core/version.js";
import { specificationOf } from "../figures/index.js";
import { writeWhole } from "../files/write-whole.js";
import { card, digits, duration, escaped, headedTable, scrolling, spreadCard } from "../report/markup.js";
import { type Picture, figuresHtml, pageHtml } from "../report/page.js";
import { picturesOf } from "../report/write.js";
import { proofFigures } from "./figures.js";
import { checkText, deviationText, proofColumns, sizeText, verdictText } from "./text.js";
import type { NestProof, Verification } from "./verification.js";

function list(lines: readonly string[]): string {
  return `<ul>${lines.map((line) => `<li>${escaped(line)}</li>`).join("")}</ul>`;
}

function verified(proof: Verification): (readonly [string, string | number])[] {
  const recurrent = proof.populations
    .filter(({ kind }) => kind !== "input")
    .map(({ name, n, model }) => [name, `${n} ${model}`] as const);
  return [
    ["task", proof.task],
    ["seed", proof.seed],
    ...recurrent,
    [
      "sequence",
      `${many(proof.steps, "step")} of ${proof.resolution} ms, errors count in ${many(proof.learningWindow, "step")}`,
    ],
    ["loss", proof.loss.replaceAll("_", " ")],
    ["optimizer", proof.optimizer.replaceAll("_", " ")],
    ["eprop", version],
    ["time", duration(proof.ms)],
  ];
}

/** What NEST has of the same network. */
function besideNest(proof: NestProof): string {
  const { iterations, spikes, spikesApart, signals, weights } = proof;
  const rows = [
    ["spikes", spikes, `${spikesApart} of one side alone`],
    ["readout signals", "", deviationText(signals)],
    ...weights.map(({ projection, connections, deviation }) => [
      `weights ${projection}`,
      connections,
      deviationText(deviation),
    ]),
  ];
  const head = [
    `NEST ${version}`,
    `compared over ${iterations} iteration${iterations === 1 ? "" : "s"}`,
    "deviation",
  ];
  const table = headedTable(
    head,
    rows.map((cells) => ({ cells })),
  );
  return card("The same network in NEST", scrolling("The same network in NEST", table), "card whole");
}

/** The page: one HTML file that needs nothing else. */
export function proofHtml(proof: Verification, pictures: readonly Picture[]): string {
  const title = `Verification of ${proof.task}, seed ${proof.seed}`;
  const { head, rows } = proofColumns(proof);
  const failed = proof.checks.filter(({ passed }) => !passed);
  const checks = proof.checks.map(({ what, projection = "", deviation, bound, passed }) => ({
    cells: [what, projection, deviationText(deviation), deviationText(bound), passed ? "agrees" : "OFF"],
    ...(!passed && { kind: "differs" }),
  }));
  const gradients = headedTable(
    head,
    rows.map((cells) => ({ cells })),
  );
  const parameters = Object.entries(proof.parameters).map(
    ([name, value]) => [name, digitsOf(value)] as const,
  );
  const verdict = verdictText(proof);
  const body = `<header><h1>${escaped(title)}</h1>
<button type="button" class="small" id="scheme" hidden>dark / light</button></header>
<p>${escaped(sizeText(proof))}</p>
<p class="lead">${escaped(`${verdict.charAt(0).toUpperCase()}${verdict.slice(1)}.`)}</p>
${failed.length === 0 ? "" : card("What is off", list(failed.map(checkText)), "card whole")}
${card("Gradients", scrolling("Gradients", gradients), "card whole")}
${figuresHtml(pictures)}
${proof.nest === undefined ? "" : besideNest(proof.nest)}
${proof.notes.length === 0 ? "" : card("Notes", list(proof.notes), "card whole")}
${spreadCard("What was verified", verified(proof))}
${parameters.length === 0 ? "" : spreadCard("Parameters", parameters)}
<details><summary>All comparisons</summary>${scrolling(
    "All comparisons",
    headedTable(["comparison", "projection", "deviation", "accepted", ""], checks),
  )}</details>`;
  return pageHtml(
    `eprop: ${title}`,
    body,
    pictures.map(({ figure }) => figure),
  );
}

function digitsOf(value: number | string): string {
  return typeof value === "number" ? digits(value) : value;
}

/** Names in a folder of a verification. */
const files = { data: "verification.json", page: "verification.html" } as const;

/**
 * Whether a verification may be written there: the folder is new, empty, or holds another.
 *
 * @throws {@link NESTError} where it holds anything else.
 */
export function checkProofFolder(folder: string): void {
  if (!existsSync(folder)) return;
  const allowed = "a folder that is new, empty, or holds a verification";
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return refuse("out", folder, allowed, { code: "ValueError", message: "this is no folder" });
  }
  if (names.length === 0 || names.includes(files.data)) return;
  refuse("out", folder, allowed, { code: "ValueError", message: "the folder holds something else" });
}

/** Writes a verification, its page and its figures into a folder; gives the page's path. */
export async function writeVerification(
  proof: Verification,
  folder: string,
  signal?: AbortSignal,
): Promise<string> {
  checkProofFolder(folder);
  const pictures = await picturesOf(proofFigures(proof), "light", signal);
  for (const { figure, svg, png } of pictures) {
    const file = join(folder, "figures", figure.name);
    writeWhole(`${file}.svg`, svg);
    writeWhole(`${file}.png`, png);
    writeWhole(`${file}.vl.json`, `${JSON.stringify(specificationOf(figure, "light"))}\n`);
  }
  const page = join(folder, files.page);
  writeWhole(page, proofHtml(proof, pictures));
  writeWhole(join(folder, files.data), `${JSON.stringify(proof, null, 2)}\n`);
  return page;
}
