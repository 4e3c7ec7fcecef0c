"""Probabilities and degrees that are drawn, and receptors of each connection."""

import json
from functools import partial

import nest
import numpy as np
from _connected import connected

UNIFORM = {"weight": nest.random.uniform(0.0, 1.0)}
RULES = [
    ({"rule": "fixed_indegree", "indegree": nest.random.uniform(-1.0, 3.0)}, 4, 5, UNIFORM),
    ({"rule": "fixed_indegree", "indegree": 1 + nest.random.uniform_int(2), "allow_multapses": False}, 4, 5, UNIFORM),
    ({"rule": "fixed_indegree", "indegree": nest.random.uniform_int(4), "allow_autapses": False}, 4, 0, UNIFORM),
    ({"rule": "fixed_outdegree", "outdegree": nest.random.uniform(-1.0, 3.0)}, 4, 5, UNIFORM),
    ({"rule": "fixed_outdegree", "outdegree": nest.random.uniform_int(3), "allow_multapses": False}, 4, 5, UNIFORM),
    ({"rule": "pairwise_bernoulli", "p": nest.random.uniform(0.0, 1.5)}, 4, 5, UNIFORM),
    ({"rule": "pairwise_bernoulli", "p": nest.random.uniform(), "allow_autapses": False}, 5, 0, UNIFORM),
    ({"rule": "pairwise_poisson", "pairwise_avg_num_conns": nest.random.uniform(0.0, 2.0)}, 4, 5, UNIFORM),
    ("one_to_one", 3, 3, {"receptor_type": [0, 1, 0]}),
    ("one_to_one", 3, 3, {"receptor_type": np.array([1, 0, 1]), "weight": [1.0, 2.0, 3.0]}),
    ("all_to_all", 2, 3, {"receptor_type": [[0, 1], [1, 0], [1, 1]]}),
    ({"rule": "fixed_indegree", "indegree": 2}, 3, 3, {"receptor_type": [[0, 1], [1, 1], [0, 0]]}),
    ({"rule": "fixed_outdegree", "outdegree": 2}, 3, 3, {"receptor_type": [[0, 1], [1, 1], [0, 0]]}),
    ({"rule": "fixed_total_number", "N": 4}, 3, 3, {"receptor_type": [0, 1, 1, 0], "weight": [1.0, 2.0, 3.0, 4.0]}),
    ("one_to_one", 5, 5, {"receptor_type": nest.random.uniform_int(2)}),
    (
        "all_to_all",
        3,
        3,
        {"receptor_type": nest.random.uniform_int(2), "delay": nest.random.uniform(1.0, 5.0), **UNIFORM},
    ),
]
REFUSED = [
    ({"rule": "fixed_total_number", "N": nest.random.uniform_int(5)}, {}),
    ({"rule": "fixed_indegree", "indegree": nest.random.uniform_int(3)}, {"weight": [[1.0]] * 3}),
    ("one_to_one", {"receptor_type": [0, 1]}),
    ("one_to_one", {"receptor_type": [0, 1, 2]}),
    ({"rule": "fixed_indegree", "indegree": [1, 2, 3]}, {}),
]


connect = partial(connected, "parrot_neuron", 29, ["source", "target", "weight", "delay", "receptor"])
print(
    json.dumps(
        {
            "made": [connect(*each) for each in RULES],
            "refused": [connect(rule, 3, 3, synapse) for rule, synapse in REFUSED],
        },
        default=lambda number: number.item(),
    )
)
