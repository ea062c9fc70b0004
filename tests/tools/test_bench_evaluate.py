"""`python -m bench.evaluate`: a served model's scores by both protocols, in one table of a page."""

from collections import Counter
from pathlib import Path

import pytest
from played_completions import PlayedServer, play_completions
from small_training import make_benchmarks

from bench.evaluate import NEXT_TOKENS, TASKS, main, served_coder
from mathcode_pile.core.shards import read_rows

MARK = "python -m bench.evaluate coder"


@pytest.mark.parametrize("right", [True, False])
def test_a_served_model_is_scored_by_both_protocols(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: bool
) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    page, benchmarks = tmp_path / "page.md", tmp_path / "benchmarks"
    page.write_text(f"before\n<!-- {MARK} writes from here -->\n<!-- {MARK}: to here -->\nafter\n")
    make_benchmarks(benchmarks)
    answers = {row["question"]: row["answer"] for task in TASKS for row in read_rows(benchmarks / task)}
    with play_completions(answers, right) as server:
        server.echoes, server.listing = False, "llama.cpp"  # as llama.cpp
        for _ in range(2):  # the second time from the scratch folder
            main("coder", limit=2, max_new_tokens=16, url=server.url, benchmarks=benchmarks, page=page)
    score = "1.00 (0.34 to 1.00)" if right else "0.00 (0.00 to 0.66)"
    rows = [f"| {task} | 2 | {score} | {score} |" for task in TASKS]
    rows += [f"| {task} | 2 | {score} |  |" for task in ("gsm8k_program", "math_program")]
    assert [line for line in page.read_text().splitlines() if " | 2 | " in line] == rows
    assert page.read_text().startswith("before\n") and page.read_text().endswith("after\n")
    assert count_requests(server) == {"letters": 6, "replies": 18}


def count_requests(server: PlayedServer) -> dict[str, int]:
    """Return how many requests asked for a letter's likelihood, and how many for a reply."""
    return dict(Counter("letters" if "logprobs" in body else "replies" for body in server.bodies))


def test_the_served_model_is_the_profiles() -> None:
    server = served_coder().server
    assert server is not None
    assert server.url == "http://127.0.0.1:8012/v1" and server.next_tokens == NEXT_TOKENS
