/**
 * Makes the pictures of a report figures that one can zoom into and point at. Runs in the browser as an inline script;
 * without it, and on paper, the pictures stay.
 */
import { byId, debounced } from "../../page/dom.js";
import { followScheme } from "../../page/scheme.js";
import { arranged } from "./arrange.js";
import { ReportFigure, type Themes } from "./figure.js";
import type { Json } from "./vega.js";

interface Payload {
  themes: Themes;
  figures: { name: string; specification: Json }[];
}

const payload = JSON.parse(byId("payload").textContent ?? "{}") as Payload;

const figures = payload.figures.flatMap(({ name, specification }) => {
  const element = document.getElementById(name);
  return element === null ? [] : [new ReportFigure(element, specification, payload.themes, arrange)];
});

/** Chooses sizes anew, and draws what has another one. */
function arrange(): void {
  for (const figure of arranged(figures)) if (figure.isDrawn) void figure.draw();
}

// A figure is drawn when it is about to be seen, so that a long report opens at once; the others follow.
const sight = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      const figure = figures.find(({ element }) => element === target);
      if (isIntersecting && figure !== undefined && !figure.isDrawn) void figure.draw();
    }
  },
  { rootMargin: "300px" },
);

const idle = (act: () => void) =>
  "requestIdleCallback" in window ? requestIdleCallback(act, { timeout: 1000 }) : setTimeout(act, 50);

async function drawNext(): Promise<void> {
  const next = figures.find(({ isDrawn }) => !isDrawn);
  if (next === undefined) return;
  await next.draw().catch(reportError);
  idle(() => void drawNext());
}

followScheme(document.getElementById("scheme"), () => {
  for (const figure of figures) if (figure.isDrawn) void figure.draw();
});
arrange();
for (const { element } of figures) sight.observe(element);
idle(() => void drawNext());
let width = document.body.clientWidth;
new ResizeObserver(
  debounced(() => {
    if (document.body.clientWidth !== width) arrange();
    width = document.body.clientWidth;
  }),
).observe(document.body);
