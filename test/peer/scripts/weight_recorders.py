"""What weight recorders see, and after which simulation they do."""

import json

import nest

TRAIN = {"spike_times": [2.0, 5.0, 6.0, 11.0], "spike_multiplicities": [1, 3, 1, 2]}


def begin(model="static_synapse", params=None):
    """A recorder, and the name of a synapse model that it looks at."""
    nest.ResetKernel()
    nest.resolution = 1.0
    recorder = nest.Create("weight_recorder", params=params or {})
    nest.CopyModel(model, "seen", {"weight_recorder": recorder})
    return recorder


def over(weight, delay, receptor=0):
    return {"synapse_model": "seen", "weight": weight, "delay": delay, "receptor_type": receptor}


def held(recorder):
    events = recorder.events
    columns = [events[name].tolist() for name in ("times", "senders", "targets", "receptors")]
    weights = [round(weight, 9) for weight in events["weights"].tolist()]
    return sorted(zip(*columns, weights))


def watched(recorder, steps):
    """How many events there are after each step, and which at the end."""
    counts = []
    for _ in range(steps):
        nest.Simulate(1.0)
        counts.append(recorder.n_events)
    return [counts, held(recorder)]


found = {}
TARGETS = [
    "parrot_neuron",
    "eprop_iaf",
    "eprop_iaf_psc_delta",
    "eprop_readout",
    "eprop_iaf_bsshslm_2020",
    "eprop_readout_bsshslm_2020",
]

# Generators, injectors and parrots onto all there is; the shortest delay is 1, 2, or that of the synapse that is seen.
for target in TARGETS:
    for source in ("spike_generator", "spike_train_injector", "parrot_neuron"):
        for shortest in (1.0, 2.0, None):
            recorder = begin()
            train = nest.Create("spike_generator" if source == "parrot_neuron" else source, params=TRAIN)
            node = nest.Create(target)
            sender = train
            if source == "parrot_neuron":
                sender = nest.Create(source)
                nest.Connect(train, sender, syn_spec={"delay": 4.0})
            if shortest:
                nest.Connect(nest.Create("spike_train_injector"), nest.Create("parrot_neuron"), syn_spec={"delay": shortest})
            nest.Connect(sender, node, syn_spec=over(2.5, 4.0))
            found[f"{source} {target} {shortest}"] = watched(recorder, 20)

# Chains of parrots, several connections between two of them, and the receptor that they do not repeat.
recorder = begin()
train = nest.Create("spike_generator", params=TRAIN)
parrots = nest.Create("parrot_neuron", 4)
nest.Connect(train, parrots[0], syn_spec=over(9.0, 1.0))
nest.Connect(parrots[0], parrots[1], syn_spec=over(2.0, 3.0))
nest.Connect(parrots[0], parrots[1], syn_spec=over(1.0, 2.0))
nest.Connect(parrots[0], parrots[2], syn_spec=over(4.0, 2.0, 1))
nest.Connect(parrots[1], parrots[:3], syn_spec=over(5.0, 2.0))
nest.Connect(train + parrots[2], parrots[3], syn_spec=over(6.0, 5.0))
found["chain"] = watched(recorder, 14)

# Neurons that fire, onto neurons and readouts of both rules, and onto themselves.
for family in ("", "_bsshslm_2020"):
    recorder = begin()
    nest.Connect(nest.Create("spike_train_injector"), nest.Create("parrot_neuron"), syn_spec={"delay": 1.0})
    neurons = nest.Create(f"eprop_iaf{family}", 3, {"I_e": [300.0, 500.0, 700.0], "t_ref": 1.0})
    readouts = nest.Create(f"eprop_readout{family}", 2)
    nest.Connect(neurons, neurons, syn_spec=over(0.5, 3.0))
    nest.Connect(neurons, readouts, syn_spec=over(1.5, 2.0))
    found[f"neurons{family}"] = watched(recorder, 30)

# Plastic synapses.
for family in ("", "_bsshslm_2020"):
    recorder = begin(f"eprop_synapse{family}")
    train = nest.Create("spike_generator", params=TRAIN)
    parrot = nest.Create("parrot_neuron")
    neuron = nest.Create(f"eprop_iaf{family}")
    nest.Connect(train, parrot)
    nest.Connect(parrot, neuron, syn_spec=over(3.0, 1.0))
    found[f"plastic{family}"] = watched(recorder, 16)

# Who is recorded, and when.
for name, params in {
    "senders": lambda nodes: {"senders": nodes[[0, 2]]},
    "targets": lambda nodes: {"targets": nodes[1:]},
    "both": lambda nodes: {"senders": nodes[:1], "targets": nodes[2:]},
    "span": lambda _: {"start": 5.0, "stop": 8.0},
    "origin": lambda _: {"start": 1.0, "stop": 4.0, "origin": 4.0},
}.items():
    recorder = begin()
    train = nest.Create("spike_generator", params=TRAIN)
    parrots = nest.Create("parrot_neuron", 3)
    nest.Connect(train, parrots[0], syn_spec={"delay": 1.0})
    nest.Connect(parrots, parrots, {"rule": "all_to_all", "allow_autapses": False}, over(2.0, 4.0))
    recorder.set(params(parrots))
    found[name] = watched(recorder, 14)

# What is set between two simulations holds for what has not been handed over.
for shortest in (1.0, 2.0, 3.0):
    for target in ("parrot_neuron", "eprop_iaf", "eprop_readout_bsshslm_2020"):
        recorder = begin()
        train = nest.Create("spike_generator", params={"spike_times": [float(time) for time in range(1, 30)]})
        parrot = nest.Create("parrot_neuron")
        node = nest.Create(target)
        nest.Connect(nest.Create("spike_train_injector"), nest.Create("parrot_neuron"), syn_spec={"delay": shortest})
        nest.Connect(train, parrot, syn_spec={"delay": 3.0})
        nest.Connect(parrot, node, syn_spec=over(1.0, 5.0))
        counts = []
        for place, steps in enumerate((6.0, 1.0, 3.0, 2.0, 5.0)):
            nest.Simulate(steps)
            counts.append([recorder.n_events, len(recorder.events["times"])])
            nest.GetConnections(parrot, node).weight = 2.0 + place
            if place == 2:
                recorder.n_events = 0
            if place == 3:
                recorder.stop = nest.biological_time + 2.0
        found[f"set {shortest} {target}"] = [counts, held(recorder)]

# Synapse models that are given a recorder when spikes are on their way, and another one, and none.
recorder = begin()
second = nest.Create("weight_recorder", params={"time_in_steps": True})
train = nest.Create("spike_generator", params={"spike_times": [float(time) for time in range(1, 20)]})
parrots = nest.Create("parrot_neuron", 2)
neuron = nest.Create("eprop_iaf")
nest.CopyModel("static_synapse", "unseen")
nest.Connect(train, parrots[0])
nest.Connect(parrots[0], parrots[1], syn_spec={"synapse_model": "unseen", "weight": 3.0, "delay": 4.0})
nest.Connect(parrots[0], neuron, syn_spec={"synapse_model": "unseen", "weight": 4.0, "delay": 4.0})
nest.Simulate(7.0)
nest.SetDefaults("unseen", {"weight_recorder": recorder})
nest.Simulate(3.0)
nest.SetDefaults("unseen", {"weight_recorder": second})
nest.Simulate(4.0)
found["models"] = [held(recorder), held(second)]

print(json.dumps(found))
