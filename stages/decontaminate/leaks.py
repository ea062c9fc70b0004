"""Find which documents leak which questions, and where."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.kernels.words import text_buffers
from stages.decontaminate.alignment_kernel import AFTER, ALIGNED, COMPARED, START, compare_parts
from stages.decontaminate.canonical_kernel import canonical, read_canonical
from stages.decontaminate.canonical_tables import tables
from stages.decontaminate.index import LeakIndex
from stages.decontaminate.quoted_questions import Question, list_items
from stages.decontaminate.rules import Comparison, DecontaminateParams, judge_question, judge_solution
from stages.decontaminate.words_kernel import vocabulary

# How much of a document a report shows on each side of a leak.
EXCERPT_CHARACTERS = 60
# So many words on each side of a candidate are compared too, besides a quarter of the item's.
MARGIN = 10


class Leak(NamedTuple):  # one question found in one document
    row: int
    question: int
    part: str
    rule: str
    """identical, whole, coverage, part or variant: see rules.py."""
    coverage: float
    start: int
    """start, end: bytes of the document's UTF-8, from the first word that agrees to the end of the last one."""
    end: int
    item: int
    """The number of the text that was searched for, in the index."""


class LeakFinder:
    """The index of the benchmarks, and the rules."""

    def __init__(self, questions: Sequence[Question], params: DecontaminateParams) -> None:
        self.questions = list(questions)
        self.params = params
        self.index = LeakIndex(list_items(questions), params.min_words)

    def find(self, texts: pa.Array) -> list[Leak]:
        """Return the leaks in a column of texts, sorted by row; at most one for each row, question and part."""
        parts, words = self.index.find(texts)
        data, offsets = text_buffers(texts)
        best: dict[tuple[int, int, str], Leak] = {}
        for (row, item), compared in zip(parts[:, :2].tolist(), self._compare(data, offsets, parts), strict=True):
            if leak := self._judge(row, item, compared, data[offsets[row] : offsets[row + 1]]):
                _keep(best, leak)
        for row in np.flatnonzero((words > 0) & (words < self.params.min_words)).tolist():
            for item in self.index.streams.get(canonical(texts[row].as_py()).stream, []):
                _keep(best, self._leak(row, item, "identical", 1.0, 0, int(offsets[row + 1] - offsets[row])))
        return [best[key] for key in sorted(best)]

    def _compare(
        self, data: NDArray[np.uint8], offsets: NDArray[np.int64], parts: NDArray[np.int64]
    ) -> list[list[float]]:
        """Return what compare_parts does for parts with a margin on each side."""
        index = self.index
        margin = np.diff(index.bounds)[parts[:, 1]] // 4 + MARGIN
        parts = np.column_stack(
            (parts[:, :2], np.maximum(0, parts[:, 2] - margin), np.maximum(0, parts[:, 3] + margin))
        )
        compared = compare_parts(data, offsets, parts, index.bounds, index.hashes, index.kinds, tables(), vocabulary())
        return compared.tolist()

    def _judge(self, row: int, item: int, compared: list[float], text: NDArray[np.uint8]) -> Leak | None:
        """Return the leak that a row of compare_parts shows. text: the UTF-8 of the document."""
        if not compared[ALIGNED]:
            return None
        found = Comparison._make(compared[:COMPARED])
        is_solution = self.index.items[item].part == "solution"
        rule = (judge_solution if is_solution else judge_question)(found, self.params)
        if rule is None:
            return None
        stream, size, _, _ = read_canonical(text, tables())
        if stream[:size].tobytes() == self.index.forms[item]:
            rule = "identical"
        start, after = int(compared[START]), int(compared[AFTER])
        end = start + len(text[start:after].tobytes().rstrip())
        return self._leak(row, item, rule, found.coverage, start, end)

    def _leak(self, row: int, item: int, rule: str, share: float, start: int, end: int) -> Leak:
        looked_for = self.index.items[item]
        return Leak(row, looked_for.question, looked_for.part, rule, round(share, 4), start, end, item)

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


def by_row(leaks: Sequence[Leak]) -> dict[int, list[Leak]]:
    """Return the leaks of each row."""
    rows: dict[int, list[Leak]] = defaultdict(list)
    for leak in leaks:
        rows[leak.row].append(leak)
    return rows


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
