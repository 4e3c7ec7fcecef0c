"""Times JAX with a network of eprop's benchmark: `measure.py JOB`, where JOB is what bench/comparison.ts wrote.

e-prop by automatic differentiation: gradients stop where a spike enters other neurons, so that what is left is the
eligibility trace, and the objective is linear in the spikes, with the learning signals as constants. All sequences of a
batch go through one scan, which is not unrolled: that takes twice the processor's time and more. The inputs' currents
are one matrix product before it. Weights change once an interval.

The last line printed is JSON: version, ms of the first iteration, compilation included (`cold`), and of those after it
(`warm`), and their losses.
"""

import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np


def decay(time_constant, dt):
    return np.exp(-dt / np.asarray(time_constant, dtype=float))


class Problem:
    """What a job states, as arrays of a precision."""

    def __init__(self, job, real):
        self.job, self.real = job, real
        self.arrays = np.load(job["arrays"])
        dt = job["resolution"]
        groups = [(one["n"], one["params"], "adapt" in one["model"]) for one in job["recurrent"]]

        def of(read):
            return np.concatenate([np.full(n, float(read(params, adapts))) for n, params, adapts in groups])

        neurons = {
            "decay": decay(of(lambda p, _: p["tau_m"]), dt),
            "threshold": of(lambda p, _: p["V_th"] - p["E_L"]),
            "height": of(lambda p, _: p["surrogate_gradient_height"]),
            "width": of(lambda p, _: p["surrogate_gradient_width"]),
            "refractory": np.round(of(lambda p, _: p["t_ref"]) / dt),
            "rho": decay(of(lambda p, adapts: p["adapt_tau"] if adapts else 1.0), dt),
            "beta": of(lambda p, adapts: p["adapt_beta"] if adapts else 0.0),
            "c_reg": of(lambda p, _: p["c_reg"]),
            "target": of(lambda p, _: p["f_target"]) / 1000.0 * dt,
        }
        regular = of(lambda p, _: p.get("regular_spike_arrival", True))
        neurons["gain"] = np.where(regular > 0, 1.0, 1.0 - neurons["decay"])
        self.neurons = {name: jnp.asarray(values, real) for name, values in neurons.items()}
        readout = job["readout"]["params"]
        self.readout_decay = float(decay(readout["tau_m"], dt))
        self.readout_gain = 1.0 if readout.get("regular_spike_arrival", True) else 1.0 - self.readout_decay
        self.weights = {name: jnp.asarray(self.arrays[name], real) for name in ("in_rec", "rec_rec", "rec_out")}
        n = self.weights["rec_rec"].shape[0]
        self.masks = {"in_rec": 1.0, "rec_rec": jnp.asarray(1.0 - np.eye(n), real), "rec_out": 1.0}
        self.weights["rec_rec"] = self.weights["rec_rec"] * self.masks["rec_rec"]
        self.feedback = jnp.asarray(self.arrays["out_rec"], real)
        # Errors count in the last steps of a sequence.
        window = np.arange(job["steps"]) >= job["steps"] - job["learningWindow"]
        self.window = jnp.asarray(window[:, None, None], real)

    def iteration(self, number):
        """Inputs and targets of an iteration: step, sequence, input or readout."""
        job, arrays = self.job, self.arrays
        length = job["steps"] * job["batchSize"]
        begin = min(number, job["drawn"] - 1) * length
        inputs = np.zeros((length, job["inputs"]))
        own = (arrays["spike_steps"] >= begin) & (arrays["spike_steps"] < begin + length)
        np.add.at(inputs, (arrays["spike_steps"][own] - begin, arrays["spike_inputs"][own]), 1.0)
        targets = np.zeros((length, job["readout"]["n"]))
        for readout in range(job["readout"]["n"]):
            own = arrays["target_readouts"] == readout
            steps, values = arrays["target_steps"][own].astype(int), arrays["target_values"][own]
            last = np.searchsorted(steps, begin + np.arange(length), side="right") - 1
            targets[:, readout] = np.where(last < 0, 0.0, values[last])

        def by_step(values):
            shape = (job["batchSize"], job["steps"], values.shape[1])
            return jnp.asarray(values.reshape(shape).transpose(1, 0, 2), self.real)

        return by_step(inputs), by_step(targets)


@jax.custom_vjp
def spike(distance, may_fire, height, width):
    return ((distance >= 0) & may_fire).astype(distance.dtype)


def spike_forward(distance, may_fire, height, width):
    surrogate = jnp.where(may_fire, height * jnp.maximum(0, 1 - jnp.abs(distance) / width), 0)
    return spike(distance, may_fire, height, width), surrogate


def spike_backward(surrogate, cotangent):
    return cotangent * surrogate, None, None, None


spike.defvjp(spike_forward, spike_backward)


def train_step(problem):
    """The function that takes weights, moments and one iteration's data a step on."""
    job, p = problem.job, problem.neurons
    kappa = problem.readout_decay
    optimizer = job["optimizer"]
    stop = jax.lax.stop_gradient

    def objective(weights, inputs, targets):
        batch, n, readouts = inputs.shape[1], p["decay"].shape[0], targets.shape[2]
        currents = jnp.einsum("tbi,ji->tbj", inputs, weights["in_rec"])

        def step(state, current):
            v, a, z, rest, y, filtered = state
            rest = jnp.maximum(rest - 1, 0)
            arriving = current + stop(z) @ weights["rec_rec"].T
            v = p["decay"] * v + p["gain"] * arriving - p["threshold"] * stop(z)
            a = p["rho"] * a + z
            z = spike(v - (p["threshold"] + p["beta"] * a), rest == 0, p["height"], p["width"])
            rest = jnp.where(stop(z) > 0, p["refractory"], rest)
            y = problem.readout_decay * y + problem.readout_gain * (stop(z) @ weights["rec_out"].T)
            filtered = kappa * filtered + (1 - kappa) * z
            return (v, a, z, rest, y, filtered), (z, y, filtered)

        zeros = jnp.zeros((batch, n), problem.real)
        start = (zeros, zeros, zeros, zeros, jnp.zeros((batch, readouts), problem.real), zeros)
        _, (z, y, filtered) = jax.lax.scan(step, start, currents)
        if job["loss"] == "cross_entropy":
            shown = jax.nn.softmax(y, axis=2)
            losses = -jnp.sum(targets * jax.nn.log_softmax(y, axis=2), axis=2, keepdims=True) * problem.window
            loss = jnp.sum(losses) / (job["learningWindow"] * batch)
        else:
            shown = y
            loss = 0.5 * jnp.sum((y - targets) ** 2 * problem.window) / (batch * readouts)
        errors = stop((shown - targets) * problem.window)
        signals = jnp.einsum("tbk,jk->tbj", errors, problem.feedback)
        steps = job["steps"]
        pressure = stop(p["c_reg"] * (jnp.sum(z, axis=0) / steps - p["target"]) / steps)
        total = jnp.sum(signals * filtered) + jnp.sum(pressure * z) + jnp.sum(errors * y)
        return total / (batch * (job["learningWindow"] if job["averageGradient"] else 1)), loss

    def adam(weight, moments, gradient, count):
        b1, b2 = optimizer.get("beta_1", 0.9), optimizer.get("beta_2", 0.999)
        m, s = moments
        m, s = b1 * m + (1 - b1) * gradient, b2 * s + (1 - b2) * gradient**2
        rate = optimizer["eta"] * jnp.sqrt(1 - b2**count) / (1 - b1**count)
        return weight - rate * m / (jnp.sqrt(s) + optimizer.get("epsilon", 1e-8)), (m, s)

    def descent(weight, moments, gradient, count):
        return weight - optimizer["eta"] * gradient, moments

    update = adam if optimizer["type"] == "adam" else descent

    def take(weights, moments, count, inputs, targets):
        (_, loss), gradients = jax.value_and_grad(objective, has_aux=True)(weights, inputs, targets)
        updated = {
            name: update(weights[name], moments[name], gradients[name] * problem.masks[name], count)
            for name in weights
        }
        return {k: v[0] for k, v in updated.items()}, {k: v[1] for k, v in updated.items()}, loss

    # Weights and moments are replaced, so that their memory is used again.
    return jax.jit(take, donate_argnums=(0, 1))


def main(path):
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    jax.config.update("jax_enable_x64", job["precision"] == "f64")
    problem = Problem(job, jnp.float64 if job["precision"] == "f64" else jnp.float32)
    take = train_step(problem)
    weights = problem.weights
    moments = {name: (jnp.zeros_like(weight), jnp.zeros_like(weight)) for name, weight in weights.items()}
    times, losses = [], []
    inputs, targets = problem.iteration(0)
    for number in range(job["iterations"]):
        if 0 < number < job["drawn"]:
            inputs, targets = problem.iteration(number)
        jax.block_until_ready((inputs, targets))
        begin = time.perf_counter()
        weights, moments, loss = jax.block_until_ready(
            take(weights, moments, jnp.asarray(number + 1, problem.real), inputs, targets)
        )
        times.append(1e3 * (time.perf_counter() - begin))
        losses.append(float(loss))
    print(json.dumps({"version": jax.__version__, "cold": times[0], "warm": times[1:], "losses": losses}))


main(sys.argv[1])
