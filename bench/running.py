"""Which benchmarks there are, and how one is run; apart from __main__, which a spawned process cannot import."""

import importlib

from bench.environment import ROOT
from bench.table import Row, pin_to_one_core

ON_ALL_CORES = {"execute", "llm"}


def list_benchmarks() -> list[str]:
    """Return the modules of this folder that have a `compare`, which takes megabytes of text and returns rows."""
    modules = sorted((ROOT / "bench").glob("[a-z]*.py"))
    return [path.stem for path in modules if "\ndef compare(" in path.read_text(encoding="utf-8")]


def run_benchmark(name: str, megabytes: int) -> list[Row]:
    """Return the rows of one benchmark, run in this process."""
    if name not in ON_ALL_CORES:
        pin_to_one_core()
    rows: list[Row] = importlib.import_module(f"bench.{name}").compare(megabytes)
    return rows
