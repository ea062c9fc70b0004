"""List the stages that a change reruns, from DVC's graph: those that read what changed, and all that follow."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mathcode_pile.core.errors import PipelineError, first_line


class Changed(NamedTuple):  # one file or folder, or one param in a file
    path: str
    key: str
    """The param, as verify.rule; empty for a whole file."""


def list_affected(changes: Sequence[str]) -> list[str]:
    """Return a line for each affected stage, in the order in which they run.

    changes: paths, and params as `verify.rule` or `profiles/sample.yaml:fetch.cc_en`; without any, what `dvc status`
    finds changed.
    Raises PipelineError where no stage reads one of them.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            return list(_list(repo, changes))
    except DvcException as error:  # another dvc command is running, or dvc.yaml is no valid file
        raise PipelineError(f"dvc: {first_line(error)}") from None


def _list(repo: Any, changes: Sequence[str]) -> Iterator[str]:
    stages = list(repo.index.stages)
    reasons: dict[Any, str] = {}
    if changes:
        for change in changes:
            places = find_places(change)
            found = {stage: why for stage in stages for place in places for why in _matches(stage, place)}
            if not found:
                raise PipelineError(f"{change}: no stage reads it; a param is named as verify.rule")
            reasons = found | reasons
    else:
        changed = repo.status()
        reasons = {stage: "changed" for stage in stages if stage.addressing in changed}
    yield from _describe(repo.index.graph, reasons)


def find_places(change: str) -> list[Changed]:
    """Return what a change names: a path, or a param where params.yaml, its profile or the named file has it."""
    path, _, key = change.partition(":")
    if key:
        return [Changed(path, key)] if _has_key(Path(path), key) else []
    params = Path("params.yaml")
    profile = f"profiles/{yaml.safe_load(params.read_text(encoding='utf-8')).get('profile')}.yaml"
    places = [Changed(str(file), change) for file in (params, Path(profile)) if _has_key(file, change)]
    return places or [Changed(change.rstrip("/"), "")]


def _has_key(path: Path, key: str) -> bool:
    values = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
    for part in key.split("."):
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _matches(stage: Any, changed: Changed) -> Iterator[str]:
    """Yield what a stage reads of a change: a path, or the names of params."""
    for dep in stage.deps:
        place = Path(dep.fs_path).relative_to(stage.repo.root_dir).as_posix()
        names = getattr(dep, "params", None)
        if not changed.key:
            if _contains(place, changed.path) or _contains(changed.path, place):
                yield place
        elif place == changed.path and names is not None:
            hit = [name for name in names if _contains(name, changed.key, ".") or _contains(changed.key, name, ".")]
            yield from [f"{place}: {', '.join(hit)}"] if hit else []


def _contains(whole: str, part: str, separator: str = "/") -> bool:
    return part == whole or part.startswith(whole + separator)


def _describe(graph: Any, reasons: dict[Any, str]) -> Iterator[str]:
    """Yield the stages and what follows them, each after those whose outs it reads."""
    import networkx as nx

    flow = nx.reverse_view(graph)  # DVC's edges point from a stage to what it depends on
    reached = set(reasons).union(*(nx.descendants(flow, stage) for stage in reasons))
    width = max((len(stage.addressing) for stage in reached), default=0)
    for stage in nx.lexicographical_topological_sort(flow.subgraph(reached), key=lambda stage: stage.addressing):
        before = ", ".join(sorted(other.addressing for other in graph.successors(stage) if other in reached))
        yield f"{stage.addressing:<{width}}  {reasons.get(stage) or f'after {before}'}"
