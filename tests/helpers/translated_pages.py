"""Snippets on a page, for the tests of how translated code is written."""

from typing import Any

from mathcode_pile.core.documents import VERIFIED


def snippet(text: str, end: str, code: str = "print(1 + 1)", **other: Any) -> dict[str, Any]:
    """Return a verified snippet whose computation ends in the text where `end` does."""
    assert text.count(end) == 1, f"{end!r} is not once in the text"
    row: dict[str, Any] = dict.fromkeys(VERIFIED.names, "")
    row |= {"document_id": "s/1", "position": 0, "chain": 0, "anchor": text.index(end) + len(end), "relation": "="}
    row |= {
        "code": code,
        "stdout": "2\n",
        "stated": "2",
        "result": "2",
        "translator": "symbolic",
        "verdict": "verified",
    }
    return row | {"outcome": "ok", "method": "numeric"} | other


def snippets(text: str, *ends: str) -> list[dict[str, Any]]:
    """Return a snippet for each end, in this order, each with a program and a result of its own."""
    return [
        snippet(text, end, f"print({number} + 1)", position=number, stated=str(number), stdout=f"{number + 1}\n")
        for number, end in enumerate(ends)
    ]
