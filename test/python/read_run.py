"""Reads a run folder in every format and compares them; prints what NumPy found, with digests of the bytes.

python read_run.py FOLDER
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
import pandas as pd

folder = pathlib.Path(sys.argv[1])


def described(array):
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "sha256": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest(),
    }


def same(table, columns, name):
    assert list(table.columns) == list(columns), (name, list(table.columns))
    for column, values in columns.items():
        np.testing.assert_array_equal(table[column].to_numpy(), values, err_msg=f"{name} {column}")


def json_lines(path):
    """With pandas, and digit by digit with Python's own reader."""
    exact = pd.DataFrame([json.loads(line) for line in path.read_text().splitlines()])
    table = pd.read_json(path, lines=True, precise_float=True)
    pd.testing.assert_frame_equal(table, exact, check_exact=False, rtol=1e-14, check_dtype=False)
    return exact


events = np.load(folder / "events.npz")
recorders = {}
for name in events.files:
    recorder, column = name.split(".", 1)
    recorders.setdefault(recorder, {})[column] = events[name]

for number, (recorder, columns) in enumerate(recorders.items(), 1):
    table = pd.read_parquet(folder / "events" / f"{recorder}.parquet")
    same(table, columns, "parquet")
    assert table["times"].dtype == np.float64 and table["senders"].dtype == np.int64
    same(json_lines(folder / "events" / f"{recorder}.jsonl"), columns, "jsonl")
    (path,) = (folder / "ascii").glob(f"{recorder}-*.dat")
    assert path.name == f"{recorder}-{number}-0.dat", path.name
    text = pd.read_csv(path, sep="\t", comment="#")
    renamed = text.rename(columns={"sender": "senders", "time_ms": "times"})
    assert set(renamed.columns) == set(columns), list(text.columns)
    for column, values in columns.items():
        np.testing.assert_allclose(renamed[column], values, rtol=0, atol=1e-12)

weights = np.load(folder / "weights.npz")
table = pd.read_parquet(folder / "weights.parquet")
pd.testing.assert_frame_equal(table, json_lines(folder / "weights.jsonl"), check_dtype=False, check_exact=True)
for projection, rows in table.groupby("projection"):
    for when in ["before", "after"]:
        matrix = np.zeros_like(weights[f"{projection}_{when}"])
        matrix[rows["target"], rows["source"]] = rows[when]
        np.testing.assert_array_equal(matrix, weights[f"{projection}_{when}"])

metrics = pd.read_json(folder / "metrics.jsonl", lines=True)
losses = pd.read_csv(folder / "losses.csv")
assert list(metrics["iteration"]) == list(losses["iteration"])

print(
    json.dumps(
        {
            "events": {name: described(events[name]) for name in events.files},
            "weights": {name: described(weights[name]) for name in weights.files},
            "metrics": json.loads(metrics.to_json(orient="records")),
        }
    )
)
