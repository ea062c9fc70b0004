"""List the stages that a change reruns, from DVC's graph: those that read what changed, and all that follow."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mathcode_pile.core.errors import PipelineError


def list_affected(changes: Sequence[str]) -> list[str]:
    """Return a line for each affected stage, in the order in which they run.

    changes: paths, and params as `verify.rule` or `profiles/sample.yaml:fetch.cc_en`; without any, what `dvc status`
    finds changed.
    Raises PipelineError where no stage reads one of them.
    """
    from dvc.repo import Repo

    with Repo() as repo, repo.lock:
        stages = list(repo.index.stages)
        reasons: dict[Any, str] = {}
        if changes:
            for change in changes:
                found = {stage: why for stage in stages for why in _matches(stage, change)}
                if not found:
                    raise PipelineError(f"{change}: no stage reads it; a param is named as verify.rule")
                reasons = found | reasons
        else:
            changed = repo.status()
            reasons = {stage: "changed" for stage in stages if stage.addressing in changed}
        return list(_describe(repo.index.graph, reasons))


def _matches(stage: Any, change: str) -> Iterator[str]:
    """Yield what a stage reads of a change: a path, or the names of params."""
    path, _, key = change.partition(":")
    for dep in stage.deps:
        place = Path(dep.fs_path).relative_to(stage.repo.root_dir).as_posix()
        names = getattr(dep, "params", None)
        if names is None:
            if not key and (_contains(place, path) or _contains(path, place)):
                yield place
        elif not key and _contains(place, path):  # the whole file of params
            yield place
        else:
            wanted = key if place == path else change if place == "params.yaml" else ""
            if hit := [name for name in names if wanted and _covers(name, wanted)]:
                yield f"{place}: {', '.join(hit)}" if place != "params.yaml" else ", ".join(hit)


def _contains(folder: str, path: str) -> bool:
    return path.strip("/") == folder or path.startswith(f"{folder}/")


def _covers(name: str, wanted: str) -> bool:
    return wanted == name or wanted.startswith(f"{name}.") or name.startswith(f"{wanted}.")


def _describe(graph: Any, reasons: dict[Any, str]) -> Iterator[str]:
    """Yield the stages and what follows them, each after those whose outs it reads."""
    import networkx as nx

    flow = nx.reverse_view(graph)  # DVC's edges point from a stage to what it depends on
    reached = set(reasons).union(*(nx.descendants(flow, stage) for stage in reasons))
    width = max((len(stage.addressing) for stage in reached), default=0)
    for stage in nx.lexicographical_topological_sort(flow.subgraph(reached), key=lambda stage: stage.addressing):
        before = ", ".join(sorted(other.addressing for other in graph.successors(stage) if other in reached))
        yield f"{stage.addressing:<{width}}  {reasons.get(stage) or f'after {before}'}"
