"""Translate the computations of a page into code, in the order of the page.

A computation is `expression = result`: the expression has something to compute, and the result is finished.
Wrong results are translated like right ones; verify gives the verdict.
"""

import re
from collections import Counter
from collections.abc import Iterator

from mathcode_pile.core.funnel import DropReason
from stages.translate.computation import Computation, Found
from stages.translate.reasons import Reason
from stages.translate.symbolic.chain_translator import translate_chain
from stages.translate.symbolic.chains import Chain, find_chains
from stages.translate.symbolic.equations import Solution, Statement, find_solutions
from stages.translate.symbolic.latex_tokens import latex_of, latex_of_plain
from stages.translate.symbolic.nodes import UnreadableError
from stages.translate.symbolic.notation import notation_of
from stages.translate.symbolic.other_arithmetic import arithmetics_of
from stages.translate.symbolic.posed import why_not_stated
from stages.translate.symbolic.reading import read_chain, why_left_out
from stages.translate.symbolic.spans import Span, find_spans, sentence_around, unit_behind, why_torn

MAX_COMPUTATIONS = 200
MAX_EQUATIONS = 3000
# The search for words that concern a whole page ends here.
MAX_SEARCHED = 200_000
# A page that gives * a meaning of its own.
_OWN_OPERATION = re.compile(r"\boperation|[a-z] ?(?:\*|\\ast) ?[a-z]\$? ?(?:=|is defined|denotes)", re.IGNORECASE)
_OWN_BOX = re.compile(r"\\boxed\{[a-z]\}\$? ?(?:=|denote|be |mean)")
# A list of equations with dots between them.
_LISTED = re.compile(r",\s*\\[lc]?dots")


def translate_document(text: str) -> Found:
    """Return a page's computations in order, and how many equations were not translated, by reason."""
    skipped: Counter[DropReason] = Counter()
    placed: list[tuple[int, Computation]] = []
    searched = text[:MAX_SEARCHED]
    notation, arithmetics = notation_of(searched), arithmetics_of(searched)
    statements: list[Statement] = []
    for span, chain in _chains_of(text, skipped):
        sentence, before = sentence_around(text, span.start, span.end)
        sides, reasons, is_chosen = read_chain(chain, notation)
        statements.append(Statement(chain, [side.node for side in sides], span, sentence))
        computations = translate_chain(chain, sides, sentence, before, arithmetics)
        if computations and not isinstance(computations, Reason):
            reason = why_not_stated(text, span.start, span.end, sentence, before) or why_left_out(sides)
            computations = reason or computations
        if isinstance(computations, Reason):
            skipped[computations] += 1
        elif not computations:
            reasons.append(Reason.NOTHING_TO_COMPUTE)
            skipped[reasons[0]] += 1
        else:
            place = len(statements) - 1
            placed += [(place, c._replace(chain=place, anchor=span.end)) for c in computations]
            skipped[Reason.READING_CHOSEN] += is_chosen
    for solution in find_solutions(statements, text):
        if not any(_is_denied(statements[place], text) for place in (solution.place, *solution.values)):
            placed.append((solution.place, _solve(solution, statements)))
            skipped[Reason.EQUATION_OR_DEFINITION] -= skipped[Reason.EQUATION_OR_DEFINITION] > 0
    placed.sort(key=lambda pair: pair[0])
    unique: dict[tuple[str, str], Computation] = {}
    for _, computation in placed:
        unique.setdefault((computation.code, computation.result), computation)
    return Found(list(unique.values())[:MAX_COMPUTATIONS], +skipped)


def _is_denied(statement: Statement, text: str) -> bool:
    """Whether a page rejects or asks about an equation or a solution; one that it supposes has its solutions too."""
    start, end = statement.span.start, statement.span.end
    sentence, before = sentence_around(text, start, end)
    return why_not_stated(text, start, end, sentence, before) not in (None, Reason.SUPPOSED)


def _chains_of(text: str, skipped: Counter[DropReason]) -> Iterator[tuple[Span, Chain]]:
    """Yield the chains of a page with their spans; count the reasons why whole spans are not read."""
    own_operations = bool(_OWN_OPERATION.search(text[:MAX_SEARCHED]))
    own_boxes = bool(_OWN_BOX.search(text[:MAX_SEARCHED]))
    count = 0
    for span in find_spans(text):
        if "=" not in span.text and "\\" not in span.text and "≈" not in span.text:
            continue
        if reason := _reason_against(text, span, own_operations, own_boxes):
            skipped[reason] += 1
            continue
        try:
            chains = find_chains(
                span.text + unit_behind(text, span) if span.kind == "latex" else latex_of_plain(span.text)
            )
        except UnreadableError as error:
            skipped[error.reason] += 1
            continue
        for chain in chains:
            count += 1
            if count > MAX_EQUATIONS:
                skipped[Reason.TOO_MANY_EQUATIONS] += 1
                return
            yield span, chain


def _solve(solution: Solution, statements: list[Statement]) -> Computation:
    """Return the computation of an equation that the page states the solutions of."""
    statement = statements[solution.place]
    left, right = (latex_of(term.tokens) for term in statement.chain.terms)
    values = [latex_of(statements[place].chain.terms[-1].tokens) for place in solution.values]
    names = [f"{solution.unknown} = {value}" for value in values]
    result = values[0] if len(values) == 1 else " \\text{ or } ".join(names)
    title = f"Solve for {solution.unknown}"
    end = statements[solution.values[-1]].span.end
    return Computation(title, statement.sentence, f"{left} = {right}", result, solution.code, solution.place, end)


def _reason_against(text: str, span: Span, own_operations: bool, own_boxes: bool) -> Reason | None:
    """Return why a whole span is not translated, None if it is."""
    if own_operations and span.kind == "latex" and ("*" in span.text or "\\ast" in span.text):
        return Reason.OWN_OPERATION
    if own_boxes and "\\boxed" in span.text:
        return Reason.OWN_OPERATION
    if _LISTED.search(span.text):
        return Reason.LIST
    return why_torn(text, span)
