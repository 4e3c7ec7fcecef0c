"""Records what NEST's recorders hold after random histories of calls, and which calls it refuses.

    python test/nest/record_recorders.py

Needs NEST 3.10 with one thread. `test/recorders.test.ts` replays them.
"""

import contextlib
import gzip
import json
import pathlib
import random
import sys

with contextlib.redirect_stdout(sys.stderr):
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR

HISTORIES = 120

# Nodes that have what a multimeter records.
TARGETS = {"V_m": [5, 6], "rate": [7], "anything": [5, 6, 7]}


def history(choose):
    """Calls: name, then what the call takes. Nodes are ids."""
    step = choose.choice([0.1, 0.5, 1.0])

    def time(low, high):
        return round(choose.randrange(low, high) * step, 9)

    spikes = [sorted(time(1, 60) for _ in range(choose.randrange(0, 12))) for _ in range(2)]
    changes = sorted({time(1, 60) for _ in range(4)})
    window = {"start": lambda: time(0, 30), "stop": lambda: time(30, 70), "origin": lambda: time(0, 8)}
    calls = [
        ["Create", "spike_generator", {"spike_times": spikes[0]}],
        ["Create", "spike_generator", {"spike_times": spikes[1]}],
        ["Create", "parrot_neuron", {}],
        ["Create", "parrot_neuron", {}],
        ["Create", "eprop_iaf", {"I_e": 100.0, "tau_m": 7.0, "V_th": 1000.0}],
        ["Create", "eprop_readout", {"I_e": 50.0}],
        [
            "Create",
            "step_rate_generator",
            {"amplitude_times": changes, "amplitude_values": [float(place + 1) for place in range(len(changes))]}
            | {name: window[name]() for name in ("start", "stop") if choose.random() < 0.4},
        ],
        ["Connect", 1, 3, {}],
        ["Connect", 2, 4, {}],
    ]
    recorders, recorded_from, offsets = [], [], []
    for _ in range(choose.randrange(5, 30)):
        what = choose.random()
        if what < 0.3 or not recorders:
            model = choose.choice(["multimeter", "multimeter", "spike_recorder"])
            params = {name: value() for name, value in window.items() if choose.random() < 0.25}
            if choose.random() < 0.2:
                params["time_in_steps"] = True
            if model == "multimeter":
                params["record_from"] = choose.choice([["V_m"], ["V_m"], ["rate"], ["V_m", "V_m"], []])
                params["interval"] = round(choose.randrange(1, 6) * step, 9)
                params["offset"] = round(choose.choice([0, choose.randrange(0, 9)]) * step, 9)
            calls.append(["Create", model, params])
            recorders.append(model)
            recorded_from.append(params.get("record_from", []))
            offsets.append(params.get("offset", 0.0))
        elif what < 0.6:
            place = choose.randrange(len(recorders))
            recorder = 8 + place
            if recorders[place] == "multimeter":
                # Where it has an offset and is connected late, its very first step differs (docs/nest-differences.md).
                if offsets[place] > 0 and any(call[0] == "Simulate" for call in calls):
                    continue
                wanted = (*recorded_from[place], "anything")[0] if choose.random() < 0.8 else "anything"
                calls.append(["Connect", recorder, choose.choice(TARGETS[wanted]), {}])
            else:
                calls.append(["Connect", choose.choice([1, 2, 3, 4]), recorder, {}])
        elif what < 0.75:
            place = choose.randrange(len(recorders))
            name = choose.choice(["start", "stop", "origin", "n_events", "time_in_steps", "interval", "offset", "record_from"])
            if recorders[place] == "multimeter" and name in window and any(call[0] == "Simulate" for call in calls):
                # The sample of the present step differs (docs/nest-differences.md).
                continue
            value = {
                "n_events": lambda: 0,
                "time_in_steps": lambda: choose.random() < 0.5,
                "interval": lambda: round(choose.randrange(1, 6) * step, 9),
                "offset": lambda: round(choose.randrange(0, 9) * step, 9),
                "record_from": lambda: [choose.choice(["V_m", "rate"])],
            }
            if recorders[place] == "multimeter" or name not in ("interval", "offset", "record_from"):
                changed = {name: (value | window)[name]()}
                offsets[place] += changed.get("offset", 0.0)
                calls.append(["set", 8 + place, changed])
        else:
            calls.append(["Simulate", time(1, 15)])
    # Multimeters show a step only once the next one is done.
    calls.append(["Simulate", time(2, 15)])
    return {"resolution": step, "calls": calls}


def replay(case):
    nest.ResetKernel()
    step = case["resolution"]
    nest.resolution = step
    refused = {}
    recorders = []
    created = 0
    calls = []
    for call in case["calls"]:
        try:
            if call[0] == "Create":
                node = nest.Create(call[1], 1, call[2])
                created += 1
                if call[1] in ("multimeter", "spike_recorder"):
                    recorders.append(node)
            elif call[0] == "Connect":
                nest.Connect(nest.NodeCollection([call[1]]), nest.NodeCollection([call[2]]), "one_to_one", {"delay": step})
            elif call[0] == "set":
                nest.NodeCollection([call[1]]).set(call[2])
            else:
                nest.Simulate(call[1])
        except nest.NESTError as error:
            if call[0] == "Create":
                # NEST keeps the node; the ids of later ones would differ.
                return None
            refused[len(calls)] = type(error).__name__
        calls.append(call)
    case["calls"] = calls
    case["refused"] = refused
    case["events"] = [
        {name: [float(value) for value in column] for name, column in node.get("events").items()} for node in recorders
    ]
    return case


choose = random.Random(3)
cases = []
while len(cases) < HISTORIES:
    case = replay(history(choose))
    if case is not None:
        cases.append(case)
text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]"
(pathlib.Path(__file__).parent / "recorders.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
