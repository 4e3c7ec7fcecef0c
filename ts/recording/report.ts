import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { figuresOf, renderSvg } from "../figures/index.js";
import type { RunData } from "../figures/run-data.js";

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const row = (...cells: readonly (string | number)[]) =>
  `<tr>${cells.map((cell) => `<td>${escaped(String(cell))}</td>`).join("")}</tr>`;

const style = `
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
td, th { padding: .15rem .9rem .15rem 0; text-align: left; vertical-align: top; }
figure { margin: 2rem 0; background: #fff; color: #1f2328; padding: 1rem; border: 1px solid #8884; border-radius: 6px; overflow-x: auto; }
figure svg { max-width: 100%; height: auto; }
figure:target svg, figure.large svg { max-width: none; }
figcaption { color: #56606b; }
summary { cursor: pointer; }
`;

function lossRows({ summary }: RunData): string {
  const { loss, results } = summary;
  return loss
    .map((value, at) =>
      row(
        at + 1,
        results?.label[at] ?? "training",
        value.toPrecision(8),
        results?.error[at]?.toFixed(4) ?? "",
      ),
    )
    .join("\n");
}

/** The report of a run: one HTML file that needs nothing else. */
export async function reportHtml(run: RunData): Promise<string> {
  const { summary } = run;
  const { machine, parameters, loss } = summary;
  const figures = await Promise.all(
    figuresOf(run).map(
      async (figure) =>
        `<figure id="${figure.name}"><h2>${escaped(figure.title)}</h2>${await renderSvg(figure)}` +
        `<figcaption>${escaped(figure.caption)}</figcaption></figure>`,
    ),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>eprop: ${escaped(summary.task)}, seed ${summary.seed}</title><style>${style}</style></head><body>
<h1>${escaped(summary.task)}, seed ${summary.seed}</h1>
<table>
${row("loss", `${loss[0]?.toPrecision(6)} → ${loss.at(-1)?.toPrecision(6)} in ${loss.length} iterations`)}
${row("time", `${summary.ms_per_iteration.toFixed(2)} ms per iteration`)}
${row("machine", `${machine.processor}, ${machine.cores} cores, ${machine.instructions}, Node ${machine.node}`)}
${row("eprop", summary.eprop)}
${row("date", summary.date)}
${Object.entries(parameters)
  .map(([name, value]) => row(name, value))
  .join("\n")}
</table>
${figures.join("\n")}
<details><summary>All losses</summary><table><tr><th>iteration</th><th>phase</th><th>loss</th><th>error</th></tr>
${lossRows(run)}
</table></details>
</body></html>
`;
}

/** Writes `report.html` and, in `figures/`, each figure as SVG with its Vega-Lite specification. */
export async function writeReport(folder: string, run: RunData): Promise<void> {
  mkdirSync(join(folder, "figures"), { recursive: true });
  for (const figure of figuresOf(run)) {
    writeFileSync(join(folder, "figures", `${figure.name}.svg`), await renderSvg(figure));
    writeFileSync(
      join(folder, "figures", `${figure.name}.vl.json`),
      `${JSON.stringify(figure.specification)}\n`,
    );
  }
  writeFileSync(join(folder, "report.html"), await reportHtml(run));
}
