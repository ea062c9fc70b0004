"""The published MathCode-Pile is read in its own form, and each program's verdict is counted."""

import json
from collections import Counter
from pathlib import Path

from conftest import run_module
from hub import Hub

from tools.compare_with import REPOSITORY, read_computations, tabulate


def write_computation(result: str, code: str, title: str = "") -> str:
    head = f"{title}\n\n" if title else ""
    conditions = f"{head}The numbers are given.\n\nThere are two of them."
    return f"{conditions}\n\n$a + b$\n\nresult: {result}\n\n```python\n{code}\n```"


SUM = "a, b = 2, 3\n\nprint(a + b)"
TEXTS = [
    write_computation("5", SUM, "Sum of Two") + "\n\n" + write_computation("6", SUM),
    write_computation("about five", SUM),
    write_computation("5", "print(1 / 0)"),
    write_computation("5", "import requests"),
    write_computation(r"$\frac{1}{2}$", "print(0.5)"),
    "A text without a program.",
]


def test_the_computations_of_a_text_are_snippets() -> None:
    first, second = read_computations("d", TEXTS[0])
    assert (first["code"], first["result"], first["expression"]) == (SUM, "5", "$a + b$")
    assert first["conditions"] == "Sum of Two\n\nThe numbers are given.\n\nThere are two of them."
    assert (second["position"], second["result"]) == (1, "6") and "Sum" not in second["conditions"]
    assert read_computations("d", TEXTS[-1]) == []


def test_the_published_programs_are_run_and_judged_by_kind(hub: Hub, project: Path) -> None:
    lines = [json.dumps({"idx": n, "model": "m", "text": text}) + "\n" for n, text in enumerate(TEXTS)]
    files = {f"mathematical_code/text_{n}.jsonl": "".join(lines[n::2]).encode() for n in range(2)}
    commit = hub.add(REPOSITORY, files | {"python_filtered/a.jsonl": b"{}"})
    done = run_module("tools", "compare-with", "--rows", "50", folder=project)
    assert done.returncode == 0, done.stderr
    head, titles, *table = done.stdout.splitlines()
    assert head == f"{REPOSITORY} at {commit}: 6 programs in 5 texts; 1 texts have none"
    found = {line[:18].strip(): line[18:].split() for line in table}
    assert titles.split() == ["kind", "programs", "verified", "contradicted", "uncheckable"]
    shares = {kind: [value for value in values if value.isdigit()] for kind, values in found.items()}
    # 5, "about five" and a half agree, 6 does not, and two programs do not run.
    assert shares["all"] == ["6", "3", "1", "2"]
    assert shares["exception"] == shares["missing_module"] == ["1", "0", "0", "1"]
    assert shares["the paper's rule"][0] == "6"
    assert not hub.requests("python_filtered")
    assert (project / "data/compare_with/verify").is_dir()


def test_a_hub_without_the_data_set_is_one_line(hub: Hub, project: Path) -> None:
    done = run_module("tools", "compare-with", folder=project)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and REPOSITORY in done.stderr


def test_the_table_is_ordered_by_size() -> None:
    ours = Counter({("set", "verified"): 1, ("numeric", "verified"): 3, ("numeric", "contradicted"): 1})
    kinds = [line.split()[0] for line in tabulate(ours, Counter())]
    assert kinds == ["kind", "numeric", "set", "all", "the"]
