"""Estimate what a run with language models would ask and cost."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import typer
import xxhash
import yaml

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import load, read_yaml
from mathcode_pile.core.shards import count_rows, list_shards, read_batches
from mathcode_pile.llm import LlmParams, Prompt, Task
from mathcode_pile.llm.cache import ReplyCache, reply_key
from mathcode_pile.llm.token_counts import load_counter
from stages.annotate.stage import AnnotateParams, ModelJudge, choose_judge
from stages.translate.stage import ModelTranslator, TranslateParams, choose_translators


class Estimate(NamedTuple):  # of one source or component
    documents: int
    prompts: float
    kept_share: float
    """Of the prompts, the share whose replies are in the cache."""
    prompt_tokens: float
    """Of the prompts that would be asked."""
    completion_tokens: float

    @property
    def asked(self) -> float:
        """The prompts that would be asked."""
        return self.prompts * (1 - self.kept_share)


class Cost(NamedTuple):  # of one source or component, or of several
    asked: float
    tokens: float
    gpu_hours: float | None
    """None where no throughput is known."""


def print_plan(data: Path, profile: str | None, documents: int) -> None:
    """Print documents, prompts, tokens, kept replies and GPU-hours of annotate and translate.

    data: the folder with the stages' data.
    profile: None means the one that params.yaml names.
    documents: how many of each folder are split and counted, with each model's own tokenizer.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = choose_profile(profile, Path(folder)) if profile else Path()
        annotate, translate = load("annotate", AnnotateParams, root=root), load("translate", TranslateParams, root=root)
        llm = load("llm", LlmParams, root=root)
    typer.echo(f"profile {profile or read_yaml(Path('params.yaml'))['profile']}, documents of {data}/ as it is now")
    for name, model in llm.models.items():
        if model.revision is None:
            typer.echo(f"llm.models.{name}.revision is not pinned: counted at the main branch; a run needs `make pin`")
    llm = llm.at_main()
    costs: list[Cost] = []
    with_model = False
    for source, task in annotate.sources.items():
        asker = choose_judge(source, annotate, llm)
        with_model |= _asks(asker)
        costs += _print_plan(f"annotate@{source}", asker, data / task.input, documents, task.sample)
    for component in translate.components:
        for translator in choose_translators(translate, llm):
            with_model |= _asks(translator)
            costs += _print_plan(f"translate@{component}", translator, data / "deduplicate" / component, documents, 0)
    if not with_model:
        typer.echo("No model is asked, so nothing is paid: rules, the symbolic translator and recorded replies do all.")
    elif costs:
        hours = [cost.gpu_hours for cost in costs if cost.gpu_hours is not None]
        price = f"{sum(hours):,.2f} GPU-hours" if len(hours) == len(costs) else "GPU-hours unknown"
        asked, tokens = sum(cost.asked for cost in costs), sum(cost.tokens for cost in costs)
        typer.echo(f"in all: {asked:,.0f} prompts to ask, {tokens:,.0f} tokens, {price}")


def choose_profile(profile: str, folder: Path) -> Path:
    """Return a folder that reads like the repository with another profile chosen."""
    if not Path("profiles", f"{profile}.yaml").is_file():
        raise ParamsError(f"--profile: no profiles/{profile}.yaml")
    content = read_yaml(Path("params.yaml")) | {"profile": profile}
    (folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    (folder / "profiles").symlink_to(Path("profiles").resolve())
    return folder


def _asks(asker: object) -> bool:
    return isinstance(asker, ModelJudge | ModelTranslator) and asker.task.backend != "recorded"


def _print_plan(name: str, asker: object, folder: Path, documents: int, sample: int) -> list[Cost]:
    """Print the plan of a source or component; return its cost, or nothing where none is asked or known."""
    if not _asks(asker):
        typer.echo(f"{name}: no model is asked")
        return []
    assert isinstance(asker, ModelJudge | ModelTranslator)
    if not folder.is_dir():
        typer.echo(f"{name}: {folder} does not exist yet, so its documents cannot be counted")
        return []
    replies = ReplyCache()
    found = estimate(asker, folder, documents, sample, replies)
    tokens = found.prompt_tokens + found.completion_tokens
    hours, how = _price(asker.task, tokens, replies)
    most = "" if found.kept_share else "at most "
    typer.echo(f"{name}: {asker.task.model.id}, {found.documents:,} documents, {found.prompts:,.0f} pieces")
    typer.echo(f"  kept already  {found.kept_share:.0%}, to ask {found.asked:,.0f}")
    typer.echo(
        f"  tokens        {found.prompt_tokens:,.0f} of prompts, {most}{found.completion_tokens:,.0f} of answers"
    )
    typer.echo(f"  GPU-hours     {how}")
    return [Cost(found.asked, tokens, hours)]


def _price(task: Task, tokens: float, replies: ReplyCache) -> tuple[float | None, str]:
    """Return GPU-hours, None where no throughput is known, and the text that explains them."""
    measured = replies.throughput(task.model.id, task.stage)
    if measured:
        rate, how = (measured.prompt_tokens + measured.completion_tokens) / measured.seconds, "measured here"
    elif task.model.tokens_per_s:
        rate, how = task.model.tokens_per_s, "stated in llm.models"
    else:
        return None, "unknown: set llm.models.*.tokens_per_s, or run a little first"
    hours = tokens / rate / 3600
    gpu_hours = hours * task.model.gpus
    return gpu_hours, f"{gpu_hours:,.2f} ({hours:,.2f} h, GPUs: {task.model.gpus}, {rate:,.0f} tokens/s {how})"


def estimate(
    asker: ModelJudge | ModelTranslator, folder: Path, documents: int, sample: int, replies: ReplyCache
) -> Estimate:
    """Return the estimate for all documents of a folder, from a sample: those with the smallest hashes of their ids.

    The length of an answer is the mean of the kept answers in the sample; without any, it is the limit.
    """
    model = asker.task.model
    counter = load_counter(model)
    everyone = count_rows(folder)
    everyone = min(sample, everyone) if sample else everyone
    texts = _sample_texts(folder, documents)
    prompts = [prompt for _, prompt in asker.write_prompts(enumerate(texts)) if isinstance(prompt, Prompt)]
    identity = asker.task.identity()
    kept = [replies.get(reply_key(identity, prompt)) for prompt in prompts]
    answers = [completion.completion_tokens for completion in kept if completion]
    length = sum(answers) / len(answers) if answers else asker.task.max_completion_tokens
    scale = everyone / max(len(texts), 1)
    new = [prompt for prompt, completion in zip(prompts, kept, strict=True) if not completion]
    tokens = sum(counter.count_prompt(prompt) for prompt in new)
    share = len(answers) / max(len(prompts), 1)
    return Estimate(everyone, len(prompts) * scale, share, tokens * scale, len(new) * length * scale)


def _sample_texts(folder: Path, documents: int) -> list[str]:
    chosen = heapq.nsmallest(documents, _hashed_texts(folder), key=lambda pair: pair[0])
    return [text for _, text in chosen]


def _hashed_texts(folder: Path) -> Iterable[tuple[int, str]]:
    def rows() -> Iterator[tuple[int, str]]:
        for shard in list_shards(folder):
            for batch in read_batches(shard, ["id", "text"]):
                for name, text in zip(batch.column(0), batch.column(1), strict=True):
                    # annotate takes its own samples by the same hashes.
                    yield xxhash.xxh3_64_intdigest(name.as_py().encode(), seed=1), text.as_py()

    return rows()
