"""Compare prompts for translate: what a served model finds with each of them in labelled documents.

python -m bench.translate                                   the pipeline's prompt
python -m bench.translate bench/prompts/*                   others; a folder has two, see ListingTranslator
python -m bench.translate --samples 4 --temperature 0.7     documents without a verified snippet are asked again

It asks the model of the profile `coder` (`make serve-model`) and keeps the replies, so it can be stopped and continued.
Half of the documents are pages of the sample, whose front matter labels the wrong statements. The other half are
worked solutions from MATHCODE_REAL_DATA, where that is there.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
import yaml

from bench.environment import REAL_DATA, ROOT
from mathcode_pile.answers import Checker
from mathcode_pile.core.funnel import DropReason, Failed
from mathcode_pile.core.params import load
from mathcode_pile.llm import Inquiry, NoReply, Prompt, Task, Template, Text, load_template
from mathcode_pile.sandbox import Limits, Sandbox
from stages.translate.computation import Computation
from stages.translate.reasons import Reason
from stages.translate.selection import select
from stages.translate.translators import PROMPT, ModelTranslator, Translated, TranslateParams
from tools.record import read_inquiries

UNREAD = {*NoReply, Reason.EMPTY_REPLY, Reason.UNPARSED_REPLY, Reason.CUT_OFF}


class Labelled(NamedTuple):
    """A document, and a statement in it that is wrong; empty where all are right."""

    name: str
    text: str
    wrong: str


def read_documents(count: int, held_out: bool) -> list[Labelled]:
    """Return labelled documents, half of them pages of the sample, in an order that a hash of their names gives.

    held_out: worked solutions alone, those that no prompt was tuned on.
    """
    solutions = list(islice(_read_solutions(held_out), count))
    pages = [] if held_out else list(islice(_read_sample_pages(), count - min(len(solutions), count // 2)))
    return [*pages, *solutions[: count - len(pages)]]


def _read_sample_pages() -> Iterator[Labelled]:
    paths = sorted((ROOT / "sample" / "pages").glob("*.md"), key=lambda path: _hash(path.stem))
    for path in paths:
        _, front, text = path.read_text(encoding="utf-8").split("---\n", 2)
        labels = yaml.safe_load(front)
        if labels["computations"]:
            yield Labelled(path.stem, text.strip(), labels.get("wrong_statement", ""))


def _read_solutions(held_out: bool) -> Iterator[Labelled]:
    path = REAL_DATA / "documents" / "math_worked_solutions.jsonl"
    rows = [json.loads(line) for line in path.open(encoding="utf-8")] if path.is_file() else []
    for row in sorted(rows, key=lambda row: _hash(str(row["id"]))):
        if (int(_hash(str(row["id"]))[:2], 16) % 2 == 1) == held_out:
            yield Labelled(f"math/{row['id']}", f"{row['problem']}\n\n{row['solution']}", "")


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@dataclass(frozen=True)
class ListingTranslator(ModelTranslator):
    """Asks in two turns: for a list of the computations of a text, and then for the program of each in the list."""

    listing: Template
    lists: dict[str, str] = field(default_factory=dict)
    """What the first turn answered about each text."""

    def translate(self, texts: Iterable[Text], total: int) -> Translated:
        """Yield the translation of each text."""
        by_row = dict(texts)
        first = Inquiry(self.task, self.listing, self.max_characters)
        for row, answers in first.ask(by_row.items(), total, lambda reply: reply.text, lambda _: None):
            self.lists[by_row[row].strip("\n")] = "" if isinstance(answers, Failed) else "\n".join(answers)
        yield from super().translate(by_row.items(), total)

    def _write(self, text: str) -> Prompt:
        return self.template.render(text=text, list=self.lists.get(text, ""))


class Tried(NamedTuple):
    """What became of the computations that a prompt found."""

    documents: int
    verdicts: Counter[str]
    verified_in: set[int]
    """The rows of documents with a verified snippet."""
    false_accepts: int
    """Verified snippets whose result is the one that the label calls wrong."""
    unread: int
    """Replies that could not be read."""
    replies: int
    reasons: Counter[str]


def choose_translator(path: Path, task: Task, max_characters: int) -> ModelTranslator:
    """Return the translator with the prompt in a file, or with the two prompts in a folder."""
    if not path.is_dir():
        return ModelTranslator(task, load_template(path), max_characters)
    write, listing = load_template(path / "write.txt"), load_template(path / "list.txt")
    return ListingTranslator(task, write, max_characters, listing)


def try_prompt(documents: list[Labelled], translator: ModelTranslator) -> Tried:
    """Translate, execute and verify the documents; programs that the stage leaves out do not count."""
    found = translator.translate(((row, d.text) for row, d in enumerate(documents)), len(documents))
    translations = {row: translation for row, translation in found if not isinstance(translation, Failed)}
    least = load("translate", TranslateParams).min_operations
    selected = {row: select(translation.computations, least) for row, translation in translations.items()}
    reasons: Counter[DropReason] = Counter()
    for row, selection in selected.items():
        reasons += translations[row].reasons + selection.reasons
    verdicts, accepted, wrong = Counter[str](), set[int](), 0
    with Sandbox(Limits(10, 2048, 65536, 16), lanes=len(os.sched_getaffinity(0))) as sandbox, Checker(5) as checker:
        for row, selection in selected.items():
            for computation, verdict in _judge(selection.kept, sandbox, checker):
                verdicts[verdict] += 1
                if verdict == "verified":
                    accepted.add(row)
                    wrong += bool(documents[row].wrong) and _states(documents[row].wrong, computation)
    return Tried(
        documents=len(documents),
        verdicts=verdicts,
        verified_in=accepted,
        false_accepts=wrong,
        unread=sum(count for reason, count in reasons.items() if reason in UNREAD),
        replies=sum(translation.pieces for translation in translations.values()),
        reasons=Counter({reason.value: count for reason, count in reasons.items()}),
    )


def _judge(computations: list[Computation], sandbox: Sandbox, checker: Checker) -> Iterator[tuple[Computation, str]]:
    results = sandbox.run_all([c.code for c in computations])
    for computation, result in zip(computations, results, strict=True):
        ran = result.outcome == "ok"
        yield computation, checker.compare(computation.result, result.stdout).verdict if ran else str(result.outcome)


def _states(statement: str, computation: Computation) -> bool:
    """Whether the wrong statement ends in the result of a computation."""
    return statement.strip(" .$").endswith(computation.result.strip(" .$"))


def to_table(rows: dict[str, Tried]) -> str:
    """Return the comparison as a Markdown table."""
    lines = [
        "| prompt | documents with a verified snippet | verified | contradicted | uncheckable | did not run | "
        "wrong results accepted | replies that cannot be read |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, tried in rows.items():
        verdicts = tried.verdicts
        judged = ("verified", "contradicted", "uncheckable")
        stopped = verdicts.total() - sum(verdicts[verdict] for verdict in judged)
        cells = [
            f"{len(tried.verified_in)} of {tried.documents}", *(verdicts[verdict] for verdict in judged), stopped,
            tried.false_accepts, f"{tried.unread} of {tried.replies}",
        ]  # fmt: skip
        lines.append(f"| {name} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main(
    prompts: Annotated[
        list[Path] | None, typer.Argument(help="Files with prompts; the pipeline's own by default.")
    ] = None,
    documents: Annotated[int, typer.Option(help="How many documents.")] = 60,
    samples: Annotated[
        int, typer.Option(help="How often to ask about a document that has no verified snippet yet.")
    ] = 1,
    temperature: Annotated[float, typer.Option(help="0: the likeliest answer.")] = 0,
    held_out: Annotated[bool, typer.Option(help="Worked solutions that no prompt was tuned on, and no pages.")] = False,
) -> None:
    """Compare prompts and print a table."""
    labelled = read_documents(documents, held_out)
    own = next(inquiry for inquiry in read_inquiries() if isinstance(inquiry, ModelTranslator))
    rows = {}
    for path in prompts or [PROMPT]:
        left = labelled
        for sample in range(samples):
            model = own.task.model.model_copy(update={"temperature": temperature, "seed": sample})
            task = own.task._replace(model=model, max_failed_share=1)
            tried = try_prompt(left, choose_translator(path, task, own.max_characters))
            left = [document for row, document in enumerate(left) if row not in tried.verified_in]
            name = f"{path.stem}, answer {sample + 1}" if samples > 1 else path.stem
            rows[name] = tried
            typer.echo(f"{name}: {dict(tried.reasons)}; {len(left)} documents have no verified snippet", err=True)
    typer.echo(to_table(rows))


if __name__ == "__main__":
    typer.run(main)
