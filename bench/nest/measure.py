"""Times NEST with a network of eprop's benchmark: `measure.py JOB`, where JOB is what bench/comparison.ts wrote.

The last line printed is JSON: version, ms of Simulate in the first iteration (`cold`) and in those after it (`warm`), and
what shows that the same was computed: the number of spikes and, of a task, the losses.
"""

import json
import sys
import time

import nest

import by_rule
import task

KINDS = {"task": task, "by-rule": by_rule}


def main(path):
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    network = KINDS[job["kind"]].build(nest, job)
    nest.Simulate(job["before"])
    times, spikes = [], 0
    for _ in range(job["iterations"]):
        begin = time.perf_counter()
        nest.Simulate(job["duration"])
        times.append(1e3 * (time.perf_counter() - begin))
        # The counter is of the last call alone.
        spikes += nest.local_spike_counter
    found = {"version": nest.__version__, "cold": times[0], "warm": times[1:], "spikes": spikes}
    print(json.dumps(found | network.shown()))


main(sys.argv[1])
