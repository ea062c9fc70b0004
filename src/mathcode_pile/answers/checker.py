"""Compare many pairs: most in this process, the few that need computer algebra in a helper process."""

import json
import os
import subprocess
import sys
from types import TracebackType
from typing import Self

from mathcode_pile.answers import computer_algebra
from mathcode_pile.answers.constants import UP_TO_CONSTANT, leaves_constant_open, with_capital_constant
from mathcode_pile.answers.exact_results import is_another_value
from mathcode_pile.answers.judge import Comparison, NeedsSymbolsError, judge
from mathcode_pile.answers.rounded_inputs import agrees_as_rounded
from mathcode_pile.answers.scalars import DIFFERENT, SAME, UNSURE
from mathcode_pile.answers.second_route import has_second_route
from mathcode_pile.core.errors import PipelineError


class Checker:
    """Compares stated results with printed outputs; used as a context manager.

    The helper starts with the first pair that needs it and ends with the block, or with this process.
    timeout_s: processor seconds that computer algebra may take for one pair; up to six times as many by the clock.
    """

    def __init__(self, timeout_s: float = 5) -> None:
        self.timeout_s = timeout_s
        self._helper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def compare(self, stated: str, printed: str, expression: str = "", relation: str = "=") -> Comparison:
        """Return the verdict on one pair; if it takes too long, `uncheckable` by the method `comparison_timeout`.

        expression: the LaTeX that the result is stated for, if it is known. Then a constant of integration is left open
        only where an integral or a differential equation leaves it open, and a sum, product, limit or integral is
        computed a second time before it contradicts a page. A decimal that is exactly the expression's value is no
        rounded one, so that another value does not verify it.
        relation: between expression and result. With ≈ the decimals of the expression may have been rounded before.
        """
        if expression:
            stated = with_capital_constant(stated, expression)
        found = self._compare(stated, printed)
        if found.method == UP_TO_CONSTANT and expression and not leaves_constant_open(expression):
            return found._replace(verdict=UNSURE)
        is_open = relation == "≈" and found.verdict != SAME and found.method == "numeric"
        if is_open and agrees_as_rounded(expression, stated, printed):
            return found._replace(verdict=SAME, method="rounded_inputs")
        is_decimal = found.verdict == SAME and found.method == "numeric" and found.stated != found.printed
        if expression and is_decimal and is_another_value(expression, stated, printed):
            return found._replace(verdict=UNSURE, method="another_value")
        if found.verdict == DIFFERENT and has_second_route(expression):
            answer = self._ask(stated, printed, expression)
            if answer is None or answer[0] == UNSURE:
                return found._replace(verdict=UNSURE, method="second_route")
        return found

    def _compare(self, stated: str, printed: str) -> Comparison:
        try:
            return judge(stated, printed)
        except NeedsSymbolsError as needed:
            fallback = needed.fallback
        answer = self._ask(stated, printed)
        if answer is None:
            return fallback._replace(method="comparison_timeout")
        # sympy could not do it if the verdict is empty.
        return Comparison(*answer) if answer[0] else fallback

    def _ask(self, stated: str, printed: str, expression: str = "") -> list[str] | None:
        question = {"stated": stated, "printed": printed, "expression": expression, "limit_s": self.timeout_s}
        request = json.dumps(question).encode() + b"\n"
        for _ in range(2):
            helper = self._helper or self._start()
            assert helper.stdin and helper.stdout
            try:
                helper.stdin.write(request)
                helper.stdin.flush()
                reply = helper.stdout.readline()
            except BrokenPipeError:
                reply = b""
            if reply:
                return json.loads(reply)
            self._stop()
        raise PipelineError("the helper process for computer algebra does not start; see the lines above")

    def _start(self) -> subprocess.Popen[bytes]:
        # The helper imports from where this process does. Its hash order is fixed, so sympy always does the same.
        path = os.pathsep.join(filter(None, sys.path))
        environment = os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", f"from {computer_algebra.__name__} import serve; serve()"]
        self._helper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        return self._helper

    def _stop(self) -> None:
        if self._helper is not None:
            self._helper.kill()
            self._helper.communicate()
            self._helper = None


def compare_by_paper(stated: str, printed: str) -> Comparison:
    """Return the verdict of the published rule, which refuses only two bare numbers that are over 0.01 apart."""
    try:
        distance = abs(float(stated) - float(printed))
    except ValueError:
        return Comparison("verified", "paper", stated[:300], printed[:300])
    return Comparison("contradicted" if distance > 0.01 else "verified", "paper", stated[:300], printed[:300])
