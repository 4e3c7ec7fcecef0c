"""Writes what the scripts print on NEST into recorded.json: `python test/peer/record.py`, with NEST 3.10 installed."""

import json
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).parent
recorded = {}
for script in sorted((here / "scripts").glob("[!_]*.py")):
    printed = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    recorded[script.stem] = json.loads(printed.strip().splitlines()[-1])
(here / "recorded.json").write_text(json.dumps(recorded) + "\n")
