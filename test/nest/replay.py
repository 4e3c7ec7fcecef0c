"""Replays histories on NEST.

Reads a case a line (JSON, an object with "calls" in the format of the recorded experiments) and answers with a line:
{"expect": {"events": ..., "connections": ...}}, or {"refused": place of the call, "error": what NEST said}.
"""

import json
import os
import sys

# What NEST prints goes to standard error; standard output has the answers alone.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import nest  # noqa: E402
import numpy  # noqa: E402

# Kernel parameters that NEST does not have.
OURS = {"gradient", "precision", "memory_limit", "local_num_threads"}
NODES = {"senders", "targets", "weight_recorder"}
# A delay that comes later may not be longer than this, in steps.
LONGEST_DELAY = 64
# Where a source fires in the very first step, NEST with a window that never closes (the default) drops a step of history
# too much, shows a learning signal of zero there, and refuses to go on at the spike after the next. A window this long
# (ms) never closes either, and has not that fault.
NEVER = 1e9
WINDOWED = ["eprop_iaf", "eprop_iaf_adapt", "eprop_iaf_psc_delta", "eprop_iaf_psc_delta_adapt", "eprop_readout"]


class Replay:
    def __init__(self):
        self.nodes = {}
        self.connections = {}
        self.is_set_up = False

    def select(self, selection):
        if isinstance(selection, str):
            return self.nodes[selection]
        if len(selection) == 3 and isinstance(selection[0], str) and isinstance(selection[1], (int, float)):
            return self.nodes[selection[0]][int(selection[1]) : int(selection[2])]
        parts = [self.select(part) for part in selection]
        return sum(parts[1:], parts[0])

    def value(self, name, value):
        if name in NODES:
            return self.select(value)
        if isinstance(value, dict) and "random" in value:
            distribution, first, second = value["random"]
            return getattr(nest.random, distribution)(first, second)
        if isinstance(value, dict):
            return self.params(value)
        if value == []:
            return numpy.array([], dtype=int if name == "spike_multiplicities" else float)
        return value

    def params(self, params):
        if params is None:
            return {}
        if isinstance(params, list):
            return [self.params(entry) for entry in params]
        return {name: self.value(name, value) for name, value in params.items()}

    def call(self, name, *arguments):
        if name not in ("ResetKernel", "set") and not self.is_set_up:
            # Otherwise delays have to lie between those that there were before the first simulation.
            nest.set(min_delay=nest.resolution, max_delay=LONGEST_DELAY * nest.resolution)
            for model in WINDOWED:
                nest.SetDefaults(model, {"eprop_isi_trace_cutoff": NEVER})
            self.is_set_up = True
        getattr(self, name)(*arguments)

    def ResetKernel(self):
        nest.ResetKernel()
        nest.verbosity = nest.VerbosityLevel.FATAL
        self.nodes = {}
        self.is_set_up = False

    def set(self, params):
        params = {name: value for name, value in params.items() if name not in OURS}
        if "resolution" in params:
            nest.resolution = params.pop("resolution")
        if params:
            nest.set(**params)

    def Create(self, name, model, n, params):
        self.nodes[name] = nest.Create(model, int(n), params=self.params(params) or None)

    def Set(self, selection, params):
        self.select(selection).set(self.params(params))

    def SetDefaults(self, model, params):
        nest.SetDefaults(model, self.params(params))

    def CopyModel(self, existing, new, params):
        nest.CopyModel(existing, new, self.params(params))

    def Connect(self, sources, targets, rule, synapse):
        nest.Connect(self.select(sources), self.select(targets), self.params(rule) or None, self.params(synapse) or None)

    def ConnectIds(self, sources, targets, synapse):
        synapse = self.params(synapse)
        n = len(sources)
        for name in ("weight", "delay"):
            if name in synapse:
                synapse[name] = as_floats(synapse[name], n)
        nest.Connect([int(s) for s in sources], [int(t) for t in targets], "one_to_one", synapse)

    def SetConnections(self, sources, targets, params):
        connections = nest.GetConnections(self.select(sources), self.select(targets))
        if len(connections) > 0:
            connections.set(params)

    def Simulate(self, ms):
        nest.Simulate(ms)

    def GetConnections(self, label, sources, targets):
        connections = nest.GetConnections(self.select(sources), self.select(targets))
        self.connections[label] = table(connections)

    def expect(self):
        everything = table(nest.GetConnections())
        events = {}
        for name, nodes in self.nodes.items():
            for place, node in enumerate(nodes):
                if node.element_type == "recorder":
                    held = node.get("events")
                    events[f"{name}[{place}]"] = {
                        column: [float(v) for v in values] for column, values in held.items()
                    }
        return {"events": events, "connections": {**self.connections, "connections": everything}}


def as_floats(value, n):
    return numpy.full(n, value, dtype=float) if numpy.isscalar(value) else numpy.array(value, dtype=float)


def table(connections):
    columns = {"source": [], "target": [], "weight": [], "delay": [], "synapse_model": []}
    if len(connections) > 0:
        held = connections.get(list(columns))
        for name in columns:
            # One connection has its values alone, several have lists.
            columns[name] = held[name] if len(connections) > 1 else [held[name]]
    columns["synapse_model"] = [str(model) for model in columns["synapse_model"]]
    return columns


for line in sys.stdin:
    replay = Replay()
    place = 0
    try:
        for place, call in enumerate(json.loads(line)["calls"]):
            replay.call(*call)
        answer = {"expect": replay.expect()}
    except Exception as error:  # What NEST refuses is an answer.
        answer = {"refused": place, "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
