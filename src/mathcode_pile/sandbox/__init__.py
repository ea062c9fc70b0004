"""Runs untrusted snippets: each in a process of its own, isolated, within limits, fast.

    with Sandbox(Limits(timeout_s=5)) as sandbox:
        result = sandbox.run("print(6 * 7)")          # Result(outcome="ok", stdout="42\\n", error="")
        results = sandbox.run_all(codes)              # in order, several at a time

docs/sandbox.md says what it protects from, and what not.
"""

from mathcode_pile.sandbox.controller import PACKAGES, Limits, Result, Sandbox
from mathcode_pile.sandbox.outcomes import Outcome

__all__ = ["PACKAGES", "Limits", "Outcome", "Result", "Sandbox"]
