"""Times that are no whole numbers of steps, and resolutions that divide nothing."""

import json

import nest

found = {}
for resolution, times in ((1.0, [0.4, 1.0, 2.3, 2.5, 3.6]), (0.1, [0.04, 0.11, 1.04, 2.04])):
    for time in times:
        nest.ResetKernel()
        nest.resolution = resolution
        models = ["eprop_iaf", "eprop_iaf_psc_delta", "eprop_iaf_psc_delta_adapt", "eprop_iaf_bsshslm_2020"]
        neurons = [nest.Create(model, 1, {"t_ref": time, "I_e": 5000.0}) for model in models]
        clock = nest.Create("eprop_iaf", 1, {
            "ignore_and_spike": True, "ignore_and_spike_interval": time + 1.0, "ignore_and_spike_offset": time + resolution
        })
        recorder = nest.Create("spike_recorder")
        for neuron in neurons + [clock]:
            nest.Connect(neuron, recorder)
        nest.Simulate(30.0)
        events = recorder.events
        found[f"{resolution} {time}"] = sorted(zip(events["times"].round(6).tolist(), events["senders"].tolist()))

nest.ResetKernel()
nest.resolution = 0.1
nodes = nest.Create("parrot_neuron", 6)
delays = [0.15, 0.25, 0.35, 1.04, 1.15, 1.45]
nest.Connect(nodes, nodes, "one_to_one", {"delay": delays})
nest.CopyModel("static_synapse", "later", {"delay": 1.15})
nest.Connect(nodes[:1], nodes[1:2], "all_to_all", {"synapse_model": "later"})
found["delays"] = sorted(nest.GetConnections().get("delay"))
found["default"] = round(nest.GetDefaults("later", "delay"), 9)
try:
    nest.SetDefaults("static_synapse", {"delay": 0.04})
except nest.NESTError as error:
    found["short"] = type(error).__name__

# A cutoff between two steps.
nest.ResetKernel()
nest.resolution = 1.0
inputs = nest.Create("spike_generator", 1, {"spike_times": [3.0, 12.0, 25.0, 33.0, 52.0, 60.0]})
parrot = nest.Create("parrot_neuron")
neuron = nest.Create("eprop_iaf", 1, {"V_th": 0.5, "E_L": 0.0, "V_m": 0.0, "C_m": 1.0, "eprop_isi_trace_cutoff": 5.4, "c_reg": 3.0})
plastic = {"synapse_model": "eprop_synapse", "weight": 0.8, "delay": 1.0}
nest.Connect(inputs, parrot)
nest.Connect(parrot, neuron, "all_to_all", plastic)
nest.Simulate(70.0)
found["weight"] = nest.GetConnections(parrot, neuron).get("weight")

# Of several connections of a pair, the oldest is taken away, one by a call.
nest.ResetKernel()
nodes = nest.Create("parrot_neuron", 2)
for weight in (1.0, 2.0, 3.0):
    nest.Connect(nodes[0], nodes[1], "all_to_all", {"weight": weight})
left = []
for _ in range(3):
    nest.Disconnect(nodes[0], nodes[1])
    left.append(sorted(nest.GetConnections().get("weight")) if len(nest.GetConnections()) > 1 else len(nest.GetConnections()))
try:
    nest.Disconnect(nodes[0], nodes[1])
except nest.NESTError as error:
    left.append(type(error).__name__)
found["disconnected"] = left

# A resolution that does not divide the update interval that is preset, in a network without one.
nest.ResetKernel()
nest.resolution = 0.3
neuron = nest.Create("eprop_iaf", 1, {"I_e": 5000.0})
recorder = nest.Create("spike_recorder")
nest.Connect(neuron, recorder)
nest.Simulate(30.0)
found["thirds"] = recorder.events["times"].round(6).tolist()

print(json.dumps(found))
