"""Write the computations of a page as steps, as MathCoder2 does: what is needed to understand one, then its program.

The symbolic translator's steps get the page's own sentences, from where the last step ended to the computation. A
model's steps have a title, conditions in the model's own words, and the formula. Each problem of a page is a document
of its own.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import groupby

from mathcode_pile.core.formula_text import normalize_formula
from stages.corpus.layout import Layout
from stages.corpus.programs import SYMBOLIC, Paragraph, Snippet, Translated, render_program


def write_steps(layout: Layout, paragraphs: list[Paragraph], context: int) -> Iterator[Translated]:
    """Yield the documents of a page, one for each of its problems that has a program.

    paragraphs: those that programs belong to, in order.
    context: how many characters of the page's text are written at most before a step, unless a sentence is longer.
    """
    problems = layout.problems()
    starts = [first for first, _ in problems]
    for number, group in groupby(paragraphs, key=lambda paragraph: bisect_right(starts, paragraph.block) - 1):
        snippets = [snippet for paragraph in group for snippet in paragraph.snippets]
        yield Translated("\n\n".join(_render_steps(layout, problems[number], snippets, context)) + "\n", snippets)


def _render_steps(layout: Layout, problem: tuple[int, int], snippets: list[Snippet], context: int) -> Iterator[str]:
    """Yield the parts of a problem's text; empty lines go between them."""
    cuts = layout.cuts(*problem)
    done = cuts[0]
    told: set[str] = set()
    for snippet in snippets:
        conditions = snippet["conditions"].strip()
        if snippet["translator"] == SYMBOLIC or not conditions:
            start, done = _find_sentences(cuts, done, snippet["anchor"], context)
            if sentences := layout.text[start:done].strip():
                yield sentences.replace("\r\n", "\n")
        else:
            if title := snippet["title"].strip():
                yield f"**{title}**"
            if conditions not in told:
                yield conditions
            told.add(conditions)
            if formula := _write_formula(snippet, conditions):
                yield formula
        yield render_program(snippet)


def _find_sentences(cuts: list[int], done: int, anchor: int, context: int) -> tuple[int, int]:
    """Return the start and end of the text before a step, at least the sentence of the computation.

    done: up to where the text is written already; nothing is written twice.
    """
    place = min(max(1, bisect_left(cuts, anchor)), len(cuts) - 1)
    end, own = max(done, cuts[place]), cuts[max(0, place - 1)]
    earliest = cuts[bisect_left(cuts, end - context)]
    return max(done, min(own, earliest)), end


def _write_formula(snippet: Snippet, conditions: str) -> str:
    """Return the computation as a formula, empty if the conditions have it already."""
    expression, result = snippet["expression"].strip(), snippet["result"].strip()
    told = normalize_formula(conditions)
    if normalize_formula(expression) in told and normalize_formula(result) in told:
        return ""
    relation = r"\approx" if snippet["relation"] == "≈" else "="
    return f"$${expression} {relation} {result}$$"
