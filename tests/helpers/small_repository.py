"""A small Git and DVC repository with the project's own select and corpus stages, to publish versions from.

`made/` in Git has the pages and snippets; a script stands for the stages between select and corpus, and for those that
read the corpus. `train.log`, beside the repository, gets a line whenever the stage `train` runs.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from conftest import ROOT
from translated_pages import snippet

from mathcode_pile.core.documents import DOCUMENT, VERIFIED, document_id
from mathcode_pile.core.shards import ShardWriter, shard_name

DVC_YAML = """
stages:
  fetch:
    cmd: mkdir -p data && cp -r made/fetch data/fetch
    deps: [made/fetch]
    outs: [data/fetch]
  select:
    cmd: python -m stages.select data data/select --removed removed.csv --metrics metrics/select
    deps: [removed.csv, data/fetch]
    params: [select, sources]
    outs: [data/select]
    metrics: [metrics/select: {cache: false}]
  decontaminate:
    cmd: python steps.py decontaminate
    deps: [data/select, made/snippets]
    outs: [data/decontaminate]
  corpus:
    cmd: >-
      python -m stages.corpus data/decontaminate data/corpus --selected data/select
      --removed removed.csv --published published.json --metrics metrics/corpus.json
    deps: [removed.csv, published.json, data/select, data/decontaminate]
    params: [components, corpus]
    outs: [data/corpus]
    metrics: [metrics/corpus.json: {cache: false}]
  tokenizer:
    cmd: mkdir -p models && echo '{}' > models/tokenizer.json
    deps: [data/corpus]
    outs: [models/tokenizer.json]
  tokenize:
    cmd: python steps.py tokenize
    deps: [data/corpus, models/tokenizer.json]
    outs: [data/tokenize]
    metrics: [metrics/tokenize: {cache: false}]
  train:
    cmd: echo trained >> ../train.log; cp data/tokenize/web/part-00000.parquet models/model
    deps: [data/tokenize]
    outs: [models/model]
"""

PARAMS = """profile: sample
sources:
  web: {component: web, input: fetch/web, keep: all}
select:
  keep_types: [1]
components: {web: {}, translated_code: {}}
corpus:
  translated: {form: page, context_characters: 2000}
"""

STEPS = """
import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def decontaminate():
    out = Path("data/decontaminate")
    pages = pq.read_table("data/select/web/part-00000.parquet").drop_columns("component")
    snippets = pq.read_table("made/snippets/web/part-00000.parquet")
    kept = snippets.filter(pa.compute.is_in(snippets["document_id"], pages["id"].combine_chunks()))
    for name, table in (("documents", pages), ("snippets", kept)):
        (out / name / "web").mkdir(parents=True)
        pq.write_table(table, out / name / "web" / "part-00000.parquet")


def tokenize():
    for folder in sorted(Path("data/corpus").glob("*/")):
        texts = pq.read_table(folder, columns=["id", "text"])
        tokens = [list(text.encode()) for text in texts["text"].to_pylist()]
        out = Path("data/tokenize", folder.name)
        out.mkdir(parents=True)
        pq.write_table(pa.table({"id": texts["id"], "tokens": tokens}), out / "part-00000.parquet")
        Path("metrics/tokenize").mkdir(parents=True, exist_ok=True)
        counts = {"in": len(tokens), "kept": len(tokens), "dropped": 0, "tokens": sum(map(len, tokens))}
        Path("metrics/tokenize", folder.name + ".json").write_text(json.dumps(counts))


globals()[sys.argv[1]]()
"""

TEXTS = {
    "a": "The sum is $1 + 1 = 2$.\n\nThat is all of page Aspidistra.",
    "b": "The sum is $2 + 2 = 4$, of page Begonia, which has two: $3 + 3 = 6$.",
    "c": "Nothing is computed here, on page Chrysanthemum.",
    "d": "The sum is $4 + 4 = 8$, on page Dahlia.",
}
IDS = {key: document_id("web", key) for key in [*TEXTS, "e"]}
ENDS = {"a": ["= 2"], "b": ["= 4", "= 6"], "d": ["= 8"], "e": ["= 10"]}


class Repository:
    """The repository, its `origin`, and the commands that are run in it."""

    def __init__(self, home: Path, remote: str, **environment: str) -> None:
        """Make it, with a first commit of everything that `dvc repro` makes.

        remote: the address of DVC's remote; environment: variables of its commands, besides the usual ones.
        """
        self.home, self.folder = home, home / "pile"
        self.environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "MATHCODE_SCRATCH": str(home / "scratch"),
            "MATHCODE_WORKERS": "1",
            "DVC_NO_ANALYTICS": "1",
            "HF_HOME": str(home / "huggingface"),
            "HF_HUB_OFFLINE": "1",
            "DVC_SITE_CACHE_DIR": str(home / "site"),
            "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        }
        self.environment |= environment
        (home / "gitconfig").write_text("[user]\nname = test\nemail = test@localhost\n[init]\ndefaultBranch = main\n")
        self.run("git", "init", "-q", "--bare", str(home / "origin.git"), folder=home)
        self.run("git", "init", "-q", str(self.folder), folder=home)
        self.run("dvc", "init", "-q")
        self.run("git", "remote", "add", "origin", str(home / "origin.git"))
        self.run("dvc", "remote", "add", "-d", "storage", remote)
        self.run("dvc", "remote", "modify", "storage", "verify", "true")
        for name, content in {
            "dvc.yaml": DVC_YAML,
            "params.yaml": PARAMS,
            "steps.py": STEPS,
            "profiles/sample.yaml": "corpus: {title: A small pile}\nfetch: {web: {origins: [{kind: local}]}}\n",
            ".gitignore": "/data/\n/models/\n",
            "Makefile": (ROOT / "Makefile").read_text(),
            "removed.csv": "kind,value,date,reason\n",
            "published.json": '{"version": "", "content": ""}\n',
        }.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(content)
        self.write_pages(TEXTS)
        self.reproduce("First")

    def run(self, *command: str, folder: Path | None = None, fails: bool = False) -> str:
        """Run a command in the repository, or in a folder; return what it said."""
        done = subprocess.run(
            command, cwd=folder or self.folder, env=self.environment, capture_output=True, text=True, timeout=600
        )
        said = done.stdout + done.stderr
        assert bool(done.returncode) == fails, f"{' '.join(command)}: {said[-3000:]}"
        return said

    def write_pages(self, texts: dict[str, str]) -> None:
        """Write pages to made/fetch, and their snippets to made/snippets."""
        rows, snippets = [], []
        for key, text in texts.items():
            url = f"https://{key}.example.org/page"
            rows.append({"id": IDS[key], "text": text, "source": "web", "url": url, "license": "MIT", "metadata": "{}"})
            for position, end in enumerate(ENDS.get(key, [])):
                result = end.removeprefix("= ")
                half = int(result) // 2
                more: dict[str, Any] = {"result": result, "stated": result, "expression": f"{half} + {half}"}
                code = f"print({half} + {half})"
                snippets.append(snippet(text, end, code, document_id=IDS[key], position=position, **more))
        for place, schema, records in (("fetch", DOCUMENT, rows), ("snippets", VERIFIED, snippets)):
            with ShardWriter(self.folder / "made" / place / "web" / shard_name(0), schema) as writer:
                writer.write(pa.RecordBatch.from_pylist(records, schema))

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a part of a file."""
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new, 1))

    def reproduce(self, message: str) -> None:
        """Run the pipeline and commit everything."""
        self.run("dvc", "repro")
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "-m", message)

    def publish(self, version: str, *more: str, fails: bool = False) -> str:
        """Publish as README says."""
        return self.run("make", "-s", "-o", ".venv/.installed", "publish", f"VERSION={version}", *more, fails=fails)

    def change_for_v1_1(self) -> None:
        """Plant what differs between v1.0 and v1.1.

        Page a gets another text, b is taken down, c is empty, e is new, d stays; a param of corpus differs, too.
        """
        texts = TEXTS | {"e": "The sum is $5 + 5 = 10$, on page Echinacea."}
        self.write_pages(texts | {"a": TEXTS["a"].replace("That is all", "This was all"), "c": " "})
        self.change("params.yaml", "context_characters: 2000", "context_characters: 1999")
        with open(self.folder / "removed.csv", "a") as file:
            file.write("domain,b.example.org,2025-12-31,copyright\n")
        self.reproduce("Changes")

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the present corpus."""
        return json.loads((self.folder / "data" / "corpus" / "manifest.json").read_text())  # type: ignore[no-any-return]
