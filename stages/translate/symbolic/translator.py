"""Translate the computations of a page into code, in the order of the page.

A computation is `expression = result`: the expression has something to compute, and the result is finished.
Wrong results are translated like right ones; verify gives the verdict.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial

from mathcode_pile.core.funnel import DropReason
from stages.translate.computation import Computation, Found
from stages.translate.reasons import Reason
from stages.translate.symbolic.chain_translator import translate_chain
from stages.translate.symbolic.chains import Chain, find_chains
from stages.translate.symbolic.doubted import why_not_meant
from stages.translate.symbolic.equations import Solution, Statement, find_solutions, solve_for
from stages.translate.symbolic.latex_tokens import latex_of, latex_of_plain
from stages.translate.symbolic.left_out import states_wrong, why_left_out
from stages.translate.symbolic.nodes import UnreadableError
from stages.translate.symbolic.notation import notation_of
from stages.translate.symbolic.numeric import agree
from stages.translate.symbolic.other_arithmetic import Arithmetics
from stages.translate.symbolic.page_parts import PageParts
from stages.translate.symbolic.posed import MAX_SEARCHED, why_not_stated
from stages.translate.symbolic.quantities import REACH, Quantities
from stages.translate.symbolic.reading import read_chain
from stages.translate.symbolic.spans import Span, find_spans, sentence_around, unit_behind, why_torn
from stages.translate.symbolic.step_programs import Program, gather, write_steps
from stages.translate.symbolic.steps import Side, Spot, Step
from stages.translate.symbolic.titles import title_of

MAX_COMPUTATIONS = 200
MAX_EQUATIONS = 3000
# A page that gives * a meaning of its own.
_OWN_OPERATION = re.compile(r"\boperation|[a-z] ?(?:\*|\\ast) ?[a-z]\$? ?(?:=|is defined|denotes)", re.IGNORECASE)
_OWN_BOX = re.compile(r"\\boxed\{[a-z]\}\$? ?(?:=|denote|be |mean)")
# A list of equations with dots between them.
_LISTED = re.compile(r",\s*\\[lc]?dots")


def translate_document(text: str) -> Found:
    """Return a page's computations in order, and how many equations were not translated, by reason."""
    skipped: Counter[DropReason] = Counter()
    placed: list[tuple[int, Computation]] = []
    spans = list(find_spans(text))
    chains = list(_chains_of(text, spans, skipped))
    if not chains:
        return Found([], +skipped)
    searched = text[:MAX_SEARCHED]
    notation, arithmetics = notation_of(searched), Arithmetics(searched)
    parts = PageParts(text, spans)
    known = Quantities(parts, notation.letter_e)
    statements: list[Statement] = []
    steps: list[Step] = []
    for span, chain, is_alone in chains:
        first, last = parts.sentence(span.start, span.end)
        spot = Spot(len(statements), span.start, span.end, first, last, parts.words(first, last), is_alone)
        sides, reasons, is_chosen = read_chain(chain, notation)
        statements.append(Statement(chain, [side.node for side in sides], span, spot.sentence))
        why_not = partial(_why_not, parts, span, spot)
        translated = translate_chain(chain, sides, spot, arithmetics, known, why_not)
        if isinstance(translated, Reason):
            skipped[translated] += 1
        elif translated is None:
            reasons.append(Reason.NOTHING_TO_COMPUTE)
            skipped[reasons[0]] += 1
        else:
            skipped[Reason.READING_CHOSEN] += is_chosen
            steps += filter(None, [translated.step])
            placed += [(spot.place, computation) for computation in filter(None, [translated.computation])]
    for solution in find_solutions(statements, text):
        if not any(_is_denied(statements[place], text) for place in (solution.place, *solution.values)):
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


def _is_denied(statement: Statement, text: str) -> bool:
    """Whether a page rejects or asks about an equation or a solution; one that it supposes has its solutions too."""
    start, end = statement.span.start, statement.span.end
    sentence, before = sentence_around(text, start, end)
    return why_not_stated(text, start, end, sentence, before) not in (None, Reason.SUPPOSED)


def _why_not(parts: PageParts, span: Span, spot: Spot, sides: list[Side]) -> Reason | None:
    """Return why a chain that can be computed is left out, None if it is not."""
    text, sentence, before = parts.text, spot.sentence, parts.words(spot.sentence_start, span.start)
    if reason := why_not_stated(text, span.start, span.end, sentence, before) or why_left_out(sides):
        return reason
    if states_wrong(sides):
        return why_not_meant(text, span, sentence)
    return None


def _write(program: Program, statements: list[Statement], parts: PageParts) -> str:
    """Return the code of a program: one that solves an equation of the problem if the result is its root."""
    last, place = program.last, statements[program.last.place].span.start

    def can_be(statement: Statement) -> bool:
        start = statement.span.start
        return place - start <= REACH and parts.problem(start) == parts.problem(place)

    solved = solve_for(statements, last.place, last.stated, can_be) if agree(last.closed, last.stated) else None
    return solved or write_steps(program.steps)


def _compute(program: Program, statements: list[Statement], parts: PageParts) -> Computation:
    """Return the computation that a program makes, with the sentences of its steps and given quantities."""
    last, statement = program.last, statements[program.last.place]
    spans = [statements[step.place].span for step in program.steps]
    conditions = parts.sentences([*program.spots(), *((span.start, span.end) for span in spans)])
    neighbours = [*statements[max(0, last.place - 1) : last.place], *statements[last.place + 1 : last.place + 2]]
    is_alone = all(neighbour.sentence != statement.sentence for neighbour in neighbours)
    title = title_of(last.closed, statement.sentence if is_alone else "", last.names)
    code = _write(program, statements, parts)
    return Computation(
        title, conditions, last.expression, last.result, code, program.component, statement.span.end, last.relation
    )


def _chains_of(text: str, spans: list[Span], skipped: Counter[DropReason]) -> Iterator[tuple[Span, Chain, bool]]:
    """Yield the chains of a page with their spans, and whether it is the only one there.

    Counts the reasons why whole spans are not read.
    """
    has_stars = any(span.kind == "latex" and ("*" in span.text or "\\ast" in span.text) for span in spans)
    own_operations = has_stars and _OWN_OPERATION.search(text[:MAX_SEARCHED]) is not None
    own_boxes = bool(_OWN_BOX.search(text[:MAX_SEARCHED]))
    count = 0
    for span in spans:
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


def _reason_against(text: str, span: Span, own_operations: bool, own_boxes: bool) -> Reason | None:
    """Return why a whole span is not translated, None if it is."""
    if own_operations and span.kind == "latex" and ("*" in span.text or "\\ast" in span.text):
        return Reason.OWN_OPERATION
    if own_boxes and "\\boxed" in span.text:
        return Reason.OWN_OPERATION
    if _LISTED.search(span.text):
        return Reason.LIST
    return why_torn(text, span)
