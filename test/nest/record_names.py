"""Records what PyNEST has: calls, models, kernel values, and the values of nodes, defaults and connections.

    python test/nest/record_names.py $(node scripts/nest-table.mjs --models) > test/nest/names.json

Values are those of the models that are named. Needs NEST 3.10. `scripts/nest-table.mjs` makes the table at the head of docs/from-nest.md of it.
"""

import contextlib
import inspect
import json
import re
import sys

with contextlib.redirect_stdout(sys.stderr):
    import nest

def is_call(name):
    # Some kernel values cannot be read.
    with contextlib.suppress(Exception):
        value = getattr(nest, name)
        return inspect.isfunction(value) or inspect.isclass(value)
    return False


def reset():
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.QUIET
    nest.resolution = 1.0


def values_of_node(model):
    reset()
    return sorted(nest.Create(model).get())


def values_of_connections(model):
    """What a connection of the model has, between the first nodes that take one."""
    for source, target in [
        ("parrot_neuron", "parrot_neuron"),
        ("parrot_neuron", "eprop_iaf"),
        ("parrot_neuron", "eprop_iaf_bsshslm_2020"),
        ("eprop_readout", "eprop_iaf"),
        ("eprop_readout_bsshslm_2020", "eprop_iaf_bsshslm_2020"),
        ("step_rate_generator", "eprop_readout"),
    ]:
        reset()
        with contextlib.suppress(nest.NESTError):
            ends = nest.Create(source), nest.Create(target)
            receptor = 1 if source == "step_rate_generator" else 0
            nest.Connect(*ends, syn_spec={"synapse_model": model, "receptor_type": receptor})
            return sorted(nest.GetConnections().get())
    raise ValueError(f"nothing takes a {model}")


def columns_of_events(model):
    """What is recorded of a spike or a neuron, where times are in steps."""
    reset()
    parrots, neuron = nest.Create("parrot_neuron", 2), nest.Create("eprop_iaf")
    recorder = nest.Create(model, params={"time_in_steps": True})
    if model == "weight_recorder":
        nest.CopyModel("static_synapse", "recorded", {"weight_recorder": recorder})
        nest.Connect(*parrots, syn_spec={"synapse_model": "recorded"})
    else:
        nest.Connect(*((parrots[1], recorder) if model == "spike_recorder" else (recorder, neuron)))
    nest.Simulate(5.0)
    return sorted(recorder.events)


calls = [name for name in dir(nest) if not name.startswith("_") and is_call(name)]
reset()
named = sys.argv[1:]
nodes = [model for model in nest.node_models if model in named]
synapses = [model for model in nest.synapse_models if model in named]
recorded = {
    "version": nest.__version__,
    "calls": sorted(calls),
    "node_models": sorted(nest.node_models),
    "synapse_models": sorted(nest.synapse_models),
    "kernel_values": sorted(nest.GetKernelStatus()),
    "connection_rules": sorted(nest.connection_rules),
    "recording_backends": sorted(nest.recording_backends),
    "values": {
        "nodes": {model: values_of_node(model) for model in nodes},
        "events": {model: columns_of_events(model) for model in nodes if model.endswith(("recorder", "meter"))},
        "connections": {model: values_of_connections(model) for model in synapses},
        "defaults": {model: sorted(nest.GetDefaults(model)) for model in nodes + synapses},
    },
}
# Names in one line for each list.
text = json.dumps(recorded, indent=1)
print(re.sub(r"\[[^\[\]]*\]", lambda found: re.sub(r"\s+", " ", found[0]), text))
