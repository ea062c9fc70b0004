"""The tools beside the stages: comparing experiments, asking what became of a record."""

from pathlib import Path

from mathcode_pile.core.documents import DOCUMENT, DROPPED, SNIPPET
from mathcode_pile.core.shards import ShardWriter, shard_name
from tools.compare import tabulate
from tools.why import trace

EXPORTED = """Experiment,rev,State,metrics/pack.json:textbooks_share,metrics/pack.json:rows,\
metrics/evaluate/pretrained.json:held_out_loss_textbooks,metrics/evaluate/pretrained.json:held_out_stderr_textbooks,\
mixture.textbooks.weight,data/pack
,workspace,,0.1,9,5.5,0.1,1.0,ab.dir
main,1234567,,0.1,9,5.5,0.1,1.0,ab.dir
lowly-wife,7654321,Success,0.2,9,5.1,0.1,2,cd.dir
"""


def test_experiments_stand_side_by_side_with_what_matters() -> None:
    lines = [line.split() for line in tabulate(EXPORTED).splitlines()]
    assert lines == [
        ["main", "lowly-wife"],
        ["mixture.textbooks.weight", "1.0", "2"],
        ["share", "of", "tokens:", "textbooks", "0.1", "0.2"],
        ["held-out", "loss:", "textbooks", "5.5", "5.1"],
    ]


def test_a_record_is_traced_through_the_stages(tmp_path: Path) -> None:
    page = {"id": "s/1", "text": "x", "source": "s", "url": "", "license": "MIT", "metadata": "{}"}
    snippet = dict.fromkeys(SNIPPET.names, "") | {"document_id": "s/1", "position": 0}
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
    assert trace(tmp_path, "s/2") == []
