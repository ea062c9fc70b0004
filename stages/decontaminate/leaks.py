"""Find which documents leak which questions, and where."""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.kernels.words import text_buffers
from stages.decontaminate.alignment_kernel import compare_part
from stages.decontaminate.canonical_kernel import canonical, tables
from stages.decontaminate.index import Candidate, LeakIndex
from stages.decontaminate.quoted_questions import Question, list_items
from stages.decontaminate.rules import Comparison, DecontaminateParams, judge_question, judge_solution
from stages.decontaminate.words_kernel import read_document, vocabulary

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


class Read(NamedTuple):  # one document, looked at closely
    row: int
    data: NDArray[np.uint8]
    """Its UTF-8."""
    stream: NDArray[np.uint8]
    """Its canonical form, and at least 8 bytes more."""
    size: int
    """Bytes of the canonical form."""
    raw: NDArray[np.int64]
    """[words] where each word starts in its UTF-8."""
    words: tuple[NDArray, NDArray, NDArray]
    """Hashes, kinds and values, as read_words returns them."""


class LeakFinder:
    """The index of the benchmarks, and the rules."""

    def __init__(self, questions: Sequence[Question], params: DecontaminateParams) -> None:
        self.questions = list(questions)
        self.params = params
        self.index = LeakIndex(list_items(questions), params.min_words)

    def find(self, texts: pa.Array) -> list[Leak]:
        """Return the leaks in a column of texts, sorted by row; at most one for each row, question and part."""
        candidates, words = self.index.find(texts)
        data, offsets = text_buffers(texts)
        best: dict[tuple[int, int, str], Leak] = {}
        read: Read | None = None
        for candidate in candidates:  # sorted by row
            if read is None or read.row != candidate.row:
                text = data[offsets[candidate.row] : offsets[candidate.row + 1]]
                read = Read(candidate.row, text, *read_document(text, tables(), vocabulary()))
            if leak := self._judge(read, candidate):
                _keep(best, leak)
        for row in np.flatnonzero((words > 0) & (words < self.params.min_words)).tolist():
            for item in self.index.streams.get(canonical(texts[row].as_py()).stream, []):
                _keep(best, self._leak(row, item, "identical", 1.0, 0, int(offsets[row + 1] - offsets[row])))
        return [best[key] for key in sorted(best)]

    def _judge(self, read: Read, candidate: Candidate) -> Leak | None:
        item = self.index.tokens[candidate.item]
        margin = len(item.hashes) // 4 + MARGIN
        low, high = max(0, candidate.first - margin), max(0, candidate.last + margin)
        is_aligned, numbers, firsts = compare_part(
            item.hashes, item.kinds, read.words, low, high, vocabulary().conjunction
        )
        if not is_aligned:
            return None
        found = Comparison(*numbers)
        is_solution = self.index.items[candidate.item].part == "solution"
        rule = (judge_solution if is_solution else judge_question)(found, self.params)
        if rule is None:
            return None
        if read.stream[: read.size].tobytes() == self.index.forms[candidate.item]:
            rule = "identical"
        data = read.data.tobytes()
        firsts = np.append(firsts, high - low) + low
        raw = np.append(read.raw, len(data))
        start, after = (int(raw[min(firsts[place], len(raw) - 1)]) for place in (found.first, found.last + 1))
        end = start + len(data[start:after].rstrip())
        return self._leak(read.row, candidate.item, rule, found.coverage, start, end)

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
