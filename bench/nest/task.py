"""A task of eprop in NEST: the network that its description states, with the weights, inputs and targets it has drawn."""

import numpy as np

# Of the two steps that a spike has on its way in, a parrot takes one.
PARROT = 1


def build(nest, job):
    return Task(nest, job)


class Task:
    def __init__(self, nest, job):
        self.nest, self.job = nest, job
        self.arrays = np.load(job["arrays"])
        self.timeline = job["timeline"]
        kernel = {
            "resolution": job["resolution"],
            "rng_seed": job["seed"],
            "total_num_virtual_procs": job["threads"],
        }
        if job["family"] == "interval":
            kernel |= {
                "eprop_update_interval": job["steps"] * job["resolution"],
                "eprop_learning_window": job["learningWindow"] * job["resolution"],
                "eprop_reset_neurons_on_update": True,
            }
        nest.set(**kernel)
        self.create()
        self.connect()
        self.load()

    def create(self):
        nest, job = self.nest, self.job
        self.generators = nest.Create("spike_generator", job["inputs"])
        self.parrots = nest.Create("parrot_neuron", job["inputs"])
        groups = [
            nest.Create(one["model"], one["n"], {name: self.parameter(value) for name, value in one["params"].items()})
            for one in job["recurrent"]
        ]
        self.recurrent = groups[0]
        for group in groups[1:]:
            self.recurrent = self.recurrent + group
        readout = job["readout"]
        self.readouts = nest.Create(readout["model"], readout["n"], readout["params"])
        self.targets = nest.Create("step_rate_generator", readout["n"])
        self.recorder = nest.Create(
            "multimeter",
            {
                "record_from": ["readout_signal", "target_signal"],
                "interval": job["resolution"],
                "start": self.timeline["record"] * job["resolution"],
            },
        )

    def parameter(self, value):
        if isinstance(value, dict):
            return getattr(self.nest.random, value["distribution"])(value["first"], value["second"])
        return value

    def connect(self):
        nest, job = self.nest, self.job
        defaults = {"optimizer": job["optimizer"]}
        synapse = {"synapse_model": job["synapses"]["plastic"], "delay": job["resolution"]}
        if job["family"] == "interval":
            defaults["average_gradient"] = job["averageGradient"]
            synapse["tau_m_readout"] = job["readout"]["params"]["tau_m"]
        nest.SetDefaults(job["synapses"]["plastic"], defaults)
        nest.Connect(self.generators, self.parrots, "one_to_one", {"delay": job["resolution"]})
        self.weighted("in_rec", self.parrots, self.recurrent, synapse)
        self.weighted("rec_rec", self.recurrent, self.recurrent, synapse)
        self.weighted("rec_out", self.recurrent, self.readouts, synapse)
        feedback = {"synapse_model": job["synapses"]["feedback"], "delay": job["resolution"]}
        self.weighted("out_rec", self.readouts, self.recurrent, feedback)
        rate = {"synapse_model": "rate_connection_delayed", "delay": job["resolution"]}
        if job["loss"] == "cross_entropy":
            others = {"rule": "all_to_all", "allow_autapses": False}
            nest.Connect(self.readouts, self.readouts, others, rate | {"receptor_type": 1})
        nest.Connect(self.targets, self.readouts, "one_to_one", rate | {"receptor_type": 2})
        if job["family"] == "event":
            window = nest.Create("step_rate_generator")
            nest.Connect(window, self.readouts, "all_to_all", rate | {"receptor_type": 1})
            window.set(self.window())
        nest.Connect(self.recorder, self.readouts)

    def weighted(self, name, sources, targets, synapse):
        """Connects all to all, or those that the mask names, with a row of weights for each target."""
        weights = self.arrays[name]
        mask = self.arrays.get(f"{name}.mask")
        if mask is None:
            rule = {"rule": "all_to_all", "allow_autapses": False}
            self.nest.Connect(sources, targets, rule, synapse | {"weight": weights})
            return
        column, row = np.nonzero(mask.T)
        source, target = np.array(sources.tolist())[column], np.array(targets.tolist())[row]
        kept = source != target
        spec = {"weight": weights[row, column][kept], "delay": np.full(kept.sum(), synapse["delay"])}
        self.nest.Connect(source[kept], target[kept], "one_to_one", synapse | spec)

    def window(self):
        """A signal that is one in the learning windows of sequences and zero outside."""
        job = self.job
        sequences = job["iterations"] * job["batchSize"]
        begin = self.timeline["target"] + job["steps"] * np.arange(sequences)
        closed = job["steps"] - job["learningWindow"]
        if closed == 0:
            return {"amplitude_times": [begin[0] * job["resolution"]], "amplitude_values": [1.0]}
        times = np.stack([begin, begin + closed], axis=1).ravel()
        return {"amplitude_times": times * job["resolution"], "amplitude_values": np.tile([0.0, 1.0], sequences)}

    def load(self):
        """Gives generators the inputs and targets of all iterations."""
        job, arrays = self.job, self.arrays
        order = np.lexsort((arrays["spike_steps"], arrays["spike_inputs"]))
        steps, inputs = arrays["spike_steps"][order], arrays["spike_inputs"][order]
        bounds = np.searchsorted(inputs, np.arange(job["inputs"] + 1))
        spikes = []
        for begin, end in zip(bounds, bounds[1:]):
            times, counts = np.unique(steps[begin:end], return_counts=True)
            times = (times + self.timeline["spikes"] - PARROT) * job["resolution"]
            several = counts.astype(int) if np.any(counts > 1) else np.array([], dtype=int)
            spikes.append({"spike_times": times, "spike_multiplicities": several})
        self.generators.set(spikes)
        for readout, target in enumerate(self.targets):
            own = arrays["target_readouts"] == readout
            times = (arrays["target_steps"][own] + self.timeline["target"]) * job["resolution"]
            target.set({"amplitude_times": times, "amplitude_values": arrays["target_values"][own]})

    def shown(self):
        """The loss of each iteration."""
        job = self.job
        # The last signals come some steps after the last sequence.
        self.nest.Simulate(10 * job["resolution"])
        events = self.recorder.events
        readouts = job["readout"]["n"]
        order = np.lexsort((events["senders"], events["times"]))
        shape = (job["iterations"], job["batchSize"], job["steps"], readouts)
        signals = [events[name][order][: np.prod(shape)] for name in ("readout_signal", "target_signal")]
        readout, target = (signal.reshape(shape)[:, :, -job["learningWindow"] :] for signal in signals)
        if job["loss"] == "cross_entropy":
            losses = -np.log(np.sum(readout * target, axis=3)).mean(axis=(1, 2))
        else:
            losses = 0.5 * np.sum((readout - target) ** 2, axis=2).mean(axis=(1, 2))
        return {"losses": losses.tolist()}
