"""Say which parts of a page were not translated, and why.

`translate` counts them for each reason, in its metrics, and keeps no list of them. So the translators read this one
page again, with the present code and params. A model is not asked: of its replies only recorded ones are read.
"""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr
from typing import NamedTuple

from mathcode_pile.core.funnel import DropReason, Failed
from mathcode_pile.core.params import load
from mathcode_pile.llm import LlmParams
from mathcode_pile.llm.asker import close_askers
from stages.translate.computation import Computation
from stages.translate.reasons import Reason
from stages.translate.selection import why_left_out
from stages.translate.symbolic import translate_document
from stages.translate.symbolic.spans import find_spans
from stages.translate.translators import ModelTranslator, TranslateParams, choose_translators

EACH = 5
"""So many formulas are shown for each reason."""
MOST = 400
"""So many formulas of a page are looked at: each costs a translation of the page, which takes milliseconds."""
WIDTH = 100
NOT_LEFT_OUT = Reason.READING_CHOSEN


class LeftOut(NamedTuple):
    """What one translator left out of a page for one reason."""

    reason: DropReason
    counted: int
    formulas: list[str]
    """Those that are known: none of what a model wrote no readable block about."""


def is_translated(component: str) -> bool:
    """Whether the params have this component translated."""
    return component in load("translate", TranslateParams).components


def say_untranslated(text: str) -> Iterator[str]:
    """Yield lines on what each translator left out of a page, grouped by reason, the most frequent first."""
    params, llm = load("translate", TranslateParams), load("llm", LlmParams)
    # That replies cannot be read is what is to be said, and no reason to stop.
    again = [entry.model_copy(update={"max_failed_share": 1.0}) for entry in params.translators]
    translators = choose_translators(params.model_copy(update={"translators": tuple(again)}), llm)
    yield "not translated (found by reading the page again, with the present code and params; no model is asked):"
    for translator in translators:
        if isinstance(translator, ModelTranslator) and translator.task.backend != "recorded":
            yield f"  {translator.name}: not read again; metrics/translate counts its reasons over all pages"
            continue
        with redirect_stderr(io.StringIO()):  # no bar and no count of replies for one page
            _, found = next(iter(list(translator.translate([(0, text)], 1))))
            close_askers()
        if isinstance(found, Failed):
            yield f"  {translator.name}: failed: {found.detail}"
            continue
        formulas = {} if isinstance(translator, ModelTranslator) else find_formulas(text, found.reasons)
        left_out = group(found.reasons, formulas, found.computations, params.min_operations)
        yield f"  {translator.name}: {sum(one.counted for one in left_out) or 'nothing'}"
        for one in left_out:
            yield f"    {one.reason} {one.counted}: {one.reason.sentence}"
            yield from (f"      {line}" for line in _show(one))


def group(
    reasons: Counter[DropReason],
    formulas: dict[DropReason, list[str]],
    computations: list[Computation],
    min_operations: int,
) -> list[LeftOut]:
    """Return what was left out for each reason, programs that teach nothing among them; the most frequent first."""
    counts, shown = reasons.copy(), {reason: list(found) for reason, found in formulas.items()}
    for one in computations:
        if reason := why_left_out(one.code, one.result, min_operations):
            counts[reason] += 1
            shown.setdefault(reason, []).append(_shorten(f"{one.expression} {one.relation} {one.result}"))
    del counts[NOT_LEFT_OUT]
    return [LeftOut(reason, count, shown.get(reason, [])) for reason, count in counts.most_common()]


def find_formulas(text: str, reasons: Counter[DropReason]) -> dict[DropReason, list[str]]:
    """Return the formulas that the symbolic translator left out of a page, by reason.

    reasons: why it left out parts of the page. A formula belongs to the reason that is counted less often when the page
    is read without it.
    """
    found: dict[DropReason, list[str]] = {}
    spans = [span for span in find_spans(text) if any(sign in span.text for sign in ("=", "≈", "\\"))]
    for span in spans[:MOST] if reasons else []:
        without = text[: span.start] + "x".ljust(span.end - span.start) + text[span.end :]
        for reason in (reasons - translate_document(without).reasons).elements():
            found.setdefault(reason, []).append(_shorten(span.text))
    return found


def _show(one: LeftOut) -> Iterator[str]:
    """Yield the formulas that were left out for a reason, each once, and how many more there are."""
    times = Counter(one.formulas)
    for formula in list(times)[:EACH]:
        yield formula + f" ({times[formula]} times)" * (times[formula] > 1)
    if len(times) > EACH:
        yield f"and {len(times) - EACH} more"
    if one.formulas and len(one.formulas) != one.counted:
        yield f"({len(one.formulas)} found, {one.counted} counted: a reason can depend on the page's other formulas)"


def _shorten(formula: str) -> str:
    line = " ".join(formula.split())
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
