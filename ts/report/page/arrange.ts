import type { ReportFigure } from "./figure.js";

/** Height up to which figures grow with their width (pixels), and how much higher they are made to fill a row. */
const tallest = 460;
const most = 4;

const between = (least: number, value: number, largest: number) => Math.max(least, Math.min(value, largest));

/**
 * Chooses how large figures are: as wide as their cards, a little higher the wider they are, and those of a row equally
 * high.
 *
 * @returns those that are to be drawn anew
 */
export function arranged(figures: readonly ReportFigure[]): ReportFigure[] {
  const placed = figures.map((figure) => {
    const { element, picture, plots } = figure;
    const x = Math.max(0.4, (figure.room - (picture.width - plots.width)) / plots.width);
    const grown = between(1, Math.sqrt(x), Math.max(1, tallest / picture.height));
    const y = figure.isLarge ? between(grown, (0.75 * innerHeight) / picture.height, most) : grown;
    const rest = picture.height - plots.height + figure.around;
    return { figure, x, y, rest, plots: plots.height, top: element.offsetTop, parent: element.parentElement };
  });
  const changed: ReportFigure[] = [];
  for (const { figure, x, y, rest, plots, top, parent } of placed) {
    const row = placed.filter((other) => other.top === top && other.parent === parent);
    const height = Math.max(...row.map((other) => other.rest + other.y * other.plots));
    const filling = plots === 0 ? y : between(y, (height - rest) / plots, most);
    if (figure.stretch(x, filling)) changed.push(figure);
  }
  return changed;
}
