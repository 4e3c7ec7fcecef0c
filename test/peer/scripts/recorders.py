"""What recorders count and keep, wherever they record to, and when."""

import json
import tempfile

import nest

MODELS = ["spike_recorder", "multimeter", "voltmeter", "weight_recorder"]


def begin(model, params=None):
    """A recorder of that model, and what it records."""
    nest.ResetKernel()
    nest.resolution = 1.0
    nest.data_path = tempfile.mkdtemp()
    nest.overwrite_files = True
    recorder = nest.Create(model, params=params or {})
    train = nest.Create("spike_train_injector", params={"spike_times": [1.0, 2.0, 3.0, 6.0, 7.0, 12.0]})
    parrot = nest.Create("parrot_neuron")
    neuron = nest.Create("eprop_iaf", params={"I_e": 300.0})
    nest.CopyModel("static_synapse", "seen", {"weight_recorder": recorder} if model == "weight_recorder" else {})
    nest.Connect(train, parrot, syn_spec={"synapse_model": "seen"})
    if model == "spike_recorder":
        nest.Connect(train, recorder)
    elif model != "weight_recorder":
        if model == "multimeter":
            recorder.record_from = ["V_m"]
        nest.Connect(recorder, neuron)
    return recorder


def times(recorder):
    return sorted(recorder.events["times"].tolist())


found = {}
for model in MODELS:
    for backend in ("memory", "ascii"):
        recorder = begin(model, {"record_to": backend})
        counts = []
        for steps in (5.0, 4.0, 0.0, 5.0):
            nest.Simulate(steps)
            counts.append(recorder.n_events)
            if steps == 4.0:
                recorder.n_events = 0
                counts.append(recorder.n_events)
        found[f"{model} {backend}"] = counts

    # What was recorded to elsewhere stays a number.
    recorder = begin(model)
    counts = []
    for place, backend in enumerate(("ascii", "ascii", "memory", "memory", "ascii", "memory")):
        nest.Simulate(3.0)
        recorder.set(record_to=backend)
        counts.append([recorder.n_events, times(recorder) if backend == "memory" else None])
    found[f"{model} moves"] = counts

    for name, params in {
        "span": {"start": 2.0, "stop": 6.0},
        "origin": {"start": 1.0, "stop": 5.0, "origin": 1.0},
        "none": {"start": 4.0, "stop": 4.0},
        "steps": {"time_in_steps": True},
    }.items():
        recorder = begin(model, params)
        nest.Simulate(4.0)
        held = [times(recorder)]
        nest.Simulate(5.0)
        found[f"{model} {name}"] = [*held, times(recorder), recorder.n_events]

print(json.dumps(found))
