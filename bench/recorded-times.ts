/** Times of other simulators, recorded once: milliseconds of an iteration (of a recording for N-MNIST, of a batch for the spoken digits). */
export const recordedTimes = {
  /** NEST 3.10, release build, one thread of a 2-core AMD EPYC machine. */
  NEST: {
    "sine-waves": 160,
    lemniscate: 688,
    handwriting: 1015,
    "evidence-accumulation": 7445,
    "sine-waves-plus": 505,
    "n-mnist": 280,
  },
  /** GeNN on an NVIDIA Titan V, 512 samples of 1370 steps. */
  GeNN: {
    "spoken digits, 256 neurons, batch 512": 7300,
    "spoken digits, 512 neurons, batch 512": 18_000,
    "spoken digits, 1024 neurons, batch 512": 51_000,
  },
} as const satisfies Record<string, Record<string, number>>;

/** A simulator whose times are recorded. */
export type Recorded = keyof typeof recordedTimes;
