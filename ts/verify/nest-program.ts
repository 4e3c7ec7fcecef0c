/**
 * A program for PyNEST: builds the network that it reads from standard input with NEST's own calls, simulates it, and
 * answers with spikes, readout signals and weights as they were transmitted.
 */
export const nestProgram = `
import json, os, sys

# What NEST prints goes to standard error; standard output has the answer alone.
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import numpy
import nest


def value(of):
    if of in ("inf", "-inf"):
        return float(of)
    if isinstance(of, list):
        return [value(each) for each in of]
    if isinstance(of, dict):
        return {name: value(each) for name, each in of.items()}
    return of


def numbers(of, kind=float):
    return numpy.array(of, dtype=kind)


said = value(json.load(sys.stdin))
nest.ResetKernel()
nest.resolution = said["resolution"]
nest.set(**said["kernel"])

of_kind = {"input": [], "recurrent": [], "readout": []}
for population in said["populations"]:
    params = population["params"]
    made = nest.Create(population["model"], population["n"], params=params or None)
    of_kind[population["kind"]].append(made)
nodes = {kind: sum(groups[1:], groups[0]) for kind, groups in of_kind.items()}
ids = {kind: numbers(of.tolist(), int) for kind, of in nodes.items()}
step = said["resolution"]

generators = nest.Create("spike_generator", len(nodes["input"]))
for generator, times in zip(generators, said["spikes"]):
    multiplicities = numbers(times["multiplicities"], int)
    generator.set({"spike_times": numbers(times["times"]), "spike_multiplicities": multiplicities})
nest.Connect(generators, nodes["input"], "one_to_one", {"synapse_model": "static_synapse", "delay": step})

rates = {"synapse_model": "rate_connection_delayed", "delay": step}
for receptor, signals in said["signals"].items():
    made = nest.Create("step_rate_generator", len(signals))
    made.set([{name: numbers(of) for name, of in each.items()} for each in signals])
    rule = "one_to_one" if len(made) == len(nodes["readout"]) else "all_to_all"
    nest.Connect(made, nodes["readout"], rule, {**rates, "receptor_type": int(receptor)})
if said["softmax"]:
    others = {"rule": "all_to_all", "allow_autapses": False}
    nest.Connect(nodes["readout"], nodes["readout"], others, {**rates, "receptor_type": 1})

weights = nest.Create("weight_recorder", params={"start": said["weights_from"]})
# Copies come first: synapses of a copy keep the kind of optimizer that the model had when it was copied.
learning = [projection for projection in said["projections"] if projection["defaults"] is not None]
for projection in sorted(learning, key=lambda projection: not projection["copied"]):
    defaults = {**projection["defaults"], "weight_recorder": weights}
    if projection["copied"]:
        copied = "verified_" + projection["name"]
        nest.CopyModel(projection["model"], copied, defaults)
        projection["model"] = copied
    else:
        nest.SetDefaults(projection["model"], defaults)
for projection in said["projections"]:
    model = projection["model"]
    n = len(projection["sources"])
    if n == 0:
        continue
    synapse = {name: numpy.full(n, of, dtype=float) for name, of in projection["synapse"].items()}
    synapse.update(weight=numbers(projection["weights"]), delay=numbers(projection["delays"]))
    nest.Connect(
        ids[projection["from"]][projection["sources"]],
        ids[projection["to"]][projection["targets"]],
        "one_to_one",
        {"synapse_model": model, **synapse},
    )

spikes = nest.Create("spike_recorder")
nest.Connect(nodes["recurrent"], spikes)
shown = nest.Create("multimeter", params={"interval": step, "start": said["record_from"], "record_from": ["readout_signal"]})
nest.Connect(shown, nodes["readout"])
nest.Simulate(said["duration"])


def column(recorder, name):
    return [float(of) for of in recorder.get("events")[name]]


def places(column, kind):
    return [int(of) - int(ids[kind][0]) for of in column]


print(
    json.dumps(
        {
            "version": nest.__version__,
            "spikes": {"times": column(spikes, "times"), "neurons": places(column(spikes, "senders"), "recurrent")},
            "readouts": {
                "times": column(shown, "times"),
                "readouts": places(column(shown, "senders"), "readout"),
                "signals": column(shown, "readout_signal"),
            },
            "weights": {name: column(weights, name) for name in ("times", "senders", "targets", "weights")},
            "first": {kind: int(of[0]) for kind, of in ids.items()},
        }
    ),
    file=answer,
)
`;
