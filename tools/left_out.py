"""Find what cannot run because the profile leaves out a source (`origins: []`)."""

from typing import Any

from mathcode_pile.core.errors import ParamsError


def list_empty(params: dict[str, Any]) -> set[str]:
    """Return the folders below data/, as params name them, that have no documents because sources are left out."""
    inputs = {f"annotate/{name}": entry.input for name, entry in params["annotate"].sources.items()}
    inputs |= {f"filter_code/{name}": entry.input for name, entry in params["filter_code"].sources.items()}
    inputs |= {f"classify/{name}": entry.input for name, entry in params["classifiers"].items()}
    inputs["extract_textbooks"] = "fetch/textbooks"
    empty = {f"fetch/{name}" for name in params["sources"] if not params["fetch"][name].origins}
    while more := {made for made, read in inputs.items() if read in empty} - empty:
        empty |= more
    return empty


def check_left_out(params: dict[str, Any]) -> None:
    """Raise ParamsError where a classifier or the mixture needs documents of a source that is left out."""
    empty = list_empty(params)
    for name, entry in params["classifiers"].items():
        for label in ("positives", "negatives"):
            folder = getattr(entry, label)
            if folder in empty and entry.input not in empty:
                raise ParamsError(
                    f"params: classifiers.{name}.{label}: the profile leaves out the source of {folder}; "
                    f"name another folder, or leave out the source of {entry.input} too"
                )
    for component, share in params["mixture"].items():
        inputs = [entry.input for entry in params["sources"].values() if entry.component == component]
        if inputs and empty.issuperset(inputs) and (share.tokens or share.epochs):
            raise ParamsError(
                f"params: mixture.{component}: asks for tokens, but the profile leaves out all its sources"
            )
