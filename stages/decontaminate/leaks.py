"""Judge which documents leak which questions, by the rules of params."""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field

from mathcode_pile.core.params import Section
from stages.decontaminate.canonical_kernel import canonical
from stages.decontaminate.index import Hits, LeakIndex
from stages.decontaminate.quoted_questions import Question, list_items

# How much of a document a report shows on each side of a leak.
EXCERPT_CHARACTERS = 60


class DecontaminateParams(Section):
    """What counts as a leak, and what happens to it."""

    ngram: int = Field(ge=2)
    """Words in an n-gram."""
    min_coverage: float = Field(gt=0, le=1)
    """A document leaks a question if it contains at least this share of the question's n-grams."""
    min_run: float = Field(gt=0, le=1)
    """A question of fewer than 2 * ngram words also leaks if this share of its words appears in one piece."""
    min_words: int = Field(ge=2)
    """A question with fewer than ngram words, but at least this many, is searched for as a whole."""
    max_jaccard: float = Field(gt=0, le=1)
    """The paper's rule: the Jaccard similarity of the n-grams of a whole document and a question."""
    remove: Literal["document", "span"]
    planted_documents: int = Field(ge=1)
    """How many leaks of each kind are planted to measure recall."""
    seed: int = Field(ge=0)


class Leak(NamedTuple):  # one question found in one document
    row: int
    question: int
    part: str
    rule: str
    """identical, jaccard, run, whole or coverage: the first of these that applies."""
    coverage: float
    start: int
    """start, end: bytes of the document's UTF-8, from the first match to the end of the last one."""
    end: int


class LeakFinder:
    """The index of the benchmarks, and the rules."""

    def __init__(self, questions: Sequence[Question], params: DecontaminateParams) -> None:
        self.questions = list(questions)
        self.params = params
        items = list_items(questions, params.ngram)
        self.index = LeakIndex(items, params.ngram, params.min_words, params.min_run)
        self._runs: dict[int, frozenset[tuple[bytes, ...]]] = {}

    def find(self, texts: pa.Array) -> list[Leak]:
        """Return the leaks in a column of texts, sorted by row; at most one for each row, question and part."""
        hits = self.index.find(texts)
        rows, items, coverage, in_one_piece = self.index.cover(hits)
        likely = (coverage >= min(self.params.min_coverage, self.params.max_jaccard)) | in_one_piece
        best: dict[tuple[int, int, str], Leak] = {}
        chosen = zip(*(a[likely].tolist() for a in (rows, items, coverage, in_one_piece)), strict=True)
        for row, item, share, piece in chosen:
            if leak := self._judge(texts[row].as_py(), row, item, share, piece, hits):
                _keep(best, leak)
        for row in np.flatnonzero((hits.words > 0) & (hits.words < self.params.min_words)).tolist():
            text = texts[row].as_py()
            for item in self.index.streams.get(canonical(text).stream, []):
                _keep(best, self._leak(row, item, "identical", 1.0, 0, len(text.encode())))
        return [best[key] for key in sorted(best)]

    def _judge(self, text: str, row: int, item: int, share: float, piece: bool, hits: Hits) -> Leak | None:
        form = canonical(text)
        jaccard = self._jaccard(form.words(), item, share)
        if item in self.index.streams.get(form.stream, []):
            rule = "identical"
        elif jaccard > self.params.max_jaccard:
            rule = "jaccard"
        elif piece:
            rule = "run" if self.index.size[item] else "whole"
        elif share >= self.params.min_coverage:
            rule = "coverage"
        else:
            return None
        found = self.index.places(hits, row, item)
        data = text.encode("utf-8")
        starts, raw = np.append(form.starts, len(form.stream)), np.append(form.raw, len(data))
        first = np.searchsorted(form.raw, [place for place, _ in found])
        after = np.searchsorted(starts, starts[first] + [length for _, length in found])
        start, end = int(raw[first.min()]), int(raw[after.max()])
        return self._leak(row, item, rule, share, start, start + len(data[start:end].rstrip()))

    def _leak(self, row: int, item: int, rule: str, share: float, start: int, end: int) -> Leak:
        looked_for = self.index.items[item]
        return Leak(row, looked_for.question, looked_for.part, rule, round(share, 4), start, end)

    def _jaccard(self, words: list[bytes], item: int, share: float) -> float:
        # Jaccard similarity is at most the share found, so only few documents need their n-grams counted.
        n = self.params.ngram
        if share <= self.params.max_jaccard or len(words) - n + 1 <= 0 or not self.index.size[item]:
            return 0.0
        if item not in self._runs:
            self._runs[item] = _word_runs(canonical(self.index.items[item].text).words(), n)
        document = _word_runs(words, n)
        return len(document & self._runs[item]) / len(document | self._runs[item])

    def describe(self, leak: Leak, text: str) -> dict[str, Any]:
        """Return a leak as the contaminated document stores it: both texts, to be compared."""
        question = self.questions[leak.question]
        data = text.encode("utf-8")
        start, end = max(0, leak.start - EXCERPT_CHARACTERS), leak.end + EXCERPT_CHARACTERS
        return {
            "benchmark": question.benchmark,
            "question_id": question.id,
            "part": leak.part,
            "rule": leak.rule,
            "coverage": leak.coverage,
            "benchmark_text": question.asked() if leak.part == "question" else question.solution,
            "document_text": data[start:end].decode("utf-8", "ignore"),
        }


def _keep(best: dict[tuple[int, int, str], Leak], leak: Leak) -> None:
    key = (leak.row, leak.question, leak.part)
    if key not in best or leak.coverage > best[key].coverage:
        best[key] = leak


def _word_runs(words: list[bytes], n: int) -> frozenset[tuple[bytes, ...]]:
    return frozenset(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def cut_spans(text: str, leaks: Sequence[Leak]) -> str:
    """Return a text without the paragraphs that contain a part of a leak."""
    kept, position = [], 0
    for paragraph in re.split(r"(?<=\n)(?=[ \t]*\n)", text):
        end = position + len(paragraph.encode("utf-8"))
        if not any(leak.start < end and position < leak.end for leak in leaks):
            kept.append(paragraph)
        position = end
    return "".join(kept).strip("\n")


def encode_matches(matches: list[dict[str, Any]]) -> str:
    """Return the JSON of a contaminated document's matches."""
    return json.dumps(matches, ensure_ascii=False, sort_keys=True)
