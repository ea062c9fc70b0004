"""Run the programs of the published MathCode-Pile, and compare what each prints with the result that its text states.

Its authors kept a program if it ran, unless its text states another number than it printed, of less than 20 characters
(data_processing/mathematical_code in github.com/mathllm/MathCoder2). Here programs go through our execute and verify.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mathcode_pile.core.documents import SNIPPET
from mathcode_pile.core.params import load
from mathcode_pile.core.shards import ShardsWriter, count_rows, read_rows
from mathcode_pile.sources import HuggingFace, read_origin
from mathcode_pile.sources.source_rows import Row
from stages.execute.stage import ExecuteParams, execute_folder
from stages.verify.stage import VerifyParams, verify
from tools.pin import find_commit

REPOSITORY = "MathGenie/MathCode-Pile"
PATTERN = "mathematical_code/*.jsonl"
# As convert_to_text.py writes a computation. Its title and its conditions are paragraphs before the expression.
COMPUTATION = re.compile(
    r"(?P<before>.*?)\n\n(?P<expression>(?:(?!\n\n).)*?)\n\nresult: (?P<result>.*?)\n\n"
    r"```python\n(?P<code>.*?)\n```(?:\n\n|\s*\Z)",
    re.DOTALL,
)
SHARD_BYTES = 4 << 20
VERDICTS = ("verified", "contradicted", "uncheckable")


def read_computations(document: str, text: str) -> list[dict[str, Any]]:
    """Return the computations of a published text as snippets."""
    return [
        {
            "document_id": document,
            "position": position,
            "title": "",
            "conditions": found["before"].strip(),
            "expression": found["expression"].strip(),
            "result": found["result"].strip(),
            "relation": "=",
            "code": found["code"],
            "chain": position,
            "anchor": position,
            "translator": REPOSITORY,
            "repairs": "",
        }
        for position, found in enumerate(COMPUTATION.finditer(text))
    ]


def compare_with_published(rows: int, revision: str | None, out: Path) -> list[str]:
    """Judge the programs of so many published texts and return the lines of a report.

    revision: a commit of the data set; None means the present one. out: gets the snippets, their runs and verdicts.
    Raises PipelineError or InputError where the hub does not answer.
    """
    commit = revision or find_commit("dataset", REPOSITORY)
    shutil.rmtree(out, ignore_errors=True)
    texts = Counter(_write_snippets(rows, commit, out / "translate"))
    execute_folder(out / "translate", out / "execute", load("execute", ExecuteParams))
    # The paper's rule last: the folder then holds what ours says.
    strict = load("verify", VerifyParams)
    counts = {}
    for rule in ("paper", "digits"):
        shutil.rmtree(out / "verify", ignore_errors=True)
        verify(out / "execute", out / "verify", strict.model_copy(update={"rule": rule}))
        counts[rule] = Counter((row["method"], row["verdict"]) for row in _read_judged(out / "verify"))
    programs = count_rows(out / "execute")
    head = f"{REPOSITORY} at {commit}: {programs:,} programs in {texts[True]:,} texts"
    return [f"{head}; {texts[False]:,} texts have none", *tabulate(counts["digits"], counts["paper"])]


def _write_snippets(rows: int, commit: str, out: Path) -> Iterator[bool]:
    """Write the snippets of texts to shards; yield for each text whether it has any."""
    origin = HuggingFace.model_validate(
        {"kind": "huggingface", "repository": REPOSITORY, "revision": commit, "patterns": [PATTERN]}
        | {"format": "jsonl", "license": "Apache-2.0", "limits": {"rows": rows}}
    )
    with ShardsWriter(out, SNIPPET, SHARD_BYTES) as writer:
        for row in read_origin(origin, lambda _: None):
            snippets = read_computations(f"published/{row.key}", str(row.content)) if isinstance(row, Row) else []
            writer.write_rows(snippets)
            yield bool(snippets)


def _read_judged(folder: Path) -> Iterator[dict[str, Any]]:
    for part in (folder, folder / "rejected"):
        if part.is_dir():
            yield from read_rows(part, ["method", "verdict"])


def tabulate(ours: Counter[tuple[str, str]], paper: Counter[tuple[str, str]]) -> list[str]:
    """Return a line for each kind of result, or of end where a program did not run to it, and one for all of them."""
    kinds: dict[str, Counter[str]] = {}
    for (method, verdict), count in ours.items():
        for kind in (method, "all"):
            kinds.setdefault(kind, Counter())[verdict] += count
    ordered = sorted(kinds.items(), key=lambda item: (item[0] == "all", -item[1].total(), item[0]))
    head = f"{'kind':<18}{'programs':>10}" + "".join(f"{verdict:>22}" for verdict in VERDICTS)
    by_paper = Counter({verdict: sum(n for (_, v), n in paper.items() if v == verdict) for verdict in VERDICTS})
    return [head, *(_write_line(kind, counts) for kind, counts in [*ordered, ("the paper's rule", by_paper)])]


def _write_line(kind: str, counts: Counter[str]) -> str:
    total = counts.total()
    shares = (f"{counts[verdict]:>13,} ({counts[verdict] / max(1, total):6.1%})" for verdict in VERDICTS)
    return f"{kind:<18}{total:>10,}" + "".join(shares)
