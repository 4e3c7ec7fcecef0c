"""A sparse network by rules: neurons that fire by a clock, each with as many synapses as the job says."""

import numpy as np


def build(nest, job):
    return Network(nest, job)


class Network:
    def __init__(self, nest, job):
        model, family = job["models"], job["family"]
        nest.set(resolution=1.0, rng_seed=1, total_num_virtual_procs=job["threads"])
        if family == "interval":
            nest.set(
                eprop_update_interval=job["interval"],
                eprop_learning_window=job["interval"],
                eprop_reset_neurons_on_update=True,
            )
        recurrent = nest.Create(model["neuron"], job["neurons"], job["neuron"])
        np.random.seed(1)
        first, last = job["offsets"]
        recurrent.ignore_and_spike_offset = first + np.floor(np.random.random(job["neurons"]) * (last + 1 - first))
        readouts = nest.Create(model["readout"], job["readouts"], job["readout"])
        targets = nest.Create("step_rate_generator", job["readouts"], job["target"])
        nest.SetDefaults(model["synapse"], {"optimizer": job["optimizer"]})
        plastic = {"synapse_model": model["synapse"], "delay": 1.0, "weight": nest.random.normal(0.0, job["std"])}
        if family == "interval":
            plastic["tau_m_readout"] = job["readout"]["tau_m"]
        static = {"synapse_model": "static_synapse", "delay": 1.0, "weight": nest.random.normal(0.0, job["std"])}
        feedback = {"synapse_model": model["feedback"], "delay": 1.0, "weight": nest.random.normal()}
        indegree = {"rule": "fixed_indegree", "indegree": job["degree"]}
        nest.Connect(recurrent, recurrent, indegree, plastic)
        nest.Connect(recurrent, readouts, indegree, static)
        nest.Connect(readouts, recurrent, {"rule": "fixed_outdegree", "outdegree": job["degree"]}, feedback)
        rate = {"synapse_model": "rate_connection_delayed", "delay": 1.0}
        nest.Connect(targets, readouts, "one_to_one", rate | {"receptor_type": 2})
        if family == "event":
            window = nest.Create("step_rate_generator", {"amplitude_times": [1.0], "amplitude_values": [1.0]})
            nest.Connect(window, readouts, "all_to_all", rate | {"receptor_type": 1})

    def shown(self):
        return {}
