#!/usr/bin/env bash
# Puts what the tests read recordings with into .venv, which they look for.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r test/python/requirements.txt
