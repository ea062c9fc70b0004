"""`make why`: a document or snippet is traced through the stages."""

from pathlib import Path

import pytest
from conftest import run_module

from mathcode_pile.core.documents import DOCUMENT, DROPPED, SNIPPET
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.shards import ShardWriter, shard_name
from tools.why import trace


def test_a_record_is_traced_through_the_stages(tmp_path: Path) -> None:
    page = {"id": "s/1", "text": "x", "source": "s", "url": "", "license": "MIT", "metadata": "{}"}
    snippet = dict.fromkeys(SNIPPET.names, "") | {"document_id": "s/1", "position": 0, "chain": 0, "anchor": 0}
    dropped = {"id": "s/1#0", "reason": "contradicted", "detail": "1, not 2"}
    for place, schema, row in [
        ("select/s", DOCUMENT, page),
        ("translate/c", SNIPPET, snippet),
        ("verify/c/dropped", DROPPED, dropped),
        ("fetch/s", DOCUMENT, page),
    ]:
        with ShardWriter(tmp_path / place / shard_name(0), schema) as writer:
            writer.write_rows([row])
    folders = [line.partition(": ")[::2] for line in trace(tmp_path, "s/1")]
    assert [(Path(folder).relative_to(tmp_path).as_posix(), said) for folder, said in folders] == [
        ("fetch/s", "there"),
        ("select/s", "there"),
        ("translate/c", "1 snippet"),
        ("verify/c", "s/1#0 dropped: contradicted 1, not 2"),
    ]
    with pytest.raises(PipelineError, match=r"^s/2: no shard in .* has it$"):
        trace(tmp_path, "s/2")


@pytest.mark.parametrize("identity", ["", "a/0#x"])
def test_what_is_no_id_ends_in_a_line_with_an_example(identity: str) -> None:
    said = run_module("tools", "why", identity)
    assert said.returncode == 1 and said.stderr.startswith("error: ") and said.stderr.count("\n") == 1
    assert "make why ID=openwebmath/" in said.stderr
