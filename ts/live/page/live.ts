import { byId, debounced } from "../../page/dom.js";
import { followScheme } from "../../page/scheme.js";
import type { End, IterationColumns, Messages, RunInfo, SampleMessage, Update } from "../messages.js";
import { Charts } from "./charts.js";
import { Header, type Known } from "./header.js";

const known: Known = {
  run: undefined,
  iterations: { iteration: [], phase: [], loss: [], error: [], rate: [], gradient: [] },
  progress: undefined,
  progressAt: 0,
  ended: undefined,
  asked: false,
  lost: false,
};
let sample: SampleMessage | undefined;

const header = new Header();
const charts = new Charts(byId("learning"), byId("sequence"), () => changed("course"));

/** Parts of the page that no longer show what is known. */
const stale = new Set<"course" | "sample" | "numbers">();

function changed(part: "course" | "sample" | "numbers"): void {
  // A hidden page draws nothing until it is looked at.
  if (stale.size === 0) requestAnimationFrame(draw);
  stale.add(part);
}

function draw(): void {
  const parts = new Set(stale);
  // What changes while it is drawn is drawn again.
  stale.clear();
  if (parts.has("course")) charts.drawCourses(known.iterations);
  if (parts.has("sample") && sample !== undefined) charts.drawSample(sample);
  header.draw(known);
}

function append(columns: IterationColumns, news: IterationColumns): void {
  columns.iteration.push(...news.iteration);
  columns.phase.push(...news.phase);
  columns.loss.push(...news.loss);
  columns.error.push(...news.error);
  columns.rate.push(...news.rate);
  columns.gradient.push(...news.gradient);
}

/** Leads to the report, once the browser keeps it: the server ends with the training. */
async function offerReport(address: string | undefined): Promise<void> {
  if (address === undefined) return;
  try {
    const answer = await fetch(address);
    if (!answer.ok) return;
    await answer.arrayBuffer();
  } catch {
    // The server is gone.
    return;
  }
  const link = byId("report") as HTMLAnchorElement;
  link.href = address;
  link.hidden = false;
}

const handlers: { [K in keyof Messages]: (data: Messages[K]) => void } = {
  run(info: RunInfo) {
    known.run = info;
    known.ended = undefined;
    header.greet(info);
    charts.begin(info);
  },
  update(update: Update) {
    if (update.whole) known.iterations = update.iterations;
    else append(known.iterations, update.iterations);
    known.progress = update.progress;
    known.progressAt = performance.now();
    changed("course");
  },
  sample(data: SampleMessage) {
    sample = data;
    changed("sample");
  },
  end(data: End) {
    known.ended = data;
    changed("numbers");
    // The server waits for those who listen to fetch the report.
    void offerReport(data.report).finally(() => events.close());
  },
};

const events = new EventSource("events");
events.addEventListener("open", () => {
  known.lost = false;
});
events.addEventListener("error", () => {
  known.lost = known.ended === undefined;
  changed("numbers");
});
for (const name of Object.keys(handlers) as (keyof Messages)[]) {
  events.addEventListener(name, ({ data }: MessageEvent<string>) => {
    (handlers[name] as (value: unknown) => void)(JSON.parse(data));
  });
}

byId("stop").addEventListener("click", async () => {
  known.asked = true;
  changed("numbers");
  const answer = await fetch("stop", { method: "POST" }).catch(() => undefined);
  if (answer?.ok) return;
  known.asked = false;
  changed("numbers");
});

setInterval(() => changed("numbers"), 1000);

/** Draws everything anew, in the present size and colours. */
function redraw(): void {
  charts.reset();
  changed("course");
  changed("sample");
}
followScheme(byId("scheme"), redraw);
// The window's size changes it, and the first sequence that comes to stand beside.
const learning = byId("learning");
let width = learning.clientWidth;
new ResizeObserver(
  debounced(() => {
    if (learning.clientWidth !== width) redraw();
    width = learning.clientWidth;
  }),
).observe(learning);
