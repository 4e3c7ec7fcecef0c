"""Records what PyNEST has: calls, models, kernel values.

    python test/nest/record_names.py > test/nest/names.json

Needs NEST 3.10. `scripts/nest-table.mjs` makes the table at the head of docs/from-nest.md of it.
"""

import contextlib
import inspect
import json
import sys

with contextlib.redirect_stdout(sys.stderr):
    import nest

def is_call(name):
    # Some kernel values cannot be read.
    with contextlib.suppress(Exception):
        value = getattr(nest, name)
        return inspect.isfunction(value) or inspect.isclass(value)
    return False


calls = [name for name in dir(nest) if not name.startswith("_") and is_call(name)]
print(
    json.dumps(
        {
            "version": nest.__version__,
            "calls": sorted(calls),
            "node_models": sorted(nest.node_models),
            "synapse_models": sorted(nest.synapse_models),
            "kernel_values": sorted(nest.GetKernelStatus()),
        },
        indent=1,
    )
)
