"""Compute what each stage of a profile's run takes."""

import os
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from mathcode_pile.core.params import load, load_entries, read_section, read_yaml
from mathcode_pile.llm import LlmParams
from stages.annotate.stage import PROMPT as TYPE_PROMPT
from stages.annotate.stage import AnnotateParams
from stages.fetch.stage import OriginsParams
from stages.pack.stage import PackParams
from stages.pretrain.training_params import PretrainParams
from stages.select.stage import SourceParams
from stages.translate.translators import PROMPT, TranslateParams, TranslatorParams
from tools.earlier_run import Recorded
from tools.figures import Card, Figures
from tools.plan_documents import NOTHING, Amount, plan_source
from tools.plan_models import Asked, count_asked, find_speed, is_served_here, read_throughput, weight_bytes
from tools.plan_training import TrainingPlan, find_shape, plan_training
from tools.spans import ZERO, Span


class Line(NamedTuple):
    """What one stage takes; None where nobody knows."""

    name: str
    documents: Span = ZERO
    prompts: Span = ZERO
    tokens: Span = ZERO
    gpu_hours: Span | None = ZERO
    disk: Span = ZERO
    wall_s: Span | None = ZERO


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
        # The sources whose documents are dropped by a rule before a model is asked about the others.
        asked = read_section("annotate", root)["sources"]
        self.rules = {name: bool(entry.get("min_dollar_signs")) for name, entry in asked.items()}
        self.base_model = read_section("base_model", root)
        self.vocabulary = (read_section("tokenizer", root).get("train") or {}).get("vocabulary", 0)
        self.classifiers = read_section("classifiers", root)
        self.code = read_section("filter_code", root)["sources"]
        self.evaluate = read_section("evaluate", root)
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
        lines += self._serve()
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
        if shape:
            # As it is downloaded, in 16 bits, and as the stage writes it, in 32.
            size = shape.parameters * (6 if self.base_model.get("hub") else 4)
            lines.append(Line("base_model", disk=Span.exact(size)))
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
        disk = amount.stored_bytes + amount.text_bytes * self.figures.stored_share
        return Line(f"fetch@{source}", amount.documents, disk=disk, wall_s=line_s + read_s)

    def _serve(self) -> list[Line]:
        """Return the lines of what is installed and downloaded to serve models on this machine."""
        askers: list[AnnotateParams | TranslatorParams] = [self.annotate, *self.translate.translators]
        asked = {(entry.backend, entry.model) for entry in askers if entry.model}
        lines = []
        if "vllm" in {self.evaluate.get("backend"), *(backend for backend, _ in asked)}:
            lines.append(Line(".venv-vllm", disk=Span.exact(self.figures.vllm_gb * 1e9)))
        here = {name for backend, name in asked if is_served_here(self.llm.models[name], backend)}
        sizes = {name: weight_bytes(self.llm.models[name], self.figures) for name in sorted(here)}
        for name, size in sizes.items():
            if size is None:
                self.notes.append(
                    f"weights of {self.llm.models[name].id}: unknown, not in the disk; add a row to"
                    " configs/planning.yaml"
                )
        if here:
            lines.append(Line("served models", disk=Span.exact(sum(filter(None, sizes.values())))))
        return lines

    def _keep(self, source: str) -> Amount:
        """Return the documents of a source that select keeps."""
        fetched = self.fetched[source]
        selected = self.recorded.selected(source, self.sources[source].input)
        if selected is None:
            return fetched.take(self.figures.kept_share(source))
        return fetched.take(selected / max(fetched.documents.likely, 1))

    def _annotate(self, source: str) -> Line:
        entry, amount = self.annotate.sources[source], self.fetched[source]
        if self.annotate.backend in ("rules", "recorded"):
            return Line(f"annotate@{source}", amount.documents)
        pieces, judged = None, self.recorded.annotated(source, entry.input)
        if judged:
            documents, pieces = judged
            amount = amount.take(documents / max(amount.documents.likely, 1))
        elif entry.sample:
            amount = amount.take(min(1.0, entry.sample / max(amount.documents.likely, 1)))
        elif self.rules.get(source) and source in self.figures.asked:
            amount = amount.take(Span(*self.figures.asked[source].share))
        template = TYPE_PROMPT.stat().st_size
        return self._ask("annotate", source, self.annotate.model, amount, template, pieces)

    def _translate(self, component: str, amount: Amount) -> Line:
        asked = [entry for entry in self.translate.translators if entry.backend not in ("symbolic", "recorded")]
        if not asked:
            return Line(f"translate@{component}", amount.documents)
        template = PROMPT.stat().st_size
        lines = [
            self._ask("translate", component, entry.model, amount.take(entry.samples), template) for entry in asked
        ]
        return reduce(_together, lines)._replace(documents=amount.documents)

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


def _together(one: Line, two: Line) -> Line:
    """Return what two lines take, one after the other; what is unknown in one of them stays unknown."""
    return Line(
        one.name,
        one.documents + two.documents,
        one.prompts + two.prompts,
        one.tokens + two.tokens,
        _add(one.gpu_hours, two.gpu_hours),
        one.disk + two.disk,
        _add(one.wall_s, two.wall_s),
    )


def sum_up(lines: list[Line]) -> Line:
    """Return what all stages take together, one after another; what is unknown is left out."""
    known = [line._replace(gpu_hours=line.gpu_hours or ZERO, wall_s=line.wall_s or ZERO) for line in lines]
    # Documents and tokens go through several stages, so their sums say nothing.
    return reduce(_together, known)._replace(name="all", documents=ZERO, tokens=ZERO)
