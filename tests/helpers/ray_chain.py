"""The stages that work shard by shard, on a tiny input that `write_input` makes; in a project's folder.

`python ray_chain.py INPUT OUT` runs all eleven. `... deduplicate` runs one alone, on what OUT has of those before it.
`... ask URL` runs translate with a served model. The engine is the one that params.yaml of the working folder names.
"""

import sys
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "src"), str(REPOSITORY / "tests" / "stages")]

from mathcode_pile.core.errors import PipelineError  # noqa: E402
from mathcode_pile.core.params import load, read_section  # noqa: E402
from mathcode_pile.core.removals import Removals  # noqa: E402
from mathcode_pile.core.shards import ShardWriter, shard_name, write_shards  # noqa: E402
from mathcode_pile.llm import LlmParams  # noqa: E402
from stages.annotate.stage import AnnotateParams, annotate  # noqa: E402
from stages.classify.stage import classify  # noqa: E402
from stages.decontaminate.stage import DecontaminateParams, Names, decontaminate  # noqa: E402
from stages.deduplicate.signatures import DeduplicateParams  # noqa: E402
from stages.deduplicate.stage import deduplicate  # noqa: E402
from stages.execute.stage import ExecuteParams, execute_folder  # noqa: E402
from stages.extract_textbooks.stage import ExtractTextbooksParams, extract_textbooks  # noqa: E402
from stages.filter_code.stage import filter_code  # noqa: E402
from stages.select.stage import SelectParams, SourceParams, select  # noqa: E402
from stages.tokenize.stage import TokenizeParams, tokenize  # noqa: E402
from stages.translate.stage import translate  # noqa: E402
from stages.translate.translators import TranslateParams, TranslatorParams  # noqa: E402
from stages.verify.stage import VerifyParams, verify  # noqa: E402

Stage = Callable[[Path, Path], object]
COMPONENTS = {"web": "filtered_openwebmath", "code": "code_with_math_packages", "books": "textbooks"}
WEB = COMPONENTS["web"]
SENTENCE = "The sum of the first hundred whole numbers is found by pairing the ends. "


def write_input(folder: Path, shards: int = 3) -> Path:
    """Write pages of the sample, programs, PDFs, questions, a classifier and a tokenizer; return the folder.

    shards: of the pages.
    """
    import pyarrow as pa
    from fpdf import FPDF
    from tokenizers import Tokenizer, models, pre_tokenizers

    from mathcode_pile.classifier.scorer import MODEL_FILE
    from mathcode_pile.core.documents import DOCUMENT, FILE, QUESTION

    def write(source: str, texts: list[str], shards: int) -> None:
        base = {"source": source, "url": "", "license": "", "metadata": "{}"}
        rows = [base | {"id": f"{source}/{i}", "text": text} for i, text in enumerate(texts)]
        for index in range(shards):
            with ShardWriter(folder / source / shard_name(index), DOCUMENT) as shard:
                shard.write_rows(rows[index::shards])

    pages = [page.read_text(encoding="utf-8") for page in sorted((REPOSITORY / "sample" / "pages").glob("a*.md"))]
    question = "How many eggs are left if a baker has 17 eggs in the morning and breaks 5 of them for a cake?"
    write("web", [*pages, pages[0] + " ", f"{SENTENCE} {question} {SENTENCE}"], shards)
    write("code", [f"import {'sympy' if n % 3 else 'os'}\nx = {n}" for n in range(12)], 2)
    for index in range(2):
        pdf = FPDF()
        pdf.set_font("Helvetica", size=11)
        pdf.add_page()
        pdf.multi_cell(0, 6, f"Practice {index}\n" + SENTENCE * 5)
        with ShardWriter(folder / "books" / shard_name(index), FILE) as shard:
            base = {"source": "books", "url": "", "license": "", "metadata": "{}"}
            contents = [bytes(pdf.output()), b"no book"]
            shard.write_rows([base | {"id": f"books/{index}-{n}", "content": c} for n, c in enumerate(contents)])
    asked = {"id": "bench/0", "benchmark": "bench", "question": question, "options": [], "answer": "12", "solution": ""}
    write_shards(folder / "benchmarks" / "bench", [pa.RecordBatch.from_pylist([asked], QUESTION)], QUESTION)

    import fasttext

    lines = [f"__label__{'positive' if n % 2 else 'negative'} {'theorem sum' if n % 2 else 'cake'}" for n in range(40)]
    (folder / "training.txt").write_text("\n".join(lines), encoding="utf-8")
    model = fasttext.train_supervised(str(folder / "training.txt"), dim=4, loss="ova", thread=1, verbose=0, bucket=100)
    (folder / "model").mkdir()
    model.save_model(str(folder / "model" / MODEL_FILE))
    tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(["<s>", "</s>", *byte_letters()])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(["<s>", "</s>"])
    from test_tokenize import save

    save(tokenizer, folder / "tokenizer", "<s>", "</s>")
    return folder


def byte_letters() -> list[str]:
    """The letters that stand for bytes in a byte-level tokenizer."""
    from tokenizers import pre_tokenizers

    return sorted(pre_tokenizers.ByteLevel.alphabet())


CHAIN: dict[str, Stage] = {}


def stage(run: Stage) -> Stage:
    """Add a stage to the chain; it writes to a folder of its name below `out`."""
    CHAIN[run.__name__.removeprefix("run_")] = run
    return run


@stage
def run_annotate(given: Path, out: Path) -> None:
    rules = AnnotateParams.model_validate(read_section("annotate") | {"backend": "rules", "model": None})
    annotate(given / "web", out / "annotate", "openwebmath", rules, LlmParams())


@stage
def run_classify(given: Path, out: Path) -> None:
    classify(out / "annotate", given / "model", out / "classify" / "round1", "round1", 0.0)


@stage
def run_filter_code(given: Path, out: Path) -> None:
    filter_code(given / "code", out / "filter_code", ["sympy"], "python")


@stage
def run_extract_textbooks(given: Path, out: Path) -> None:
    books = ExtractTextbooksParams.model_validate(read_section("extract_textbooks") | {"ocr": "none"})
    extract_textbooks(given / "books", out / "extract_textbooks", books)


@stage
def run_select(given: Path, out: Path) -> None:
    inputs = {"web": "classify/round1", "code": "filter_code", "books": "extract_textbooks"}
    for source, component in COMPONENTS.items():
        kept = SourceParams(component=component, input=inputs[source], keep="all")
        select(out / inputs[source], out / "select" / source, kept, load("select", SelectParams), Removals())


@stage
def run_deduplicate(given: Path, out: Path) -> None:
    deduplicate(out / "select", out / "deduplicate", COMPONENTS, load("deduplicate", DeduplicateParams))


@stage
def run_translate(given: Path, out: Path) -> None:
    translators = (TranslatorParams(backend="symbolic"),)
    params = TranslateParams(translators=translators, max_piece_characters=5000, components={WEB: {}})
    translate(out / "deduplicate" / WEB, out / "translate" / WEB, params, LlmParams())


@stage
def run_execute(given: Path, out: Path) -> None:
    execute_folder(out / "translate" / WEB, out / "execute" / WEB, load("execute", ExecuteParams))


@stage
def run_verify(given: Path, out: Path) -> None:
    verify(out / "execute" / WEB, out / "verify" / WEB, load("verify", VerifyParams))


@stage
def run_decontaminate(given: Path, out: Path) -> None:
    clear = load("decontaminate", DecontaminateParams).model_copy(update={"planted_documents": 5})
    names = Names(sorted(COMPONENTS.values()), [WEB])
    places = [out / "deduplicate", out / "verify", given / "benchmarks", out / "decontaminate"]
    decontaminate(*places, clear, names)


@stage
def run_tokenize(given: Path, out: Path) -> None:
    clean = out / "decontaminate" / "documents" / WEB
    tokenize(clean, given / "tokenizer", out / "tokenize" / WEB, load("tokenize", TokenizeParams))


def ask(given: Path, out: Path, url: str) -> None:
    """Translate with a served model of at most four requests at once."""
    served = {"base_urls": [url], "concurrency": 4}
    model = {"id": "m", "revision": "r", "context_tokens": 8192, "tokenizer": "bytes", "openai": served}
    asked = TranslatorParams(backend="openai", model="m", max_completion_tokens=512, max_failed_share=1)
    params = TranslateParams(translators=(asked,), max_piece_characters=5000, components={})
    translate(given / "web", out, params, LlmParams.model_validate({"models": {"m": model}}))


if __name__ == "__main__":
    read, written, *what = sys.argv[1:]
    try:
        if what[:1] == ["ask"]:
            ask(Path(read), Path(written), what[1])
        else:
            for name in what or CHAIN:
                CHAIN[name](Path(read), Path(written))
    except PipelineError as error:
        sys.exit(f"error: {error}")
