"""Benchmarks: each measures one part of the pipeline and the tool it is compared with. `make bench` runs them all."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
