"""Bring the benchmarks' questions: decontaminate looks for them, and evaluate asks them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import Field, field_validator

from mathcode_pile.core.documents import DROPPED, QUESTION
from mathcode_pile.core.engine import refuse_failures
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Failed, Funnel, Report, attempt
from mathcode_pile.core.options import LETTERS
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import LazyShard, ShardWriter, shard_name
from mathcode_pile.downloads.download import LocalFile, record_files
from mathcode_pile.downloads.remote import RemoteFile
from mathcode_pile.sources import FileSource, check_columns, naming, open_files
from mathcode_pile.sources.records import Tabular, read_records
from mathcode_pile.sources.source_rows import Rejected
from stages.fetch_benchmarks.reasons import Reason

# The names that `columns` of a benchmark may map to columns of its files.
COLUMNS = ("id", "question", "options", "answer", "solution")


class BenchmarkParams(Section):
    """One benchmark; `columns` of its origins maps id, question, options, answer and solution."""

    origins: list[FileSource] = Field(min_length=1)
    """Where the questions come from."""

    @field_validator("origins")
    @classmethod
    def _hold_questions(cls, origins: list[FileSource]) -> list[FileSource]:
        check_columns(origins, COLUMNS)
        for origin in origins:
            if origin.format not in get_args(Tabular):
                raise ValueError(f"format {origin.format} has no records")
            # decontaminate would not look for a question that is left out here.
            if more := sorted(origin.limits.model_fields_set - {"files"}):
                raise ValueError(f"limits.{more[0]}: of a benchmark all rows are taken; only files can be limited")
        return origins


class FetchBenchmarksParams(Section):
    """The benchmarks of the profile, by name."""

    benchmarks: dict[str, BenchmarkParams]
    """The benchmarks by name."""


def fetch_benchmarks(params: FetchBenchmarksParams, out: Path) -> Report:
    """Write a shard of questions for each benchmark to `out/<benchmark>`; return the counts.

    Raises InputError where an origin cannot be read or a benchmark has no question.
    """
    total = Report()
    for name, benchmark in params.benchmarks.items():
        total += _fetch_benchmark(name, benchmark.origins, out / name)
    return total


def _fetch_benchmark(name: str, origins: list[FileSource], folder: Path) -> Report:
    brought: list[LocalFile | RemoteFile] = []
    kept, dropped = (
        ShardWriter(folder / shard_name(0), QUESTION),
        LazyShard(folder / "dropped" / shard_name(0), DROPPED),
    )
    with Funnel(kept, dropped) as funnel:
        report = funnel.report
        questions = list(_read_questions(name, origins, funnel, brought))
        refuse_failures("fetch_benchmarks", report)
        if not questions:
            raise InputError(f"benchmark {name}: no questions in {report.read} records")
        funnel.keep(questions)
    record_files(folder / "files.json", brought)
    report.counts[f"questions_{name}"] = report.kept
    return report


def _read_questions(
    benchmark: str, origins: list[FileSource], funnel: Funnel, brought: list[LocalFile | RemoteFile]
) -> Iterator[dict[str, Any]]:
    for origin in origins:
        for file, record in _read_origin(origin, brought):
            funnel.count_read()
            key = f"{benchmark}/{funnel.report.read:05d}"
            try:
                question = attempt(_to_question, record, key, benchmark, origin.columns)
            except InputError as error:
                funnel.drop(key, Reason.NOT_A_QUESTION, f"{file.name}: {error}")
                continue
            if isinstance(question, Failed):
                funnel.fail(key, question)
            else:
                yield question


def _read_origin(origin: FileSource, brought: list[LocalFile | RemoteFile]) -> Iterator[tuple[LocalFile, Any]]:
    for file in open_files(origin, brought.append):
        with naming(file):
            for record in read_records(file.path, file.name, cast(Tabular, origin.format)):
                yield file, record


def _to_question(record: Any, key: str, benchmark: str, columns: dict[str, str]) -> dict[str, Any]:
    """Return a record as a question; raises InputError where it is none."""
    if isinstance(record, Rejected):
        raise InputError(f"{record.reason}: {record.detail}")

    def column(name: str) -> Any:
        return record.get(columns.get(name, name))

    question, answer, solution = column("question"), column("answer"), column("solution")
    if not isinstance(question, str) or not question.strip():
        raise InputError(f"row {key} has no question")
    options = _read_options(column("options"))
    if isinstance(answer, list):
        answer = ", ".join(str(a) for a in answer)
    if options and isinstance(answer, int):
        # MMLU gives the index of the right option; -1 means that it is kept secret.
        if not 0 <= answer < len(options):
            raise InputError(f"answer {answer} is none of {len(options)} options")
        answer = LETTERS[answer]
    if isinstance(answer, str) and "####" in answer:
        # GSM8K keeps the worked solution and the final answer in one column.
        solution, _, answer = answer.rpartition("####")
    if isinstance(solution, list):
        solution = "\n\n".join(str(s) for s in solution)
    return {
        "id": str(column("id") or key),
        "benchmark": benchmark,
        "question": question,
        "options": options,
        "answer": str(answer if answer is not None else "").strip(),
        "solution": str(solution or "").strip(),
    }


def _read_options(options: Any) -> list[str]:
    """Return options without their letters. They are a list or one text: `A) 3 B) 4`, `(A) 3 (B) 4`, `A. 3 B. 4`."""
    if options is None:
        return []
    if isinstance(options, str):
        parts = re.split(rf"(?:^|\s)\(?([{LETTERS}])[).]\s*", options)
        # Letters separate options only if they come in order: an option itself may contain "(A)".
        if len(parts) < 5 or parts[1::2] != list(LETTERS[: len(parts) // 2]):
            raise InputError(f"options {options[:40]!r} are neither a list nor lettered")
        return [part.strip() for part in parts[2::2]]
    return [str(option) for option in options]
