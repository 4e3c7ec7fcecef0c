"""Writes what the scripts print on NEST into recorded.json: `python test/peer/record.py`, with NEST 3.10 installed.

Names of scripts leave what others print as it is: `python test/peer/record.py inspection`.
"""

import json
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).parent
names = sys.argv[1:]
recorded = json.loads((here / "recorded.json").read_text()) if names else {}
for script in sorted((here / "scripts").glob("[!_]*.py")):
    if names and script.stem not in names:
        continue
    printed = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    recorded[script.stem] = json.loads(printed.strip().splitlines()[-1])
(here / "recorded.json").write_text(json.dumps(dict(sorted(recorded.items()))) + "\n")
