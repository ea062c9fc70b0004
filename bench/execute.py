"""Compare the sandbox with upstream's arrangement, in one run: python -m bench.execute, from the repository root.

Upstream's arrangement, written anew: pebble's ProcessPool, one scheduled task with a timeout for each
snippet, raw exec in shared workers, nothing isolated. pebble is not among the project's requirements:
`pip install --target FOLDER pebble` and set PYTHONPATH=src:FOLDER; without it only the sandbox is measured.

The snippets are those of bench/snippets/templates.txt with numbers filled in: written as language models
write them, 28 kinds without heavy imports, 4 with numpy, 8 with sympy, 3 with scipy.
"""

import contextlib
import io
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from mathcode_pile.sandbox import Limits, Sandbox

TEMPLATES = Path(__file__).parent / "snippets" / "templates.txt"


def make_snippets(count: int, kinds: set[str] | None = None) -> list[str]:
    """Return `count` different snippets, the templates in turn, in a shuffled order that is always the same."""
    blocks = re.findall(r"^#: (\w+)\n(.*?)(?=^#: |\Z)", TEMPLATES.read_text(encoding="utf-8"), re.M | re.S)
    templates = [code for kind, code in blocks if kinds is None or kind in kinds]
    rng = random.Random(0)
    snippets = [
        templates[i % len(templates)].replace("@a@", str(rng.randint(5, 60))).replace("@b@", str(rng.randint(4, 40)))
        for i in range(count)
    ]
    rng.shuffle(snippets)
    return snippets


def run_bare(code: str) -> str:
    """One snippet in a shared worker, as upstream does it."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code, {"__name__": "__main__"})  # noqa: S102 - the baseline is unisolated
    return output.getvalue()


def run_pebble(snippets: list[str], workers: int, timeout_s: float) -> list[str | None]:
    """Upstream's arrangement; None where a snippet failed or ran out of time."""
    from pebble import ProcessPool

    outputs: list[str | None] = []
    with ProcessPool(max_workers=workers) as pool:
        futures = [pool.schedule(run_bare, args=[code], timeout=timeout_s) for code in snippets]
        for future in futures:
            try:
                outputs.append(future.result())
            except Exception:  # whatever a snippet raises
                outputs.append(None)
    return outputs


def measure(run: Callable[[], list[Any]], count: int) -> tuple[float, list[Any]]:
    """Return snippets a second, and the results."""
    started = time.perf_counter()
    results = run()
    return count / (time.perf_counter() - started), results


def proportional_kb(process: int) -> int:
    """Return the memory of a process and all below it, shared pages counted once (PSS)."""
    total, waiting = 0, [process]
    while waiting:
        one = waiting.pop()
        with contextlib.suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{one}/smaps_rollup").read_text(), re.M)
            total += int(found[1]) if found else 0
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += [int(word) for word in (task / "children").read_text().split()]
    return total


def main(snippets: int = 2150, workers: int = 2, rounds: int = 2, steady: int = 0) -> None:
    """Print the speeds and their ratios; steady: instead run this many light snippets and look for a slowdown."""
    limits = Limits(timeout_s=10)
    if steady:
        print(json.dumps(run_steadily(limits, steady, workers), indent=1))
        return
    report: dict[str, Any] = {}
    for name, kinds in (("mixed", None), ("light", {"light"})):
        codes = make_snippets(snippets, kinds)
        speeds: dict[str, list[float]] = {"sandbox": [], "pebble": []}
        outcomes: Counter[str] = Counter()
        for _ in range(rounds):
            with contextlib.suppress(ImportError):
                import pebble  # noqa: F401 - asked for, not required

                speed, plain = measure(lambda codes=codes: run_pebble(codes, workers, 10), len(codes))
                speeds["pebble"].append(speed)
            with Sandbox(limits, lanes=workers) as sandbox:
                speed, results = measure(lambda s=sandbox, codes=codes: s.run_all(codes), len(codes))
                speeds["sandbox"].append(speed)
                outcomes = Counter(result.outcome for result in results)
                held = sum(proportional_kb(parent.process.pid) for parent in sandbox._parents.values()) // 1024
                report["memory_mb"] = max(held, report.get("memory_mb", 0))
        best = {key: max(values) for key, values in speeds.items() if values}
        report[name] = {f"{key}_per_s": round(value) for key, value in best.items()} | {"outcomes": dict(outcomes)}
        if "pebble" in best:
            report[name]["ratio"] = round(best["sandbox"] / best["pebble"], 2)
            report[name]["same_output"] = sum(a == r.stdout for a, r in zip(plain, results, strict=True))
    print(json.dumps(report, indent=1))


def run_steadily(limits: Limits, count: int, workers: int) -> dict[str, Any]:
    """Run many snippets in tenths; return the speed and memory after each."""
    speeds, memory = [], []
    codes = make_snippets(count // 10, {"light"})
    with Sandbox(limits, lanes=workers) as sandbox:
        for _ in range(10):
            speeds.append(round(measure(lambda: sandbox.run_all(codes), len(codes))[0]))
            memory.append(round(sum(proportional_kb(p.process.pid) for p in sandbox._parents.values()) / 1024))
    return {"snippets": count, "per_s": speeds, "memory_mb": memory}


if __name__ == "__main__":
    typer.run(main)
