"""What `make repro` made: what a change would rerun, the versions of the corpus, what stands in it.

Each test works in a clone whose data is checked out from the repository's DVC cache.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from s3_server import start_s3

from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.core.shards import read_rows
from mathcode_pile.tokens.packed import PackedRows, list_components, read_tokens
from stages.pack.mixture import ShareParams
from stages.pack.stage import PackParams, pack
from tools.why import explain

MODEL = "qwen2.5-coder-1.5b-instruct-q4_k_m"

pytestmark = pytest.mark.pipeline

DVC = [sys.executable, "-m", "dvc"]
MERGES = {"deduplicate", "decontaminate", "corpus", "tokenizer", "base_model", "pack", "pretrain", "report"}


def run(folder: Path, *command: str, **environment: str) -> str:
    """Run a command in a folder; its output, or a failure that shows it."""
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    scratch = str(ROOT / ".scratch")
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": paths, "MATHCODE_SCRATCH": scratch, "DVC_NO_ANALYTICS": "1"} | environment,
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with the data of the repository's present dvc.lock."""
    if not (ROOT / "data" / "report").is_dir():
        pytest.skip("needs what `make repro` makes")
    folder = tmp_path_factory.mktemp("clone") / "repository"
    run(tmp_path_factory.getbasetemp(), "git", "clone", "-q", str(ROOT), str(folder))
    for changed in run(ROOT, "git", "diff", "--name-only", "HEAD").split():
        shutil.copyfile(ROOT / changed, folder / changed)
    run(folder, *DVC, "cache", "dir", "--local", str(ROOT / ".dvc" / "cache"))
    run(folder, *DVC, "checkout", "-q")
    return folder


@pytest.fixture
def clone(reproduced: Path) -> Iterator[Path]:
    """The clone, its tracked files put back after the test."""
    names = ["params.yaml", "profiles/sample.yaml"]
    before = {name: (reproduced / name).read_bytes() for name in names}
    yield reproduced
    for name, content in before.items():
        (reproduced / name).write_bytes(content)


def would_run(folder: Path) -> set[str]:
    """Return the stages that a change reruns, with all that may change behind them."""
    return set(re.findall(r"Running stage '([^']+)'", run(folder, *DVC, "repro", "--dry", "--force-downstream")))


def change(folder: Path, old: str, new: str, name: str = "params.yaml") -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


def test_nothing_runs_twice(clone: Path) -> None:
    start = time.monotonic()
    assert "Data and pipelines are up to date." in run(clone, *DVC, "repro")
    print(f"dvc repro with nothing to do: {time.monotonic() - start:.1f} s")


AFTER_PACK = {"pack", "pretrain", "evaluate", "report"}


@pytest.mark.parametrize(
    ("old", "new", "stages"),
    [
        ("  max_epochs: 4\n  seed: 0", "  max_epochs: 4\n  seed: 1", AFTER_PACK),
        ("  textbooks: {weight: 1.0}", "  textbooks: {weight: 2.0}", AFTER_PACK),
        ("# Which profile?", "# Which of the profiles?", set()),
        ("  workers: 0 ", "  workers: 1 ", set()),
    ],
)
def test_a_change_reruns_what_it_affects_and_nothing_else(clone: Path, old: str, new: str, stages: set[str]) -> None:
    change(clone, old, new)
    assert would_run(clone) == stages


def test_verify_reruns_neither_translate_nor_execute(clone: Path) -> None:
    change(clone, "  rule: digits", "  rule: paper")
    running = would_run(clone)
    assert {"verify", "decontaminate", "corpus"} <= running
    assert not [name for name in running if re.match("fetch|annotate|select|deduplicate|translate|execute", name)]


def test_decontaminate_does_not_rerun_translate(clone: Path) -> None:
    change(clone, "  min_coverage: 0.6", "  min_coverage: 0.7")
    running = would_run(clone)
    assert {"decontaminate", "corpus", "pack"} <= running
    assert not [name for name in running if re.match("translate|execute|verify|deduplicate", name)]


def test_a_source_reruns_its_branch_and_the_merges(clone: Path) -> None:
    change(
        clone,
        "        documents: 20\n        seed: 4",
        "        documents: 21\n        seed: 4",
        "profiles/sample.yaml",
    )
    running = would_run(clone)
    branch = {"fetch@maths_college", "filter_code", "select"}
    assert branch | MERGES <= running
    other = [n for n in running if re.match("fetch|annotate|filter_code|extract|train_classifier|classify|select", n)]
    assert set(other) == branch


def test_no_program_shows_what_a_page_states_wrongly(clone: Path) -> None:
    wrong = {}
    for row in read_rows(clone / "data" / "fetch" / "openwebmath", ["id", "metadata"]):
        metadata = json.loads(row["metadata"])
        if metadata.get("wrong"):
            wrong[row["id"]] = "".join(metadata["wrong_statement"].split())
    assert len(wrong) > 20
    snippets = list(read_rows(clone / "data" / "decontaminate" / "snippets" / "filtered_openwebmath"))
    assert len({row["document_id"] for row in snippets} & wrong.keys()) > 10
    stated = [
        (row["document_id"], statement)
        for row in snippets
        if (statement := "".join(f"{row['expression']}={row['result']}".split())) in wrong.get(row["document_id"], "")
    ]
    assert stated == []


def test_generated_pages_are_at_most_a_quarter_of_each_component(clone: Path) -> None:
    for component in (clone / "data" / "corpus").iterdir():
        urls = [row["url"] for row in read_rows(component, ["url"])] if component.is_dir() else []
        assert sum(url.startswith("generated:") for url in urls) <= len(urls) / 4, component.name


def test_both_translators_have_verified_snippets_in_the_corpus(clone: Path) -> None:
    counts: Counter[str] = Counter()
    for row in read_rows(clone / "data" / "corpus" / "translated_code", ["metadata"]):
        translators = json.loads(row["metadata"])["translators"]
        counts.update({name: len(positions) for name, positions in translators.items()})
    assert set(counts) == {"symbolic", MODEL} and min(counts.values()) >= 250


def test_corpus_shards_have_the_checksums_of_the_manifest(clone: Path) -> None:
    manifest = json.loads((clone / "data" / "corpus" / "manifest.json").read_text())
    for name, component in manifest["components"].items():
        for shard in component["shards"]:
            content = (clone / "data" / "corpus" / name / shard["name"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == shard["sha256"]
        rows = list(read_rows(clone / "data" / "corpus" / name))
        assert len(rows) == component["documents"] and all(row["license"] for row in rows)


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_published_version_comes_back_with_the_same_bytes(reproduced: Path, tmp_path: Path, kind: str) -> None:
    publisher, server = tmp_path / "publisher", None
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    run(tmp_path, "git", "clone", "-q", str(reproduced), str(publisher))
    shutil.copyfile(reproduced / "dvc.lock", publisher / "dvc.lock")
    run(publisher, *DVC, "cache", "dir", "--local", str(ROOT / ".dvc" / "cache"))
    try:
        if kind == "s3":
            import boto3

            server, url = start_s3()
            boto3.client(
                "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
            ).create_bucket(Bucket="pile")
            run(publisher, *DVC, "remote", "add", "-d", "storage", "s3://pile/store")
            run(publisher, *DVC, "remote", "modify", "storage", "endpointurl", url)
        else:
            run(publisher, *DVC, "remote", "add", "-d", "storage", str(tmp_path / "storage"))
        run(publisher, *DVC, "push", "-q", "corpus", **keys)
        git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
        run(publisher, *git, "commit", "-qam", "A version")
        run(publisher, *git, "tag", "-a", "v9", "-m", "v9")
        wanted = hash_folder(reproduced / "data" / "corpus")

        run(tmp_path, "git", "clone", "-q", str(publisher), "puller")
        run(tmp_path / "puller", *DVC, "cache", "dir", "--local", str(tmp_path / "cache"))
        run(tmp_path / "puller", *DVC, "pull", "-q", "corpus", **keys)
        assert hash_folder(tmp_path / "puller" / "data" / "corpus") == wanted

        run(tmp_path, *DVC, "get", "-q", str(publisher), "data/corpus", "--rev", "v9", "-o", "got", **keys)
        assert hash_folder(tmp_path / "got") == wanted
    finally:
        if server:
            server.kill()
            server.wait()


def test_the_samples_tokens_are_all_in_rows_of_8192_and_hardly_padded(
    reproduced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    tokens = reproduced / "data" / "tokenize"
    names = list_components(tokens)
    params = PackParams(sequence_length=8192, max_epochs=1, seed=0)
    metrics = pack(tokens, tmp_path / "rows", params, {name: ShareParams(weight=1) for name in names})
    counted = {name: json.loads((reproduced / f"metrics/tokenize/{name}.json").read_text()) for name in names}
    stored = {name: sum(len(t.tokens) for t in read_tokens(tokens / name)) for name in names}
    apart = {name: sum(len(t.tokens) for t in read_tokens(tokens / name / "held_out")) for name in names}
    for name in names:
        assert (stored[name], apart[name]) == (counted[name]["tokens"], counted[name].get("held_out_tokens", 0))
    rows = PackedRows(tmp_path / "rows")
    assert rows.tokens == sum(int(rows.row(row)[1][-1]) for row in range(len(rows))) == sum(stored.values())
    # The last row is filled as far as the tokens reach.
    assert len(rows) <= 1.001 * rows.tokens / 8192 + 1
    assert metrics["padding"] == pytest.approx(1 - rows.tokens / (8192 * len(rows)), abs=1e-6)


def test_readme_quotes_what_make_repro_prints(reproduced: Path) -> None:
    _, _, rest = (ROOT / "README.md").read_text(encoding="utf-8").partition("The chain, profile sample")
    quoted = [line for line in rest.partition("```")[0].splitlines()[1:] if line.strip()]
    printed = (reproduced / "data" / "report" / "summary.txt").read_text(encoding="utf-8").splitlines()
    # The last bits of training depend on the processor.
    exact = [line.removesuffix("...") for line in quoted if not line.startswith("held-out loss")]
    assert len(exact) > 15
    assert [line for line in exact if not any(other.startswith(line) for other in printed)] == []


def test_readme_shows_a_program_that_the_model_wrote(reproduced: Path) -> None:
    _, _, rest = (ROOT / "README.md").read_text(encoding="utf-8").partition("```python\n")
    program = rest.partition("```")[0].strip()
    columns = ["code", "translator", "verdict", "stdout"]
    found = read_rows(reproduced / "data" / "decontaminate" / "snippets" / "filtered_openwebmath", columns)
    rows = [row for row in found if row["code"].strip() == program]
    assert rows and all(row["translator"] == MODEL and row["verdict"] == "verified" for row in rows)
    assert [row["stdout"].strip() for row in rows] == ["460"]


def test_readme_asks_about_a_document_of_the_run(reproduced: Path) -> None:
    found = re.search(r"make why ID=(\S+/[0-9a-f]{16})", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert found
    said = "\n".join(explain(reproduced / "data", found[1]))
    assert said.startswith(found[1]) and "It is in the corpus: " in said
