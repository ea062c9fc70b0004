"""List the benchmarks and run one. Not in __main__, because a spawned process cannot import that."""

import importlib

from bench.environment import ROOT
from bench.table import Row, pin_to_one_core

ON_ALL_CORES = {"execute", "llm"}


def list_benchmarks() -> list[str]:
    """Return the names of the modules in this folder that define `compare`."""
    modules = sorted((ROOT / "bench").glob("[a-z]*.py"))
    return [path.stem for path in modules if "\ndef compare(" in path.read_text(encoding="utf-8")]


def run_benchmark(name: str, megabytes: int) -> list[Row]:
    """Run one benchmark in this process on `megabytes` of text; return its rows."""
    if name not in ON_ALL_CORES:
        pin_to_one_core()
    rows: list[Row] = importlib.import_module(f"bench.{name}").compare(megabytes)
    return rows
