"""Runs untrusted snippets: each in a process of its own, isolated, with limits, and fast.

    with Sandbox(Limits(timeout_s=5)) as sandbox:
        result = sandbox.run("print(6 * 7)")          # Result(outcome="ok", stdout="42\\n", error="")
        results = sandbox.run_all(codes)              # in order, several at a time

docs/sandbox.md says what it protects from, and what it does not protect from.
"""

from mathcode_pile.sandbox.controller import PACKAGES, Limits, Result, Sandbox

__all__ = ["PACKAGES", "Limits", "Result", "Sandbox"]
