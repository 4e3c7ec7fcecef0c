import { type Figure, type Specification, axis, panelWidth } from "./figure.js";
import type { RunData } from "./run-data.js";

/** Loss, classification error and firing rate over iterations; phases are told apart by shape and colour. */
export function performanceFigure({ summary }: RunData): Figure {
  const { loss, results, spikes_per_neuron, timing } = summary;
  const perSecond = 1000 / (timing.steps * timing.resolution);
  const values = loss.map((value, at) => ({
    iteration: at + 1,
    loss: value,
    error: results?.error[at],
    rate: (spikes_per_neuron[at] ?? 0) * perSecond,
    phase: results?.label[at] ?? "training",
  }));
  const phased = results !== undefined;
  const panel = (field: string, title: string, zero: boolean): Specification => {
    const x = axis("iteration", "iteration");
    const y = axis(field, title, { scale: { zero } });
    const line = { mark: { type: "line", strokeWidth: 1.5 }, encoding: { x, y } };
    const points = {
      mark: { type: "point", filled: true, size: 36 },
      encoding: {
        x,
        y,
        color: { field: "phase", type: "nominal" },
        shape: { field: "phase", type: "nominal" },
        tooltip: [{ field: "iteration" }, { field: "phase" }, { field, format: ".4f" }],
      },
    };
    return { width: 2 * panelWidth, height: 150, layer: phased ? [line, points] : [line] };
  };
  return {
    name: "learning-performance",
    title: "Learning performance",
    caption: phased ? "Loss and share of wrong decisions, by phase." : "Loss over iterations.",
    specification: {
      data: { values },
      vconcat: [
        panel("loss", "loss", false),
        ...(phased ? [panel("error", "error (share wrong)", true)] : []),
        panel("rate", "firing rate (spikes/s)", true),
      ],
    },
  };
}
