"""Run the program that a model wrote in the sandbox, and return what it printed."""

import atexit
import re
from contextlib import ExitStack
from functools import cache
from typing import Any

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


def run_program(reply: str) -> str | None:
    """Return the last line that the program of a reply prints, None if it fails or prints nothing."""
    program = extract_program(reply)
    if not program:
        return None
    result = _sandbox().run(program)
    lines = result.stdout.strip().splitlines() if result.outcome == "ok" else []
    return lines[-1].strip() if lines else None
