"""What a rule connects."""

import nest
import numpy as np


def connected(model, seed, values, rule, sources, targets, synapse):
    """Those values of the connections between new nodes, sorted, or what a refusal is called; 0 targets are the sources."""
    nest.ResetKernel()
    nest.set(resolution=0.1, rng_seed=seed)
    a = nest.Create(model, sources)
    b = nest.Create(model, targets) if targets else a
    try:
        nest.Connect(a, b, rule, synapse)
    except Exception as error:
        return type(error).__name__
    found = nest.GetConnections().get(values)
    return sorted(zip(*([each] if np.isscalar(each) else list(each) for each in found.values())))
