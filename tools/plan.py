"""Estimate what a run takes, stage by stage: documents, prompts, tokens, GPU-hours, money, disk and time.

Nothing is asked of a hub or a model. What is known comes from configs/planning.yaml, from the metrics of a run with the
same params, and from the speed of earlier runs on this machine, so the plan gets sharper as stages finish.
"""

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import typer

from mathcode_pile.core.params import load, load_entries, read_section, read_yaml
from mathcode_pile.llm import LlmParams
from stages.annotate.stage import PROMPTS, AnnotateParams
from stages.fetch.stage import OriginsParams
from stages.pack.stage import PackParams
from stages.pretrain.training_params import PretrainParams
from stages.select.stage import SourceParams
from stages.translate.stage import PROMPT, TranslateParams
from tools.earlier_run import Recorded
from tools.figures import Card, Figures, load_figures
from tools.plan_documents import NOTHING, Amount, plan_source
from tools.plan_models import Asked, count_asked, find_speed, read_throughput
from tools.plan_training import TrainingPlan, find_shape, plan_training
from tools.profiles import choose_profile
from tools.spans import ZERO, Span, write_bytes, write_count, write_time

HEADS = ("stage", "documents", "prompts", "tokens", "GPU-hours", "dollars", "disk", "wall time")


class Line(NamedTuple):
    """What one stage takes; None where nobody knows."""

    name: str
    documents: Span = ZERO
    prompts: Span = ZERO
    tokens: Span = ZERO
    gpu_hours: Span | None = ZERO
    disk: Span = ZERO
    wall_s: Span | None = ZERO

    def cells(self, price: float) -> list[str]:
        """Return the line's texts; price: of a GPU-hour."""
        counts = [_write(span, write_count) for span in (self.documents, self.prompts, self.tokens)]
        money = self.gpu_hours * price if self.gpu_hours is not None else None
        costs = [_write(span, write_count) for span in (self.gpu_hours, money)]
        return [self.name, *counts, *costs, _write(self.disk, write_bytes), _write(self.wall_s, write_time)]


def _write(span: Span | None, write: Callable[[float], str]) -> str:
    if span is None:
        return "unknown"
    return span.describe(write) if span.high else ""


class Planner:
    """The params of a profile, and what is known about its run."""

    def __init__(self, root: Path, profile: str, card: str, figures: Figures) -> None:
        """root: a folder that reads like the repository with the profile chosen."""
        self.figures, self.card_name = figures, card
        self.card: Card = figures.card(card)
        self.recorded = Recorded(Path(), read_yaml(Path("profiles", f"{profile}.yaml")))
        self.sources = load_entries("sources", SourceParams, root)
        origins = load_entries("fetch", OriginsParams, root)
        self.annotate, self.translate = (
            load("annotate", AnnotateParams, root=root),
            load("translate", TranslateParams, root=root),
        )
        self.llm = load("llm", LlmParams, root=root)
        self.pretrain, self.pack = load("pretrain", PretrainParams, root=root), load("pack", PackParams, root=root)
        self.base_model = read_section("base_model", root)
        self.vocabulary = (read_section("tokenizer", root).get("train") or {}).get("vocabulary", 0)
        self.classifiers = read_section("classifiers", root)
        self.code = read_section("filter_code", root)["sources"]
        self.fetched = {name: plan_source(name, origins[name], figures, self.recorded) for name in self.sources}
        self.notes: list[str] = []
        self.cores = os.cpu_count() or 1

    def plan(self) -> tuple[list[Line], TrainingPlan]:
        """Return a line for each stage, in the order in which they run, and the training run."""
        kept = {name: self._keep(name) for name in self.sources}
        components: dict[str, Amount] = {}
        for name, source in self.sources.items():
            components[source.component] = components.get(source.component, NOTHING) + kept[name]
        corpus = sum(components.values(), NOTHING)
        lines = [self._fetch(name) for name in self.sources]
        lines += [self._annotate(name) for name in self.annotate.sources]
        scored = [
            self.fetched[entry["input"].removeprefix("fetch/")]
            for entry in self.classifiers.values()
            if entry["input"].startswith("fetch/")
        ]
        code = [self.fetched[entry["input"].removeprefix("fetch/")] for entry in self.code.values()]
        rates = self.figures.cores
        lines.append(self._work("filter_code", sum(code, NOTHING), rates.filter_code_mb_per_s))
        lines.append(self._work("classify", sum(scored, NOTHING), rates.classify_mb_per_s))
        lines.append(self._work("deduplicate", corpus, rates.deduplicate_mb_per_s))
        lines += [self._translate(name, components.get(name, NOTHING)) for name in self.translate.components]
        translated = sum((components.get(name, NOTHING) for name in self.translate.components), NOTHING)
        snippets = translated.documents * Span(*self.figures.snippets_a_document)
        lines.append(self._count("execute", snippets, rates.execute_snippets_per_s))
        lines.append(self._count("verify", snippets, rates.verify_pairs_per_s))
        lines.append(self._work("decontaminate", corpus, rates.decontaminate_mb_per_s))
        whole = corpus + translated.take(Span(*self.figures.translated_share))
        lines.append(self._work("corpus", whole, rates.fetch_mb_per_s))
        tokens = whole.text_bytes / Span(*self.figures.bytes_a_token)
        lines.append(self._work("tokenize", whole, rates.tokenize_mb_per_s)._replace(tokens=tokens, disk=tokens * 2))
        budget = self.pack.tokens or float("inf")
        packed = tokens.apply(lambda value: min(value, budget))
        time = packed / (rates.pack_tokens_per_s * self.cores)
        lines.append(Line("pack", tokens=packed, disk=packed * 4, wall_s=time))
        shape = find_shape(self.base_model, self.vocabulary, self.figures)
        training = plan_training(self.pretrain, self.pack.sequence_length, packed, shape, self.card, self.figures)
        on_gpu = training.gpu_hours is not None or training.devices > 1 or self.pretrain.precision == "bf16"
        hours = training.gpu_hours if on_gpu else ZERO
        lines.append(
            Line("pretrain", tokens=training.tokens, gpu_hours=hours, disk=training.disk, wall_s=training.wall_s)
        )
        return lines, training

    def _fetch(self, source: str) -> Line:
        amount = self.fetched[source]
        line_s = amount.download_bytes / (Span(*self.figures.line_mb_per_s) * 1e6)
        read_s = amount.text_bytes / (self.figures.cores.fetch_mb_per_s * 1e6)
        disk = amount.download_bytes + amount.text_bytes * self.figures.stored_share
        return Line(f"fetch@{source}", amount.documents, disk=disk, wall_s=line_s + read_s)

    def _keep(self, source: str) -> Amount:
        """Return the documents of a source that select keeps."""
        fetched = self.fetched[source]
        selected = self.recorded.selected(source, self.sources[source].input)
        if selected is None:
            return fetched.take(self.figures.kept_share(source))
        return fetched.take(selected / max(fetched.documents.likely, 1))

    def _annotate(self, source: str) -> Line:
        entry, amount = self.annotate.sources[source], self.fetched[source]
        if self.annotate.backend == "rules":
            return Line(f"annotate@{source}", amount.documents)
        pieces, judged = None, self.recorded.annotated(source, entry.input)
        if judged:
            documents, pieces = judged
            amount = amount.take(documents / max(amount.documents.likely, 1))
        elif entry.sample:
            amount = amount.take(min(1.0, entry.sample / max(amount.documents.likely, 1)))
        template = (PROMPTS / f"{entry.question}.txt").stat().st_size
        return self._ask("annotate", source, self.annotate.model, amount, template, pieces)

    def _translate(self, component: str, amount: Amount) -> Line:
        models = [entry.model for entry in self.translate.translators if entry.backend not in ("symbolic", "recorded")]
        if not models:
            return Line(f"translate@{component}", amount.documents)
        asked = [self._ask("translate", component, name, amount, PROMPT.stat().st_size) for name in models]
        first, *rest = asked
        for line in rest:
            first = first._replace(**{
                name: _add(getattr(first, name), getattr(line, name))
                for name in ("prompts", "tokens", "gpu_hours", "disk", "wall_s")
            })  # fmt: skip
        return first

    def _ask(
        self, stage: str, name: str, model_name: str | None, amount: Amount, template: int, pieces: int | None = None
    ) -> Line:
        model = self.llm.models[model_name or ""]
        section = self.annotate if stage == "annotate" else self.translate
        answer, measured = Span(*self.figures.answers[stage].tokens), read_throughput(model, stage)
        asked: Asked = count_asked(
            amount.documents,
            amount.text_bytes,
            section.max_piece_characters,
            template,
            answer,
            self.figures,
            measured,
            pieces,
        )
        speed = find_speed(model, stage, self.card_name, self.figures)
        hours = wall = None
        if speed:
            wall = speed.seconds(asked.prompt_tokens, asked.answer_tokens)
            hours = wall * (speed.gpus / 3600)
            self.notes.append(f"speed of {model.id}: {speed.basis}")
        else:
            self.notes.append(
                f"speed of {model.id} on {self.card_name}: unknown; set llm.models.{model_name}.tokens_per_s,"
                " or add a row to configs/planning.yaml"
            )
        if measured and measured.prompts:
            self.notes.append(
                f"{stage}: {measured.prompts:,} prompts were asked on this machine; kept replies cost nothing"
            )
        tokens = asked.prompt_tokens + asked.answer_tokens
        return Line(f"{stage}@{name}", asked.documents, asked.prompts, tokens, hours, asked.answer_tokens * 4, wall)

    def _work(self, stage: str, amount: Amount, mb_per_s: float) -> Line:
        """Return the line of a stage that reads text and writes about as much."""
        time = amount.text_bytes / (mb_per_s * 1e6 * self.cores)
        return Line(stage, amount.documents, disk=amount.text_bytes * self.figures.stored_share, wall_s=time)

    def _count(self, stage: str, snippets: Span, per_s: float) -> Line:
        return Line(f"{stage} (snippets)", snippets, disk=snippets * 600, wall_s=snippets / (per_s * self.cores))


def _add(one: Span | None, two: Span | None) -> Span | None:
    return one + two if one is not None and two is not None else None


def sum_up(lines: list[Line]) -> Line:
    """Return what all stages take together, one after another; what is unknown is left out."""
    totals = Line("all")
    for line in lines:
        totals = totals._replace(
            gpu_hours=_add(totals.gpu_hours, line.gpu_hours or ZERO),
            prompts=totals.prompts + line.prompts,
            disk=totals.disk + line.disk,
            wall_s=_add(totals.wall_s, line.wall_s or ZERO),
        )
    return totals


def print_plan(profile: str | None, card: str, price: float | None) -> None:
    """Print the plan of a profile's run; None: of the one that params.yaml names."""
    name = profile or str(read_yaml(Path("params.yaml"))["profile"])
    with tempfile.TemporaryDirectory() as folder:
        planner = Planner(choose_profile(name, Path(folder)), name, card, load_figures())
    lines, training = planner.plan()
    each = planner.card.price if price is None else price
    total = sum_up(lines)
    table = [list(HEADS), *(line.cells(each) for line in [*lines, total])]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADS))]
    for row in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    typer.echo("")
    hours, wall = total.gpu_hours or ZERO, total.wall_s or ZERO
    typer.echo(
        f"profile {name}, likely in all: {write_count(hours.likely)} GPU-hours, ${write_count(hours.likely * each)},"
        f" {write_bytes(total.disk.likely)} of disk, {write_time(wall.likely)} one stage after another"
    )
    typer.echo(training.describe(card))
    typer.echo(f"{card}: ${each:.2f} an hour; CPU work on the {planner.cores} cores of this machine")
    bases = defaultdict(list)
    for source, amount in planner.fetched.items():
        bases[amount.basis].append(source)
    for basis, names in bases.items():
        typer.echo(f"- documents of {', '.join(names)}: {basis}")
    for note in dict.fromkeys(planner.notes):
        typer.echo(f"- {note}")
    typer.echo(
        "Not estimated: OCR in extract_textbooks, evaluate. The figures and their sources: configs/planning.yaml"
    )
