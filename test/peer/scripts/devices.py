"""Generators and recorders: when they are active, what they keep."""

import json

import nest
import numpy as np

nest.ResetKernel()
nest.resolution = 0.1
trains = nest.Create("spike_generator", 3)
trains.set([
    {"spike_times": np.array([0.3, 1.1, 5.7], dtype=np.float32).round(1).tolist(), "spike_multiplicities": [1, 2, 3]},
    {"spike_times": [1.0, 1.04, 2.08], "allow_offgrid_times": True},
    {"spike_times": [2.0, 4.0, 6.0, 8.0], "start": 2.0, "stop": 6.0, "origin": 1.0},
])
injector = nest.Create("spike_train_injector", 1, {"spike_times": [1.5, 2.5, 7.0]})
parrots = nest.Create("parrot_neuron", 4)
neurons = nest.Create("eprop_iaf", 2, {"V_th": -68.0, "I_e": 40.0, "t_ref": 1.0})
all_spikes = nest.Create("spike_recorder")
steps = nest.Create("spike_recorder", {"time_in_steps": True, "start": 1.0, "stop": 6.0})
meter = nest.Create("multimeter", {"record_from": ["V_m", "surrogate_gradient"], "interval": 0.5, "offset": 0.2})
late = nest.Create("voltmeter", {"start": 3.0, "stop": 7.0, "interval": 1.0})
nest.Connect(trains, parrots[:3], "one_to_one", {"delay": 1.0})
nest.Connect(injector, parrots[3], "all_to_all", {"delay": 0.5})
nest.Connect(parrots[0], parrots[3], "all_to_all", {"delay": 0.7})
nest.Connect(parrots, neurons, "all_to_all", {"weight": 1.5, "delay": 1.24})
nest.Connect(parrots + neurons, all_spikes)
nest.Connect(neurons, steps)
nest.Connect(meter, neurons, "all_to_all", {"delay": 0.1})
nest.Connect(late, neurons[0], "all_to_all", {"delay": 0.1})
counts = [nest.local_spike_counter]
nest.Simulate(5.0)
counts += [nest.local_spike_counter, all_spikes.n_events]
nest.Simulate(0.0)
counts.append(nest.local_spike_counter)
trains[0].set(spike_times=[5.1, 9.0], spike_multiplicities=[1, 2])
nest.Prepare()
nest.Run(3.0)
counts += [nest.local_spike_counter, nest.biological_time]
nest.Run(4.0)
nest.Cleanup()
counts += [nest.local_spike_counter, nest.biological_time, steps.n_events]
held = all_spikes.events
all_spikes.n_events = 0
nest.Simulate(1.0)
print(
    json.dumps(
        {
            "spikes": sorted(zip(held["times"].tolist(), held["senders"].tolist())),
            "steps": [list(map(int, steps.events["times"])), list(map(int, steps.events["senders"]))],
            "meter": sorted(zip(meter.events["senders"].tolist(), meter.events["times"].tolist(),
                                meter.events["V_m"].tolist(), meter.events["surrogate_gradient"].tolist())),
            "late": [late.events["times"].tolist(), late.events["V_m"].tolist()],
            "counts": [float(count) for count in counts],
            "afterwards": len(all_spikes.events["times"]),
        }
    )
)
