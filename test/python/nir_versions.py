"""Which versions of the Python package nir read what eprop writes, and are read by it: rows of a table in Markdown.

    python test/python/nir_versions.py GRAPH FOLDER VERSION...

GRAPH is a file that `writeNIR` wrote. Each version is installed in a folder of its own below FOLDER, where what it
writes is left (`by-VERSION.nir`): `readNIR` must take it. Needs numpy and h5py. Its result stands in
docs/networks.md.
"""

import pathlib
import subprocess
import sys

TRY = """
import sys
import numpy as np
import nir

graph, written = sys.argv[1:]
try:
    nir.read(graph)
    print("yes")
except Exception as error:
    print(f"no: {error}")
f = lambda n, value: np.full(n, value)
values = dict(tau=f(4, 0.02), r=f(4, 1.0), v_leak=f(4, 0.0), v_threshold=f(4, 0.1))
try:
    neurons = nir.LIF(**values, v_reset=f(4, 0.0))
except TypeError:
    neurons = nir.LIF(**values)
nodes = {"in": nir.Input(np.array([3])), "w": nir.Linear(np.ones((4, 3))), "n": neurons, "out": nir.Output(np.array([4]))}
nir.write(written, nir.NIRGraph(nodes, [("in", "w"), ("w", "n"), ("n", "out")]))
"""

graph, folder, *versions = sys.argv[1:]
print("| nir | reads what eprop writes |\n| --- | --- |")
for version in versions:
    target = pathlib.Path(folder) / f"nir-{version}"
    if not target.exists():
        install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, f"nir=={version}"]
        subprocess.run(install, check=True)
    written = pathlib.Path(folder) / f"by-{version}.nir"
    done = subprocess.run(
        [sys.executable, "-c", TRY, graph, written],
        env={"PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    )
    print(f"| {version} | {done.stdout.strip()} |")
