/** Milliseconds that NEST 3.10 takes on one thread of a 2-core AMD EPYC machine: an iteration, or a recording. */
export const nestTimes: Readonly<Record<string, number>> = {
  "sine-waves": 160,
  lemniscate: 688,
  handwriting: 1015,
  "evidence-accumulation": 7445,
  "sine-waves-plus": 505,
  "n-mnist": 280,
};
