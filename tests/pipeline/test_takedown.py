"""A page that was taken down is in nothing that the stages from select to pack write; another page is in all of it."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import run_module

from mathcode_pile.core.documents import DOCUMENT, QUESTION, document_id
from mathcode_pile.core.shards import read_rows, write_shards

pytestmark = pytest.mark.slow

COMPONENT, SOURCE = "filtered_openwebmath", "openwebmath"
PAGE = """# {word} and its numbers

The area of the {word} garden is $12 \\cdot 34 + 5 = 413$ square metres, and its fence is
$$2 \\cdot 12 + 2 \\cdot 34 = 92$$
metres long. The gardener of {word} counts {rest} in each bed.
"""
# Other words in each, so that no page is a near duplicate of another.
WORDS = {
    "Aspidistra": "red tulips, old pears and seven kinds of thyme",
    "Begonia": "nothing but moss, a frog, two snails and a broken spade",
    "Chrysanthemum": "how many bees come from the south before the bell rings at noon",
    "Dahlia": "hedgehogs, lanterns, a bench, and what the children left behind on Sunday",
}
GONE = "Begonia"
# What dvc.yaml calls, in this order.
STAGES = {
    "select": "data data/select --metrics metrics/select",
    "deduplicate": "data/select data/deduplicate --metrics metrics/deduplicate.json",
    "translate": "data/deduplicate data/translate --metrics metrics/translate",
    "execute": "data/translate data/execute --metrics metrics/execute",
    "verify": "data/execute data/verify --metrics metrics/verify",
    "decontaminate": "data/deduplicate data/verify data/fetch_benchmarks data/decontaminate --metrics metrics/d.json",
    "corpus": "data/decontaminate data/corpus --selected data/select --metrics metrics/corpus.json",
    "tokenizer": "data/corpus models/tokenizer",
    "tokenize": "data/corpus models/tokenizer data/tokenize --metrics metrics/tokenize",
    "pack": "data/tokenize data/pack --metrics metrics/pack.json --plots metrics/pack",
}


def _shrink_params() -> None:
    """Leave one source, its translated code, the symbolic translator, and a share that holds half of the pages out."""
    params: dict[str, Any] = yaml.safe_load(Path("params.yaml").read_text())
    params["sources"] = {SOURCE: {"component": COMPONENT, "input": f"fetch/{SOURCE}", "keep": "all"}}
    params["translate"]["components"] = {COMPONENT: {}}
    params["components"] = {COMPONENT: {}, "translated_code": {}}
    params["mixture"] = {name: {"weight": 1.0} for name in params["components"]}
    params["decontaminate"]["planted_documents"] = 1
    params["tokenize"] = {"held_out_share": 0.5, "seed": 44}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    profile: dict[str, Any] = yaml.safe_load(Path("profiles/sample.yaml").read_text())
    profile["translate"]["translators"] = [{"backend": "symbolic"}]
    profile["pack"] = {"sequence_length": 64, "tokens": None}
    profile["tokenizer"] = {"train": {"vocabulary": 300}}
    Path("profiles/sample.yaml").write_text(yaml.safe_dump(profile))


def _write_input() -> None:
    rows = [
        {
            "id": document_id(SOURCE, word),
            "text": PAGE.format(word=word, rest=rest),
            "source": SOURCE,
            "url": f"https://{word.lower()}.example.org/",
            "license": "MIT",
            "metadata": "{}",
        }
        for word, rest in WORDS.items()
    ]
    write_shards(Path("data/fetch", SOURCE), [pa.RecordBatch.from_pylist(rows, DOCUMENT)], DOCUMENT)
    question: dict[str, Any] = {"id": "gsm8k/0", "benchmark": "gsm8k", "options": [], "answer": "3", "solution": ""}
    question["question"] = "A ship carries nine crates of oranges and leaves six of them behind. How many are left?"
    write_shards(Path("data/fetch_benchmarks/gsm8k"), [pa.RecordBatch.from_pylist([question], QUESTION)], QUESTION)


def _holds(path: Path, word: str, identities: set[str], decode: Any) -> bool:
    """Say whether a file has a word, or one of the ids, in its bytes, its columns or its tokens."""
    content = path.read_bytes()
    if word.encode() in content:
        return True
    if path.suffix == ".arrow":
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_stream(file).read_all()
    elif path.suffix == ".parquet":
        table = pq.read_table(path)
    else:
        return False
    said = str(table.to_pylist())
    tokens = [row for name in table.schema.names if "token" in name for row in table[name].to_pylist()]
    text = "".join(decode(row) for row in tokens if isinstance(row, list))
    return word in said or word in text or bool(identities & set(re.findall(r"[\w]+/[0-9a-f]{16}", said)))


def test_a_page_that_was_taken_down_is_in_no_out(project: Path) -> None:
    from transformers import AutoTokenizer

    _shrink_params()
    _write_input()
    with open("removed.csv", "a") as file:
        file.write(f"domain,{GONE.lower()}.example.org,2025-12-31,copyright\n")
    for stage, arguments in STAGES.items():
        done = run_module(f"stages.{stage}", *arguments.split())
        assert done.returncode == 0, f"{stage}: {done.stderr[-2000:]}"
    decode = AutoTokenizer.from_pretrained("models/tokenizer").decode
    pages = {word: {document_id(SOURCE, word)} for word in WORDS}
    for identities in pages.values():
        identities |= {document_id("translated_code", page) for page in identities}
    files = [path for path in Path().rglob("*") if path.is_file() and path.parts[0] in ("data", "models")]
    files = [path for path in files if path.parts[1] != "fetch"]
    holding = {
        word: {path.parts[1] for path in files if _holds(path, word, identities, decode)}
        for word, identities in pages.items()
    }
    # Its id is named once: among what select dropped.
    assert holding[GONE] == {"select"}
    assert not any(_holds(path, GONE, set(), decode) for path in files)
    [dropped] = read_rows(Path("data/select", SOURCE, "dropped"))
    assert dropped["id"] == document_id(SOURCE, GONE) and dropped["reason"] == "taken_down"
    # The search finds what is there: pages that stayed are in every stage, some of them in the held-out data.
    assert set.union(*(holding[word] for word in WORDS if word != GONE)) >= STAGES.keys() - {"tokenizer"}
    held_out = [row["id"] for part in Path("data/tokenize").glob("*/held_out") for row in read_rows(part, ["id"])]
    assert held_out and document_id(SOURCE, GONE) not in held_out
    assert "| copyright | 1 |" in Path("data/corpus/README.md").read_text()
