"""Records what NEST draws: connections of all rules, their weights and delays, and parameters of nodes.

    python test/nest/record_random_numbers.py

Needs NEST 3.10 with one thread. What each case holds is what `test/random-numbers.test.ts` reads.
"""

import contextlib
import gzip
import itertools
import json
import pathlib
import random
import sys

with contextlib.redirect_stdout(sys.stderr):
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR

NORMAL = ["normal", {"mean": 0.0, "std": 1.0}]
DISTRIBUTIONS = [
    NORMAL,
    ["uniform", {"min": -1.0, "max": 1.0}],
    ["lognormal", {"mean": 0.0, "std": 0.5}],
    ["exponential", {"beta": 2.0}],
]
DELAYS = [["uniform", {"min": 1.0, "max": 3.0}], ["normal", {"mean": 4.0, "std": 0.5}]]


def replay(case):
    """Makes the network of a case on NEST; adds what there is then."""
    nest.ResetKernel()
    nest.resolution = case["resolution"]
    nest.rng_seed = case["seed"]
    drawn_from = [getattr(nest.random, name)(**values) for name, values in case["distributions"]]

    def params(values):
        return {name: drawn_from[value[0]] if isinstance(value, list) else value for name, value in values.items()}

    def nodes(ids):
        return nest.NodeCollection(list(range(ids[0], ids[1])))

    for call in case["calls"]:
        if call[0] == "Create":
            nest.Create(call[1], call[2], params(call[3]))
        elif call[0] == "set":
            nodes(call[1]).set(params(call[2]))
        elif call[0] == "seed":
            nest.rng_seed = call[1]
        else:
            nest.Connect(nodes(call[1]), nodes(call[2]), call[3], params(call[4]))
    names = ["source", "target", "weight", "delay"]
    columns = [[value] if not isinstance(value, (list, tuple)) else value for value in nest.GetConnections().get(names).values()] if nest.num_connections else []
    case["connections"] = sorted(zip(*columns))
    case["parameters"] = [
        [node, name, nest.NodeCollection([node]).get(name)] for node, name in case.pop("wanted", [])
    ]
    return case


def rules(pool_sources, pool_targets, shared):
    """All rules with all flags that sources and targets of these sizes, with so many nodes in common, take."""
    for autapses, multapses in itertools.product([True, False], repeat=2):
        flags = {"allow_autapses": autapses, "allow_multapses": multapses}
        excluded = 0 if autapses or not shared else 1
        yield {"rule": "all_to_all", **flags}
        if pool_sources == pool_targets:
            yield {"rule": "one_to_one", **flags}
        yield {"rule": "pairwise_bernoulli", "p": 0.3, **flags}
        if multapses:
            yield from ({"rule": "pairwise_poisson", "pairwise_avg_num_conns": mean, **flags} for mean in [0.0, 0.3, 2.5])
        if multapses and (autapses or not shared or pool_sources > 1):
            yield from ({"rule": "fixed_total_number", "N": total, **flags} for total in [0, 1, 7])
        for rule, name, pool in [("fixed_indegree", "indegree", pool_sources), ("fixed_outdegree", "outdegree", pool_targets)]:
            degrees = {0, pool // 2, pool - excluded} | ({2 * pool} if multapses and pool > excluded else set())
            for degree in sorted(degrees):
                yield {"rule": rule, name: degree, **flags}


def connection_cases():
    choose = random.Random(1)
    ranges = [((1, 6), (6, 10)), ((1, 7), (1, 7)), ((1, 6), (4, 11)), ((1, 2), (2, 9)), ((3, 40), (3, 40))]
    for sources, targets in ranges:
        shared = len(set(range(*sources)) & set(range(*targets)))
        count = max(sources[1], targets[1]) - 1
        for rule in rules(sources[1] - sources[0], targets[1] - targets[0], shared):
            if count > 20 and rule["rule"] in ("all_to_all", "pairwise_bernoulli", "pairwise_poisson", "one_to_one"):
                continue
            if count > 20 and max(rule.get("indegree", 0), rule.get("outdegree", 0)) != 36:
                continue
            distributions = [choose.choice(DISTRIBUTIONS), choose.choice(DELAYS)]
            synapse = choose.choice([{}, {"weight": [0]}, {"weight": [0]}, {"weight": [0], "delay": [1]}, {"delay": [1]}])
            yield {
                "seed": choose.randrange(1, 2**32 - 1),
                "resolution": choose.choice([0.1, 0.25, 1.0]),
                "distributions": distributions,
                "calls": [
                    ["Create", "eprop_iaf", count, {}],
                    ["Connect", sources, targets, rule, synapse],
                    # What follows depends on how much was drawn.
                    ["Connect", sources, targets, {"rule": "fixed_indegree", "indegree": 1}, {"weight": [0]}],
                    ["Connect", sources, targets, {"rule": "fixed_outdegree", "outdegree": 1}, {}],
                ],
            }


def sequence_cases():
    """One distribution, or two alike, in several calls; a seed that is set again."""
    for first, second in itertools.product([0, 1], repeat=2):
        for connect in (["Connect", [1, 2], [1, 4], {"rule": "all_to_all"}, {"weight": [second]}], ["set", [1, 4], {"I_e": [second]}]):
            yield {
                "seed": 5,
                "resolution": 0.1,
                "distributions": [NORMAL, NORMAL],
                "calls": [["Create", "eprop_iaf", 3, {"I_e": [first]}], connect, ["seed", 9], connect],
                "wanted": [[node, "I_e"] for node in (1, 2, 3)],
            }


MEMBRANE = {"C_m": [100, 300], "tau_m": [5, 20], "I_e": [-1, 1], "V_min": [-200, -100], "E_L": [-80, -75], "V_m": [-74, -72]}
SPIKING = {
    **MEMBRANE,
    "V_th": [-50, -40],
    "t_ref": [2, 3],
    "c_reg": [0, 1],
    "f_target": [5, 20],
    "surrogate_gradient_height": [0.1, 1],
    "surrogate_gradient_width": [0.1, 1],
}
ADAPTIVE = {"adapt_beta": [0, 1], "adapt_tau": [5, 20], "adaptation": [0, 1]}
TRACES = {"kappa": [0.8, 0.9], "kappa_reg": [0.8, 0.9]}
MODELS = {
    "eprop_iaf_bsshslm_2020": SPIKING,
    "eprop_iaf_adapt_bsshslm_2020": SPIKING | ADAPTIVE,
    "eprop_readout_bsshslm_2020": MEMBRANE,
    "eprop_iaf": SPIKING | TRACES,
    "eprop_iaf_adapt": SPIKING | ADAPTIVE | TRACES,
    "eprop_iaf_psc_delta": SPIKING | TRACES | {"V_reset": [-70, -60]},
    "eprop_iaf_psc_delta_adapt": SPIKING | ADAPTIVE | TRACES | {"V_reset": [-70, -60]},
    "eprop_readout": MEMBRANE,
}


def node_cases():
    for model, ranges in MODELS.items():
        distributions = [["uniform", {"min": float(low), "max": float(high)}] for low, high in ranges.values()]
        values = {name: [place] for place, name in enumerate(ranges)}
        yield {
            "seed": 7,
            "resolution": 0.1,
            "distributions": distributions,
            "calls": [["Create", model, 2, values], ["set", [1, 3], {"I_e": values["I_e"], "C_m": values["C_m"]}]],
            # NEST gives f_target back in another unit than it takes it.
            "wanted": [[node, name] for node in (1, 2) for name in ranges if name != "f_target"],
        }


cases = [replay(case) for case in itertools.chain(connection_cases(), sequence_cases(), node_cases())]
text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]"
(pathlib.Path(__file__).parent / "random_numbers.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
