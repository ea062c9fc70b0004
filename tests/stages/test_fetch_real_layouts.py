"""Each entry of the paper's profile, fetched once from a hub that holds tiny files laid out as the real ones are.

Names, formats and columns are those of the published repositories; two or three rows each.
"""

import json
import shutil
from pathlib import Path

import pytest
from conftest import run_module
from hub import Hub
from played_hub import TOKEN
from published import DATASETS, HEADED, PAGE, SCRIPT, STRUCTURED

from mathcode_pile.core.params import load, read_section
from mathcode_pile.core.shards import read_rows
from stages.corpus.stage import CorpusParams, assemble
from stages.fetch.stage import OriginsParams, fetch_source
from stages.fetch_benchmarks.stage import FetchBenchmarksParams, fetch_benchmarks
from stages.filter_code.stage import filter_code

MODELS = (
    "facebook/nougat-base",
    "meta-llama/Llama-3.1-70B-Instruct",
    "meta-llama/Meta-Llama-3-8B",
    "mistralai/Mixtral-8x7B-Instruct-v0.1",
)

TEXTS = {
    "openwebmath": [PAGE["text"]] * 3,
    "cc_en": ["A page of the web.", "Another page."],
    "matrix_books": ["A book on groups.", "A book on heat."],
    "maths_college": [f"The rank is {n}." for n in range(6)],
    "education_college_students": [f"Lesson {n}" for n in range(4)],
    "code_python": [HEADED, "print(1)"],
    "code_notebooks": [SCRIPT, STRUCTURED],
}


@pytest.fixture
def paper(hub: Hub, project: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub with every repository of the profile, whose present commits `make pin` has written into it."""
    for repository, files in DATASETS.items():
        hub.add(repository, files, gated=repository == "bigcode/starcoderdata")
    for model in MODELS:
        hub.add(model, {"config.json": b"{}"}, kind="models")
    assert run_module("tools", "pin", "paper").returncode == 0
    assert "revision: null" not in (project / "profiles" / "paper.yaml").read_text()
    params = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(params.replace("profile: sample", "profile: paper"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return hub


def test_every_source_of_the_paper_is_fetched(paper: Hub, tmp_path: Path) -> None:
    for source, texts in TEXTS.items():
        report = fetch_source(source, load("fetch", OriginsParams, source), tmp_path / source)
        rows = list(read_rows(tmp_path / source))
        assert [row["text"] for row in rows] == texts, source
        assert report.kept == report.read == len(texts) and len({row["id"] for row in rows}) == len(texts)
        assert all(row["license"] for row in rows)
    page = next(read_rows(tmp_path / "openwebmath"))
    assert page["url"] == PAGE["url"] and json.loads(page["metadata"])["date"] == PAGE["date"]
    report = filter_code(tmp_path / "code_notebooks", tmp_path / "kept", ["sympy", "scipy"], "notebook")
    assert report.kept == 2
    assert not any("<" in row["text"] for row in read_rows(tmp_path / "kept"))
    filter_code(tmp_path / "code_python", tmp_path / "python", ["sympy", "scipy"], "python")
    (python,) = read_rows(tmp_path / "python")
    assert python["text"] == "import sympy" and json.loads(python["metadata"])["gh_stars"] == "1-10"
    clean = tmp_path / "clean"
    shutil.copytree(tmp_path / "openwebmath", clean / "documents" / "filtered_openwebmath")
    (clean / "snippets").mkdir()
    assemble(
        clean,
        tmp_path / "corpus",
        ["filtered_openwebmath", "translated_code"],
        load("corpus", CorpusParams),
        read_section("fetch"),
    )
    card = (tmp_path / "corpus" / "README.md").read_text()
    assert "| filtered_openwebmath | ODC-By-1.0 | 3 |" in card
    assert "Paster et al. 2023, arXiv:2310.06786" in card and "bigcode/starcoderdata@" in card
    for name in ("cc_zh", "book_all", "java/", "imgs"):
        assert not paper.requests(name)


def test_every_benchmark_of_the_paper_is_fetched(paper: Hub, tmp_path: Path) -> None:
    report = fetch_benchmarks(load("fetch_benchmarks", FetchBenchmarksParams), tmp_path)
    questions = {
        folder.name: list(read_rows(folder)) for folder in tmp_path.iterdir() if (folder / "files.json").exists()
    }
    assert report.dropped.total() == 0
    assert {name: len(rows) for name, rows in questions.items()} == {
        "gsm8k": 1, "math": 2, "svamp": 2, "sat": 2, "ocw_courses": 1, "mmlu_math": 4, "olympiadbench": 1
    }  # fmt: skip
    assert all(row["question"].strip() for rows in questions.values() for row in rows)
    (gsm8k,), (olympiad,), (ocw,) = questions["gsm8k"], questions["olympiadbench"], questions["ocw_courses"]
    assert (gsm8k["answer"], gsm8k["solution"]) == ("4", "2+2=<<2+2=4>>4")
    assert (olympiad["answer"], olympiad["solution"]) == ("2, 3", "First.")
    assert olympiad["question"] == "Of OE_TO_maths_en_COMP?" and ocw["answer"] == "2"
    assert {row["question"] for row in questions["math"]} == {"algebra?", "geometry?"}
    assert all(row["solution"].endswith(r"\boxed{7}$.") for row in questions["math"])
    assert {row["answer"] for row in questions["sat"]} == {"A"}
    assert [len(row["options"]) for row in questions["sat"]] == [4, 4]
    assert questions["sat"][1]["options"][3] == "$435(100 b)$"
    assert {row["answer"] for row in questions["mmlu_math"]} == {"A", "B"}
    assert questions["svamp"][0]["question"] == "There are 2. How many?" and questions["svamp"][0]["id"] == "chal-test"


def test_both_profiles_of_real_sources_read_them_alike(project: Path) -> None:
    entries = {}
    for profile in ("paper", "workstation"):
        params = (project / "params.yaml").read_text().replace("profile: sample", f"profile: {profile}")
        (project / "params.yaml").write_text(params.replace("profile: paper", f"profile: {profile}"))
        sources = {name: load("fetch", OriginsParams, name).origins for name in TEXTS}
        benchmarks = load("fetch_benchmarks", FetchBenchmarksParams).benchmarks
        entries[profile] = sources | {name: entry.origins for name, entry in benchmarks.items()}
    plain = {
        profile: {name: [o.model_dump(exclude={"limits"}) for o in origins] for name, origins in found.items()}
        for profile, found in entries.items()
    }
    assert plain["paper"] == plain["workstation"]
