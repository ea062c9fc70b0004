"""Compare each data stage with a bare Parquet copy of the same shards, in processor time: the practical limit.

    python -m bench.stages                        50 MB of text, the sample's pages and books; minutes
    python -m bench.stages --megabytes 10 --no-write

Each stage runs twice in one process, first on a small input, so that imports and compiling are not measured. What a
stage builds for each run is: decontaminate's index, the training of a model. The text is that of bench.memory.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from bench.environment import ROOT
from bench.memory import RUNS, enlarge, make_input
from bench.table import best_seconds, describe_machine, format_table, write_table
from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.shards import write_shards

_WEB = "filtered_openwebmath"
# On pages and books of the sample; in order, as RUNS are.
_SAMPLE_RUNS = {
    "extract_textbooks": """
from mathcode_pile.core.params import read_section
from stages.extract_textbooks.stage import ExtractTextbooksParams, extract_textbooks
from stages.fetch.stage import OriginsParams, fetch_source
extract_textbooks(folder / "books", folder / "extracted", ExtractTextbooksParams.model_validate(
    read_section("extract_textbooks") | {"ocr": "none"}))
""",
    "annotate": """
from mathcode_pile.core.params import read_section
from mathcode_pile.llm import LlmParams
from stages.annotate.stage import AnnotateParams, annotate
rules = AnnotateParams.model_validate(read_section("annotate") | {"backend": "rules", "model": None})
annotate(folder / "pages", folder / "annotated", "openwebmath", rules, LlmParams())
""",
    "select": """
from mathcode_pile.core.params import load
from mathcode_pile.core.removals import Removals
from stages.select.stage import SelectParams, SourceParams, select
kept = SourceParams(component="WEB", input="i", keep="all")
select(folder / "annotated", folder / "selected", kept, load("select", SelectParams), Removals())
""",
    "translate": """
from mathcode_pile.llm import LlmParams
from stages.translate.stage import translate
from stages.translate.translators import TranslateParams, TranslatorParams
params = TranslateParams(
    translators=(TranslatorParams(backend="symbolic"),), max_piece_characters=5000, components={"WEB": {}})
translate(folder / "selected", folder / "translated", params, LlmParams())
""",
    "execute": """
from mathcode_pile.core.params import load
from stages.execute.stage import ExecuteParams, execute_folder
execute_folder(folder / "translated", folder / "executed", load("execute", ExecuteParams))
""",
    "verify": """
from mathcode_pile.core.params import load
from stages.verify.stage import VerifyParams, verify
verify(folder / "executed", folder / "clear/snippets/WEB", load("verify", VerifyParams))
""",
    "corpus": """
from mathcode_pile.core.params import load, read_section
from stages.corpus.stage import CorpusParams, assemble
names, params = list(read_section("components")), load("corpus", CorpusParams)
for name in set(names) - params.translated.form.keys() - {"WEB"}:
    (folder / "clear/documents" / name).mkdir(parents=True)
(folder / "clear/documents/WEB").symlink_to(folder / "selected")
assemble(folder / "clear", folder / "corpus", names, params, read_section("fetch"))
""",
}
# The folders whose shards a stage reads.
_INPUTS = {
    "fetch": ["one/documents"],
    "filter_code": ["files"],
    "train_classifier": ["one/documents", "two/documents"],
    "classify": ["one/documents"],
    "deduplicate": ["one/documents"],
    "decontaminate": ["one/documents"],
    "tokenizer": ["two/documents"],
    "tokenize": ["one/documents"],
    "pack": ["tokens/documents"],
    "extract_textbooks": ["books"],
    "annotate": ["pages"],
    "select": ["annotated"],
    "translate": ["selected"],
    "execute": ["translated"],
    "verify": ["executed"],
    "corpus": ["selected", f"clear/snippets/{_WEB}"],
}
_TIMED = """
import os, shutil, sys
from pathlib import Path
from bench.table import best_seconds
code = sys.stdin.read()
for name in ("small", "large"):
    shutil.rmtree(Path(os.environ["MATHCODE_SCRATCH"], "shards"), ignore_errors=True)
    seconds, _ = best_seconds(lambda: exec(code, {"folder": Path(sys.argv[1], name)}), 1)
print("seconds", seconds)
"""


def copy_shards(shards: list[Path], out: Path) -> None:
    """Write shards again, row group by row group, as Parquet with the pipeline's compression."""
    for number, shard in enumerate(shards):
        with (
            pq.ParquetFile(shard) as file,
            pq.ParquetWriter(out / f"{number}.parquet", file.schema_arrow, compression="zstd") as copy,
        ):
            for group in range(file.num_row_groups):
                copy.write_table(file.read_row_group(group, use_threads=False))


def time_stage(code: str, folder: Path) -> float:
    """Return the processor seconds of a stage's code on the large input, all its processes included."""
    environment = os.environ | {"MATHCODE_WORKERS": "2", "MATHCODE_SCRATCH": str(folder / "scratch")}
    environment |= {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    command = [sys.executable, "-c", _TIMED, str(folder)]
    done = subprocess.run(command, env=environment, cwd=ROOT, input=code, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


def make_sample(folder: Path, copies: int) -> None:
    """Write the sample's pages, each so many times, and its books."""
    from mathcode_pile.core.params import read_section
    from stages.fetch.stage import OriginsParams, fetch_source

    fetch_source("textbooks", OriginsParams.model_validate(read_section("fetch")["textbooks"]), folder / "books")
    row = {"source": "s", "url": "", "license": "", "metadata": "{}"}
    pages = sorted((ROOT / "sample" / "pages").glob("*.md"))
    texts = [page.read_text(encoding="utf-8").split("---\n", 2)[-1] for page in pages]
    rows = [row | {"id": f"s/{page.stem}", "text": text} for page, text in zip(pages, texts, strict=True)]
    write_shards(folder / "once", [pa.RecordBatch.from_pylist(rows, DOCUMENT)], DOCUMENT)
    enlarge(folder / "once", folder / "pages", copies, "page")


def main(megabytes: int = 50, copies: int = 2, write: bool = True) -> None:
    """Print each stage's processor time beside a copy's; with --write (the default) also into docs/benchmarks.md."""
    os.chdir(ROOT)
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, size, times in (("small", 1, 1), ("large", megabytes, copies)):
            make_input(folder / name, size)
            make_sample(folder / name, times)
        (folder / "copy").mkdir()
        for stage, code in (RUNS | _SAMPLE_RUNS).items():
            ours = time_stage(code.replace("WEB", _WEB), folder)
            shards = [shard for part in _INPUTS[stage] for shard in sorted((folder / "large" / part).glob("*.parquet"))]
            bare, _ = best_seconds(lambda shards=shards: copy_shards(shards, folder / "copy"))
            held = (
                sum(pq.read_metadata(s).row_group(g).total_byte_size for s in shards for g in range(_groups(s))) / 1e6
            )
            lines.append([stage, f"{held:.3g} MB", f"{ours:.3g} s", f"{bare:.3g} s", f"{ours / bare:.3g}"])
            typer.echo(" ".join(lines[-1]), err=True)
    table = format_table(["stage", "its shards", "the stage", "a bare copy", "ratio"], lines)
    table = f"{describe_machine()}; {megabytes} MB of text; processor time.\n\n{table}"
    typer.echo(table)
    if write:
        write_table(ROOT / "docs" / "benchmarks.md", "python -m bench.stages", table)


def _groups(shard: Path) -> int:
    return int(pq.read_metadata(shard).num_row_groups)


if __name__ == "__main__":
    typer.run(main)
