"""Benchmarks, each beside what it is compared to; `make bench` runs them all."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
