"""The real worked solutions beside the repository, through translate, execute and verify."""

import json
from functools import partial
from pathlib import Path

import pytest

from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.params import load
from mathcode_pile.core.shards import ShardWriter, count_rows, read_rows, shard_name
from mathcode_pile.llm import LlmParams
from stages.execute.stage import ExecuteParams, execute_folder
from stages.translate.stage import translate
from stages.translate.translators import TranslateParams
from stages.verify.stage import VerifyParams, verify_shard


@pytest.mark.slow
def test_worked_solutions_give_at_least_1500_verified_snippets(real_data: Path, project: Path) -> None:
    base = {"source": "worked", "url": "", "license": "MIT", "metadata": "{}"}
    lines = (real_data / "documents" / "math_worked_solutions.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    for index in range(0, len(records), 625):
        rows = [
            base | {"id": r["id"], "text": f"{r['problem']}\n\n{r['solution']}"} for r in records[index : index + 625]
        ]
        with ShardWriter(Path("documents") / shard_name(index // 625), DOCUMENT) as writer:
            writer.write_rows(rows)
    translate(Path("documents"), Path("translated"), load("translate", TranslateParams), load("llm", LlmParams))
    execute_folder(Path("translated"), Path("executed"), load("execute", ExecuteParams))
    work = partial(verify_shard, params=load("verify", VerifyParams))
    report = map_folder("verify", work, Path("executed"), Path("verified"), [])
    assert report.read == report.kept + report.dropped.total()
    assert report.kept == count_rows(Path("verified")) >= 1500
    assert len({row["document_id"] for row in read_rows(Path("verified"), ["document_id"])}) >= 1300
    print(f"{len(records)} documents, {report.read} snippets, {report.kept} verified, dropped {dict(report.dropped)}")
