"""What is left of each component after each step: documents, then snippets, then tokens, never mixed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.core.funnel import parse_reasons
from mathcode_pile.core.outcomes import Outcome
from mathcode_pile.core.shards import count_rows, list_shards, read_batches
from stages.report.funnel import Metrics, add_counts, read_programs

DOCUMENTS = ("in the source", "read and scored", "selected", "without duplicates", "without leaks")
SNIPPETS = ("found", "ran to the end", "verified", "without leaks", "in the corpus")
TOKENS = ("in the corpus", "for training", "drawn by the mixture")


class Point(NamedTuple):  # a component after one step
    left: int
    lost: dict[str, int]
    """What the step dropped, by reason."""

    @property
    def why(self) -> str:
        """The reasons in one line."""
        return ", ".join(f"{reason} {count:,}" for reason, count in self.lost.items())


class Flow(NamedTuple):
    """One component through all steps of a unit; one that lacks the metrics of a step has fewer points."""

    component: str
    points: list[Point]

    @property
    def most(self) -> int:
        """The largest count, for the scale."""
        return max([1, *(point.left for point in self.points)])


class Unit(NamedTuple):
    """All components in one unit: documents, snippets or tokens."""

    name: str
    steps: tuple[str, ...]
    flows: list[Flow]

    @property
    def totals(self) -> list[int]:
        """The sum of the components after each step."""
        return [
            sum(flow.points[step].left for flow in self.flows if step < len(flow.points))
            for step in range(len(self.steps))
        ]

    def tabulate(self) -> list[dict[str, Any]]:
        """Return a row for each component and step: what is left, what was lost, and why."""
        return [
            {"component": flow.component, "step": step, "left": point.left, "lost": point.why}
            for flow in self.flows
            for step, point in zip(self.steps, flow.points, strict=False)
        ]


def follow_documents(metrics: Metrics, params: Mapping[str, Any], data: Path) -> list[Flow]:
    """Return the documents of each component after each step of DOCUMENTS."""
    parents = dict(_inputs(params))
    flows = []
    for component in params.get("components", {}):
        names = [name for name, source in params.get("sources", {}).items() if source["component"] == component]
        chains = [list(_chain(params["sources"][name]["input"], parents)) for name in names]
        fetched = [metrics.get(f"fetch@{name}", {}) for name in names]
        between = [metrics.get(stage, {}) for chain in chains for stage in chain if not stage.startswith("fetch@")]
        selected = [metrics.get(f"select@{name}", {}) for name in names]
        if not names or not all(fetched + selected):
            continue
        points = [
            Point(_sum(fetched, "in"), {}),
            Point(_sum(selected, "in"), _add_reasons(fetched + between)),
            Point(_sum(selected, "kept"), _add_reasons(selected)),
        ]
        unique = metrics.get("deduplicate", {})
        if f"{component}_kept" in unique:
            lost = {r: unique.get(f"{component}_{r}", 0) for r in ("exact_duplicate", "near_duplicate")}
            points.append(Point(unique[f"{component}_kept"], {r: n for r, n in lost.items() if n}))
        if f"documents_{component}" in metrics.get("corpus", {}):
            lost = _count_dropped(data / "decontaminate" / "documents" / component)
            points.append(Point(metrics["corpus"][f"documents_{component}"], lost))
        flows.append(Flow(component, points))
    return flows


def follow_snippets(metrics: Metrics, data: Path) -> list[Flow]:
    """Return the snippets of each component that is translated after each step of SNIPPETS."""
    flows = []
    for name, found in metrics.items():
        component = name.removeprefix("translate@")
        judged = metrics.get(f"verify@{component}", {})
        if not name.startswith("translate@") or not judged:
            continue
        reasons = parse_reasons(judged.get("reasons", ""))
        ended = {reason: count for reason, count in reasons.items() if reason in set(Outcome)}
        others = {reason: count for reason, count in reasons.items() if reason not in ended}
        points = [
            Point(found.get("snippets", 0), {}),
            Point(judged["in"] - sum(ended.values()), ended),
            Point(judged["kept"], others),
        ]
        clean = data / "decontaminate" / "snippets" / component
        if clean.is_dir():
            points.append(Point(count_rows(clean), _count_dropped(clean)))
            if written := read_programs(metrics).get(component):
                points.append(Point(written["kept"], _add_reasons([written])))
        flows.append(Flow(component, points))
    return flows


def follow_tokens(metrics: Metrics, params: Mapping[str, Any]) -> list[Flow]:
    """Return the tokens of each component after each step of TOKENS."""
    flows = []
    for component in params.get("components", {}):
        counted = metrics.get(f"tokenize@{component}", {})
        if "tokens" not in counted:
            continue
        held_out = counted.get("held_out_tokens", 0)
        points = [
            Point(counted["tokens"] + held_out, {}),
            Point(counted["tokens"], {"held out": held_out} if held_out else {}),
        ]
        drawn = metrics.get("pack", {}).get(f"{component}_tokens")
        if drawn is not None:
            rest = counted["tokens"] - drawn
            points.append(Point(drawn, {"not drawn": rest} if rest > 0 else {}))
        flows.append(Flow(component, points))
    return flows


def _inputs(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each stage that comes before select, as `classify@round2`, with the folder that it reads."""
    for stage, section in (("annotate", "annotate"), ("filter_code", "filter_code"), ("classify", "classifiers")):
        entries = params.get(section, {})
        for name, entry in (entries if section == "classifiers" else entries.get("sources", {})).items():
            yield f"{stage}@{name}", entry["input"]
    yield "extract_textbooks", "fetch/textbooks"


def _chain(folder: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Yield the stages that lead to a folder of data, the last first."""
    while folder:
        name = folder.replace("/", "@")
        yield name
        folder = parents.get(name, "")


def _sum(parts: list[dict[str, Any]], key: str) -> int:
    return add_counts([{key: part.get(key, 0)} for part in parts])[key]


def _add_reasons(parts: list[dict[str, Any]]) -> dict[str, int]:
    total = add_counts([parse_reasons(part.get("reasons", "")) for part in parts])
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def _count_dropped(folder: Path) -> dict[str, int]:
    """Return how many records of a folder were dropped for each reason."""
    dropped = folder / "dropped"
    shards = list_shards(dropped) if dropped.is_dir() else []
    counts = [
        {pair["values"]: pair["counts"]}
        for shard in shards
        for batch in read_batches(shard, ["reason"])
        for pair in batch.column("reason").value_counts().to_pylist()
    ]
    return add_counts(counts)
