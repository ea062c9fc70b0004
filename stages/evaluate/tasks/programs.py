"""Run the program that a model wrote in the sandbox; say what it printed, or how it failed."""

import atexit
import re
from contextlib import ExitStack
from functools import cache, lru_cache
from typing import Any, NamedTuple

from mathcode_pile.core.outcomes import Outcome
from mathcode_pile.sandbox import Limits, Sandbox


def extract_program(reply: str) -> str:
    """Return the program in a reply, which continues a ```python block of the prompt or opens one itself."""
    before, _, after = reply.partition("```")
    opened = re.match(r"(?:python|py)[ \t]*\n", after)
    # Text before a fence with a language is prose. Otherwise the reply begins inside the block that the fence closes.
    if opened:
        return after[opened.end() :].partition("```")[0].strip()
    return before.strip()


@cache
def _sandbox() -> Any:
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(Sandbox(Limits()))


class Run(NamedTuple):  # of one program
    printed: str | None
    """The last line that it printed; None if it failed."""
    failure: str
    """Empty, or the kind: no_program, no_output, the exception's name, or one of the sandbox's outcomes."""


@lru_cache(maxsize=1024)  # lm-eval scores a reply, then its sample is written
def run_program(reply: str, given: str = "") -> Run:
    """Run the program in a reply; given: the lines of it that the prompt already had."""
    program = extract_program(reply)
    if not program:
        return Run(None, "no_program")
    result = _sandbox().run(given + reply.partition("```")[0] if given else program)
    if result.outcome != "ok":
        return Run(None, _name_failure(result.outcome, result.error))
    lines = result.stdout.strip().splitlines()
    return Run(lines[-1].strip(), "") if lines else Run(None, "no_output")


def _name_failure(outcome: str, error: str) -> str:
    """Return the outcome, or the name of the exception where there is one."""
    name = re.match(r"[A-Z]\w+", error)
    return name[0] if outcome == Outcome.EXCEPTION and name else outcome
