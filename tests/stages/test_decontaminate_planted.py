"""Leaks of every kind, planted into real documents, are found; clean documents are not flagged."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from bench.environment import read_lines
from bench.recall import is_kept_back, read_clean, read_questions, read_worked
from mathcode_pile.core.params import load
from stages.decontaminate.leak_report import measure_precision, measure_recall
from stages.decontaminate.leaks import LeakFinder
from stages.decontaminate.plants import KINDS, plant_leaks
from stages.decontaminate.rules import DecontaminateParams

# The least recall of each kind. A question of fewer than 13 words is only expected to be found as it is written.
LEAST = dict.fromkeys(KINDS, 0.99) | {
    "case_punctuation": 0.98,
    "latex_variant": 0.98,
    "plain_text": 0.95,
    "html_tags": 0.98,
    "json_escaped": 0.98,
    "numbers_as_words": 0.95,
    "picture_inside": 0.95,
    "cut_20": 0.88,
    "first_70": 0.8,
    "second_half": 0.8,
    "synonyms": 0.6,
    "number_changed": 0.85,
    "short": 0.98,
    "solution": 0.97,
    "plain_solution": 0.9,
}


@pytest.fixture
def params(project: Path) -> DecontaminateParams:
    return load("decontaminate", DecontaminateParams).model_copy(update={"planted_documents": 300})


@pytest.mark.slow
def test_planted_leaks_of_questions_kept_back_are_found(real_data: Path, params: DecontaminateParams) -> None:
    questions = list(read_questions(real_data / "benchmarks") + read_worked(real_data / "documents"))
    carriers = [row["text"] for row in read_lines(real_data / "documents" / "textbook_sections.jsonl")]
    finder = LeakFinder(questions, params)
    kept_back = [question for question in questions if is_kept_back(question)]
    numbers = {id(question): number for number, question in enumerate(questions)}
    plants = plant_leaks(kept_back, carriers, params.min_words, params.planted_documents, 5)
    leaks = finder.find(pa.array([plant.text for plant in plants], pa.large_string()))
    rules = {(leak.row, leak.question): leak.rule for leak in leaks}
    planted, found, variants = Counter(plant.kind for plant in plants), Counter(), Counter()
    for row, plant in enumerate(plants):
        rule = rules.get((row, numbers[id(kept_back[plant.question])]))
        found[plant.kind] += rule is not None
        variants[plant.kind] += rule == "variant"
    recall = {kind: found[kind] / planted[kind] for kind in KINDS}
    for kind in KINDS:
        print(f"{kind:18} {planted[kind]:4} {recall[kind]:.3f} variants {variants[kind] / planted[kind]:.3f}")
    assert all(recall[kind] >= LEAST[kind] for kind in KINDS)
    assert variants["number_changed"] >= 0.85 * planted["number_changed"]


def test_clean_documents_are_not_flagged(real_data: Path, params: DecontaminateParams) -> None:
    """At most 3 of 10,000 are flagged wrongly. The others contain a question word for word."""
    finder = LeakFinder(read_questions(real_data / "benchmarks"), params)
    folder = real_data / "documents"
    texts = read_clean(folder)
    leaks = finder.find(pa.array(texts, pa.large_string()))
    exact = {leak.row for leak in leaks if leak.rule in ("identical", "whole") and leak.coverage >= 0.99}
    other = {leak.row: leak for leak in leaks if leak.row not in exact}
    for leak in other.values():
        print(finder.describe(leak, texts[leak.row]))
    assert len(texts) > 10_000
    assert len(other) <= 3
    assert measure_precision(finder, texts, params)["unexplained"] == 0


def test_planted_leaks_are_found_by_the_measure_of_every_run(real_data: Path, params: DecontaminateParams) -> None:
    questions = read_questions(real_data / "benchmarks")[::8]
    carriers = [row["text"] for row in read_lines(real_data / "documents" / "textbook_sections.jsonl")[:100]]
    few = params.model_copy(update={"planted_documents": 60})
    found = measure_recall(LeakFinder(questions, few), carriers, few)
    assert min(entry["recall"] for kind, entry in found.items() if LEAST[kind] >= 0.95) >= 0.9
