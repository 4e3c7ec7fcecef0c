"""What is looked at: nodes by values, parts of events, JSON, text, connections side by side, and what is refused."""

import json

import nest
import numpy as np

nest.ResetKernel()
nest.verbosity = nest.VerbosityLevel.ERROR
a = nest.Create("eprop_iaf", 3, {"tau_m": [10.0, 20.0, 10.0]})
b = nest.Create("parrot_neuron", 2)
recorders = nest.Create("spike_recorder", 2)
generators = nest.Create("spike_generator", 2, {"spike_times": [1.0, 2.0]})
c = nest.Create("eprop_readout", 2)
nest.Connect(generators, b, "one_to_one")
nest.Connect(b, recorders)
nest.Connect(a, c)
nest.Simulate(10.0)


def plain(value):
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in sorted(value.items())}
    if isinstance(value, np.ndarray):
        return ["array", *value.tolist()]
    return [type(value).__name__, *map(plain, value)] if isinstance(value, (list, tuple)) else value


refused = []
for call in [
    lambda: a[[True, False]],
    lambda: a[[True, False, True, True]],
    lambda: a[[True, 1, 2]],
    lambda: a[[0, True, 2]],
    lambda: nest.Disconnect(a[:2], c, "one_to_one"),
    lambda: nest.Disconnect(a[:2], c, "one_to_one", "static_synapse"),
    lambda: recorders.get("events", "foo"),
    lambda: a.get("tau_m", "foo"),
    lambda: recorders.get(["events", "n_events"], "times"),
    lambda: nest.GetConnections(a) == 3,
]:
    try:
        call()
        refused.append("none")
    except Exception as error:
        refused.append(type(error).__name__)

found = nest.GetConnections(a)
nest.PrintNodes()
result = {
    "by values": [
        nest.GetNodes(values).tolist()
        for values in [
            {"tau_m": 10.0},
            {"model": "eprop_iaf", "tau_m": 20.0},
            {"model": "parrot_neuron", "tau_m": 20.0},
            {"model": "parrot_neuron"},
            {},
        ]
    ],
    "masks": [a[mask].tolist() for mask in [[True, False, True], (False, True, False), np.array([True, True, False])]],
    "events": plain(recorders.events),
    "times": [plain(recorders.get("events", "times")), plain(recorders[0].get("events", "times"))],
    "both": [plain(recorders.get("events", ["times", "senders"])), plain(recorders[1].get("events", ["times"]))],
    "json": [
        plain(json.loads(text))
        for text in [
            a.get("tau_m", output="json"),
            a[0].get("tau_m", output="json"),
            a.get(["tau_m", "C_m"], output="json"),
            recorders.get("events", output="json"),
            recorders.get("events", "times", output="json"),
            found.get("weight", output="json"),
            found[0].get("weight", output="json"),
            found.get(["weight", "delay"], output="json"),
        ]
    ],
    "text": [str(a), str(b[0]), str(a + b), repr(a[:2])],
    "equal": [found == nest.GetConnections(a), found == nest.GetConnections(), found == found[:2]],
    "ends": [list(found.sources()), list(found.targets()), list(found[0].sources())],
    "ranks": [nest.Rank(), nest.NumProcesses()],
    "levels": {level.name: int(level) for level in nest.VerbosityLevel},
    "level": int(nest.verbosity),
    "refused": refused,
}
nest.ResetKernel()
a = nest.Create("eprop_iaf", 3)
c = nest.Create("eprop_readout", 2)
nest.Connect(a, c)
nest.Disconnect(nest.GetConnections(a[:1]))
nest.Disconnect(a[1:], c, conn_spec="one_to_one", syn_spec="static_synapse")
result["left"] = [[int(end) for end in ends] for ends in zip(*(nest.GetConnections(a).get(end) for end in ("source", "target")))]
print(json.dumps(result))
