"""The shards that are deduplicated together, and the component of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.shards import list_shards


@dataclass
class Inputs:
    """The shards of all sources, component after component."""

    shards: list[Path]
    component: list[str]
    """[shards] the component of each."""
    components: list[str]


def check_priority(components: Mapping[str, str], priority: list[str]) -> None:
    """Raise ParamsError where a source's component is not in the list of priorities."""
    for source, component in sorted(components.items()):
        if component not in priority:
            raise ParamsError(f"params: deduplicate.priority lacks {component}, the component of source {source}")


def list_inputs(selected: Path, components: Mapping[str, str], priority: list[str]) -> Inputs:
    """Return the shards of every source, by component and source; raises ParamsError as check_priority does."""
    check_priority(components, priority)
    names = [name for name in priority if name in components.values()]
    inputs = Inputs([], [], names)
    for name in names:
        for source in sorted(s for s, component in components.items() if component == name):
            shards = list_shards(selected / source)
            inputs.shards += shards
            inputs.component += [name] * len(shards)
    if not inputs.shards:
        raise InputError(f"{selected}: no documents in any source")
    return inputs
