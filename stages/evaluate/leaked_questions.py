"""Which questions decontaminate found in the data before it removed them."""

import json
from pathlib import Path

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.shards import read_rows

Leaked = frozenset[tuple[str, str]]
"""Of (benchmark, id of a question)."""


def read_leaked(decontaminated: Path) -> Leaked:
    """Return the questions that a document or a snippet contained, or whose solution it contained.

    decontaminated: the folder that decontaminate writes. Raises InputError where it does not exist.
    """
    if not decontaminated.is_dir():
        raise InputError(f"{decontaminated}: no such folder")
    leaked = set()
    for kind in ("documents", "snippets"):
        folder = decontaminated / "contaminated" / kind
        for component in sorted(folder.iterdir()) if folder.is_dir() else []:
            for row in read_rows(component, ["matches"]):
                leaked |= {(match["benchmark"], match["question_id"]) for match in json.loads(row["matches"])}
    return frozenset(leaked)
