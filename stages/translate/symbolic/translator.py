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
from stages.translate.symbolic.chain_translator import read_sides, translate_chain
from stages.translate.symbolic.chains import Chain, find_chains
from stages.translate.symbolic.equations import Solution, Statement, find_solutions
from stages.translate.symbolic.latex_tokens import latex_of, latex_of_plain
from stages.translate.symbolic.nodes import UnreadableError
from stages.translate.symbolic.other_arithmetic import arithmetics_of
from stages.translate.symbolic.page_parts import PageParts
from stages.translate.symbolic.quantities import Quantities
from stages.translate.symbolic.spans import Span, find_spans
from stages.translate.symbolic.step_programs import Program, gather, write_steps
from stages.translate.symbolic.steps import Spot, Step
from stages.translate.symbolic.titles import title_of

MAX_COMPUTATIONS = 200
MAX_EQUATIONS = 3000
# The search for words that concern a whole page ends here.
MAX_SEARCHED = 200_000
# A page that says so denies the computation, or leaves the exact value.
_DENIED = re.compile(r"not true|untrue|is false|contradict|impossible|incorrect|extraneous|remainder \d", re.IGNORECASE)
# A page that gives * a meaning of its own.
_OWN_OPERATION = re.compile(r"\boperation|[a-z] ?\* ?[a-z]\$? ?(?:=|is defined|denotes)", re.IGNORECASE)
# A list of equations with dots between them.
_LISTED = re.compile(r",\s*\\[lc]?dots")
_COMPLEX = re.compile(r"complex|imaginary|\bi\^2|\bi\^\{2\}|Argand|De Moivre", re.IGNORECASE)


def translate_document(text: str) -> Found:
    """Return a page's computations in order, and how many equations were not translated, by reason."""
    skipped: Counter[DropReason] = Counter()
    placed: list[tuple[int, Computation]] = []
    spans = list(find_spans(text))
    chains = list(_chains_of(text, spans, skipped))
    if not chains:
        return Found([], +skipped)
    searched = text[:MAX_SEARCHED]
    has_complex_numbers, arithmetics = bool(_COMPLEX.search(searched)), arithmetics_of(searched)
    parts = PageParts(text, spans)
    known = Quantities(parts)
    statements: list[Statement] = []
    steps: list[Step] = []
    for span, chain, is_alone in chains:
        first, last = parts.sentence(span.start, span.end)
        spot = Spot(len(statements), span.start, span.end, first, last, parts.words(first, last), is_alone)
        sides, reasons = read_sides(chain, has_complex_numbers)
        statements.append(Statement(chain, [side.node for side in sides], span, spot.sentence))
        if _DENIED.search(spot.sentence):
            skipped[Reason.DENIED] += 1
            continue
        before = parts.words(first, span.start)
        translated = translate_chain(chain, sides, spot, before, arithmetics, known)
        if isinstance(translated, Reason):
            skipped[translated] += 1
        elif translated is None:
            reasons.append(Reason.NOTHING_TO_COMPUTE)
            skipped[reasons[0]] += 1
        elif translated.step:
            steps.append(translated.step)
        elif translated.computation:
            placed.append((spot.place, translated.computation))
    for solution in find_solutions(statements, text):
        if not _DENIED.search(statements[solution.place].sentence):
            placed.append((solution.place, _solve(solution, statements)))
            skipped[Reason.EQUATION_OR_DEFINITION] -= skipped[Reason.EQUATION_OR_DEFINITION] > 0
    for program in gather(steps):
        try:
            placed.append((program.last.place, _compute(program, statements, parts)))
        except UnreadableError as error:
            skipped[error.reason] += 1
    placed.sort(key=lambda pair: pair[0])
    unique: dict[tuple[str, str], Computation] = {}
    for _, computation in placed:
        unique.setdefault((computation.code, computation.result), computation)
    return Found(list(unique.values())[:MAX_COMPUTATIONS], +skipped)


def _compute(program: Program, statements: list[Statement], parts: PageParts) -> Computation:
    """Return the computation that a program makes, with the sentences of its steps and given quantities."""
    last, statement = program.last, statements[program.last.place]
    spans = [statements[step.place].span for step in program.steps]
    conditions = parts.sentences([*program.spots(), *((span.start, span.end) for span in spans)])
    neighbours = [*statements[max(0, last.place - 1) : last.place], *statements[last.place + 1 : last.place + 2]]
    is_alone = all(neighbour.sentence != statement.sentence for neighbour in neighbours)
    title = title_of(last.closed, statement.sentence if is_alone else "", last.names)
    code = write_steps(program.steps)
    return Computation(
        title, conditions, last.expression, last.result, code, program.component, statement.span.end, last.relation
    )


def _chains_of(text: str, spans: list[Span], skipped: Counter[DropReason]) -> Iterator[tuple[Span, Chain, bool]]:
    """Yield the chains of a page with their spans, and whether it is the only one there.

    Counts the reasons why whole spans are not read.
    """
    has_stars = any(span.kind == "latex" and "*" in span.text for span in spans)
    own_operations = has_stars and _OWN_OPERATION.search(text[:MAX_SEARCHED]) is not None
    count = 0
    for span in spans:
        if "=" not in span.text and "\\" not in span.text and "≈" not in span.text:
            continue
        if reason := _reason_against(text, span, own_operations):
            skipped[reason] += 1
            continue
        try:
            chains = find_chains(span.text if span.kind == "latex" else latex_of_plain(span.text))
        except UnreadableError as error:
            skipped[error.reason] += 1
            continue
        for chain in chains:
            count += 1
            if count > MAX_EQUATIONS:
                skipped[Reason.TOO_MANY_EQUATIONS] += 1
                return
            yield span, chain, len(chains) == 1


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


def _reason_against(text: str, span: Span, own_operations: bool) -> Reason | None:
    """Return why a whole span is not translated, None if it is."""
    if own_operations and span.kind == "latex" and "*" in span.text:
        return Reason.OWN_OPERATION
    if _LISTED.search(span.text):
        return Reason.LIST
    if span.kind == "latex" and text[span.start - 1 : span.start] == "." and span.text[:1].isdigit():
        return Reason.TORN_NUMBER
    return None
