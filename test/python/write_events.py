"""Writes an archive of many samples: events that begin in a quarter of the channels, which is the label.

python write_events.py FILE SAMPLES
"""

import sys

import numpy as np

file, samples = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(1)
counts = rng.integers(20, 60, samples)
offsets = np.concatenate([[0], np.cumsum(counts)])
labels = rng.integers(0, 4, samples)
sample = np.repeat(np.arange(samples), counts)
times = rng.uniform(0, 50, len(sample)).astype(np.float32)
channels = labels[sample] * 10 + rng.integers(0, 10, len(sample))
noise = rng.random(len(sample)) < 0.3
channels[noise] = rng.integers(0, 40, noise.sum())
order = np.lexsort((times, sample))
np.savez(file, times=times[order], channels=channels[order].astype(np.uint8), offsets=offsets, labels=labels)
