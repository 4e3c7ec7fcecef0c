"""What programs make of a graph that eprop wrote: JSON of `{program: {version, loads, spikes}}`.

    python test/python/nir_programs.py FOLDER

FOLDER holds `exact.nir` and `euler.nir`, a layer of LIF neurons, and `spikes.json`: the steps and places of the input
spikes, the number of steps, and the steps and places at which eprop's neurons fire. Needs the programs; those that are
not installed are left out. `scripts/nir-table.mjs` runs it.
"""

import importlib.metadata
import json
import pathlib
import sys

import nir
import torch

folder = pathlib.Path(sys.argv[1])
known = json.loads((folder / "spikes.json").read_text())
inputs = torch.zeros(known["steps"], known["inputs"])
for step, place in known["input"]:
    inputs[step, place] += 1.0
expected = sorted(map(tuple, known["fired"]))


def snntorch(graph):
    from snntorch.import_nir import import_from_nir

    network, state, fired = import_from_nir(graph), None, []
    for step in range(known["steps"]):
        spikes, state = network(inputs[step : step + 1], state)
        fired.append(spikes[0])
    return torch.stack(fired)


def norse(graph):
    from norse.torch.utils.import_nir import from_nir

    network, state, fired = from_nir(graph, dt=known["resolution"] / 1000), None, []
    for step in range(known["steps"]):
        spikes, state = network(inputs[step : step + 1], state)
        fired.append(spikes[0])
    return torch.stack(fired)


def sinabs(graph):
    from sinabs.nir import from_nir

    spikes = from_nir(graph, batch_size=1)(inputs)
    return spikes[0] if isinstance(spikes, tuple) else spikes


def rockpool(graph):
    from rockpool.nn.modules.torch.nir import from_nir

    spikes = from_nir(graph)(inputs[None])
    return (spikes[0] if isinstance(spikes, tuple) else spikes)[0]


def tried(load, graph):
    """Whether a program loads a graph, and in how far its spikes are those of eprop."""
    try:
        with torch.no_grad():
            fired = load(graph)
    except Exception as error:
        return {"loads": f"{type(error).__name__}: {' '.join(str(error).split())}"[:160]}
    found = sorted((step, place) for step, place in (fired > 0).nonzero().tolist())
    # Programs show a spike in the step of the input that caused it, or later.
    shared = max(len({(step + lag, place) for step, place in found} & set(expected)) for lag in range(-2, 3))
    return {"loads": True, "shared": shared, "found": len(found), "expected": len(expected)}


result = {}
for load in (snntorch, norse, sinabs, rockpool):
    name = load.__name__
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        continue
    result[name] = {"version": version}
    for how in ("exact", "euler"):
        result[name][how] = tried(load, nir.read(folder / f"{how}.nir"))
print(json.dumps(result))
