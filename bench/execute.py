"""Compare the sandbox with upstream's worker pool, and with a fresh interpreter for each snippet, in one run.

    python -m bench.execute                       print the table
    python -m bench.execute --steady 50000        run many light snippets: does it slow down, does memory grow?

Upstream's worker pool is reimplemented here: pebble's ProcessPool, one scheduled task with a timeout for each snippet,
raw exec in shared workers, no isolation. `make bench` installs pebble. Two more rows show upper bounds: the snippets
one after another with nothing around them, and empty processes.

The snippets come from bench/snippets/templates.txt with numbers filled in. They look like those that language models
write: 28 kinds without heavy imports, 4 with numpy, 8 with sympy, 3 with scipy.
"""

import contextlib
import io
import json
import multiprocessing
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import typer

from bench.environment import borrow_packages
from bench.table import Row, describe_machine, to_markdown
from mathcode_pile.sandbox import Limits, Sandbox

LIMITS = Limits(timeout_s=10)
ROUNDS = 3
TEMPLATES = Path(__file__).parent / "snippets" / "templates.txt"


def make_snippets(count: int, kinds: set[str] | None = None) -> list[str]:
    """Return `count` different snippets, made from the templates in turn and shuffled with a fixed seed."""
    blocks = re.findall(r"^#: (\w+)\n(.*?)(?=^#: |\Z)", TEMPLATES.read_text(encoding="utf-8"), re.M | re.S)
    templates = [code for kind, code in blocks if kinds is None or kind in kinds]
    rng = random.Random(0)
    snippets = [
        # The comment makes them different: the sandbox runs equal texts only once.
        templates[i % len(templates)].replace("@a@", str(rng.randint(5, 60))).replace("@b@", str(rng.randint(4, 40)))
        + f"# {i}\n"
        for i in range(count)
    ]
    rng.shuffle(snippets)
    return snippets


def run_bare(code: str) -> str:
    """Run one snippet in a shared worker, as upstream does."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code, {"__name__": "__main__"})  # noqa: S102 - the baseline is unisolated
    return output.getvalue()


def run_pebble(snippets: list[str], workers: int, timeout_s: float) -> list[str | None]:
    """Run the snippets in upstream's worker pool; None where a snippet failed or ran out of time."""
    from pebble import ProcessPool

    outputs: list[str | None] = []
    with ProcessPool(max_workers=workers, context=multiprocessing.get_context("fork")) as pool:
        futures = [pool.schedule(run_bare, args=[code], timeout=timeout_s) for code in snippets]
        for future in futures:
            try:
                outputs.append(future.result())
            except Exception:  # whatever a snippet raises
                outputs.append(None)
    return outputs


def run_fresh(snippets: list[str], workers: int) -> list[str]:
    """Start an interpreter for each snippet: nothing is shared, nothing is forbidden."""

    def run_one(code: str) -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run_one, snippets))


def run_plainly(snippets: list[str], workers: int) -> list[str]:
    """Run the snippets one after another, with nothing around them: an upper bound on speed."""
    shares = [snippets[first::workers] for first in range(workers)]
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        return [output for outputs in pool.map(run_share, shares, chunksize=1) for output in outputs]


def run_share(snippets: list[str]) -> list[str]:
    """Run one process's share."""
    return [run_bare(code) for code in snippets]


# The least that a process for each snippet costs: an idle interpreter forks, and the fork ends at once.
_FORK = """
import os, sys
for _ in range(int(sys.argv[1])):
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
"""


def run_nothing(count: int, workers: int) -> list[None]:
    """Fork `count` processes that run nothing, from `workers` interpreters at a time."""
    each = [subprocess.Popen([sys.executable, "-c", _FORK, str(count // workers)]) for _ in range(workers)]
    for process in each:
        process.wait()
    return [None] * (count // workers * workers)


def measure(run: Callable[[], list[Any]]) -> tuple[float, list[Any]]:
    """Return snippets a second, and the results."""
    started = time.perf_counter()
    results = run()
    return len(results) / (time.perf_counter() - started), results


def compare(megabytes: int) -> list[Row]:
    """Return the rows, the best of several rounds in turn; megabytes: 100 means 2,150 snippets of each set."""
    borrow_packages()
    workers = len(os.sched_getaffinity(0))
    rows = []
    for name, kinds in (("all kinds", None), ("light", {"light"})):
        codes = make_snippets(max(43, 43 * megabytes // 2), kinds)
        ours = pool = 0.0
        for _ in range(ROUNDS):
            speed, plain = measure(lambda codes=codes: run_pebble(codes, workers, LIMITS.timeout_s))
            pool = max(pool, speed)
            with Sandbox(LIMITS, lanes=workers) as sandbox:
                speed, results = measure(lambda codes=codes, sandbox=sandbox: sandbox.run_all(codes))
                held = memory_mb(sandbox)
            ours = max(ours, speed)
        fresh, _ = measure(lambda codes=codes: run_fresh(codes[: len(codes) // 10], workers))
        bare = max(measure(lambda codes=codes: run_plainly(codes, workers))[0] for _ in range(ROUNDS))
        same = sum(a == b.stdout for a, b in zip(plain, results, strict=True))
        note = f"{same} of {len(codes)} outputs are equal; the sandbox's processes use {held} MB"
        rows += [
            Row(f"execute: {name}", ours, pool, "snippets/s", "an unisolated pool of shared workers (pebble)", note),
            Row(f"execute: {name}", ours, fresh, "snippets/s", "a fresh interpreter each", "a tenth of the snippets"),
            Row(f"execute: {name}", ours, bare, "snippets/s", "the snippets alone", f"{bare / pool:.2g} x the pool"),
        ]
    empty = max(measure(lambda: run_nothing(len(codes), workers))[0] for _ in range(ROUNDS))
    note = f"forks of an idle interpreter; {empty / pool:.2g} x the pool"
    rows.append(Row("execute: light", ours, empty, "snippets/s", "an empty process each", note))
    return rows


def memory_mb(sandbox: Sandbox) -> int:
    """Return the memory of a sandbox's processes in MB; shared pages are counted once (PSS)."""
    total, waiting = 0, [parent.process.pid for parent in sandbox._parents.values()]
    while waiting:
        one = waiting.pop()
        with contextlib.suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{one}/smaps_rollup").read_text(), re.M)
            total += int(found[1]) if found else 0
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += [int(word) for word in (task / "children").read_text().split()]
    return total >> 10


def run_steadily(count: int, workers: int) -> dict[str, Any]:
    """Run many light snippets in tenths; return the speed and memory after each."""
    speeds, memory = [], []
    codes = make_snippets(count // 10, {"light"})
    with Sandbox(LIMITS, lanes=workers) as sandbox:
        for _ in range(10):
            speeds.append(round(measure(lambda: sandbox.run_all(codes))[0]))
            memory.append(memory_mb(sandbox))
    return {"snippets": count, "per_s": speeds, "memory_mb": memory}


def main(megabytes: int = 100, steady: int = 0) -> None:
    """Print the table; with --steady, run this many light snippets instead."""
    if steady:
        print(json.dumps(run_steadily(steady, len(os.sched_getaffinity(0)))))
    else:
        print(f"{describe_machine()}\n\n{to_markdown(compare(megabytes))}")


if __name__ == "__main__":
    typer.run(main)
