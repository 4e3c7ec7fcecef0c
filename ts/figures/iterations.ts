import { type Specification, axis, zoomRange, zoomedAxis } from "./figure.js";
import { type RunSummary, phasesOf } from "../runs/summary.js";

/** Phases in the order in which they are drawn, each with a colour and a shape of its own. */
const phases = ["training", "validation", "early-stopping", "test"] as const;

/** What is known of each iteration. */
export interface IterationRow {
  iteration: number;
  phase: string;
  loss: number;
  error?: number;
  rate: number;
  gradient?: number;
  /** Metrics of the task or the user, by their place. */
  [metric: `metric_${number}`]: number;
}

/** A run's iterations as rows. */
export function iterationRows(summary: RunSummary): IterationRow[] {
  const { loss, results, spikes_per_neuron, gradient_norm, metrics, timing } = summary;
  const labels = phasesOf(summary);
  const own = Object.values(metrics ?? {});
  const perSecond = 1000 / (timing.steps * timing.resolution);
  return loss.map((value, at) => {
    const phase = labels[at] as string;
    const error = results?.error[at];
    const gradient = gradient_norm?.[at];
    return {
      iteration: at + 1,
      phase,
      loss: value,
      ...(error !== undefined && { error }),
      rate: (spikes_per_neuron[at] ?? 0) * perSecond,
      ...Object.fromEntries(own.map((values, place) => [`metric_${place}`, values[at]])),
      ...(gradient !== undefined && phase === "training" && gradient > 0 && { gradient }),
    };
  });
}

/** The range of iterations that figures zoom into. */
export function iterationRange(count: number): Specification[] {
  // Marks of the first and of the last iteration are whole.
  const room = Math.max(0.5, count / 60);
  return zoomRange(1 - room, count + room);
}

/** The axis of iterations. */
export function iterationAxis(bottom: boolean): Specification {
  return zoomedAxis("iteration", "iteration", bottom, { axis: { format: "d" } });
}

/** Colour and shape by phase; the legend, if there is to be one, has those that there are. */
export function phaseEncoding(rows: readonly IterationRow[], hasLegend = true): Specification {
  const domain = phases.filter((phase) => rows.some((row) => row.phase === phase));
  const legend = hasLegend ? { values: domain } : null;
  const field = { field: "phase", type: "nominal", title: null } as const;
  return {
    color: { ...field, scale: { domain: phases }, legend },
    shape: { ...field, scale: { domain: phases }, legend },
  };
}

/** Rows of a tooltip. */
export function iterationTooltip(field: string, title: string): Specification[] {
  return [{ field: "iteration" }, { field: "phase" }, { field, title, format: ".4~g" }];
}

/** Large numbers are written short, so that they stay beside the axis's title. */
const shortLabels = "abs(datum.value) >= 1e5 ? format(datum.value, '.2~e') : datum.label";

/** The vertical axis of a quantity over iterations. */
export function quantityAxis(
  field: string,
  title: string,
  scale: Specification,
  more: Specification = {},
): Specification {
  return axis(field, title, { scale, axis: { tickCount: 4, labelExpr: shortLabels, ...more } });
}
