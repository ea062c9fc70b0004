"""A hub for a whole run: the repositories of published.py with enough rows, and small models for the large ones.

The texts are the sample's. A few rows are as odd as some of the published ones are.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from conftest import ROOT
from hub import Hub
from published import DATASETS, HEADED, MATRIX, PAGE, SCRIPT, STARRED, STRUCTURED, lines, parquet

SAMPLE = ROOT / "sample"
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
GATED = {
    "bigcode/starcoderdata",
    "meta-llama/Llama-3.1-70B-Instruct",
    "meta-llama/Meta-Llama-3-8B",
    "mistralai/Mixtral-8x7B-Instruct-v0.1",
}
# A notebook of one code cell, which StarCoder's structured layout keeps as the notebook's own JSON.
ONE_CELL = json.dumps(
    {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": 1,
                "metadata": {},
                "outputs": [
                    {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo" * 400}, "metadata": {}}
                ],
                "source": ["import sympy\n", "sympy.plot(sympy.Symbol('x') ** 2)"],
            }
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
)


def read_texts(folder: str) -> Iterator[str]:
    """Yield the texts of a folder of the sample, without their front matter."""
    for path in sorted((SAMPLE / folder).glob("*.md")):
        yield FRONT_MATTER.sub("", path.read_text(encoding="utf-8")).strip()


def lay_out_datasets() -> dict[str, dict[str, bytes]]:
    """Return the files of each data set by its name."""
    pages = read_texts("pages")
    web = read_texts("web")
    college = list(read_texts("lessons/college"))
    made = {
        "open-web-math/open-web-math": _lay_out_openwebmath(list(islice(pages, 30))),
        "m-a-p/Matrix": _lay_out_matrix(pages, web, college),
        "ajibawa-2023/Maths-College": {
            f"Maths-College-{n}-Final.json": lines(
                {"instruction": "Explain it to a college student.", "output": text} for text in college[n:30:6]
            )
            for n in range(6)
        },
        "ajibawa-2023/Education-College-Students": _lay_out_education(list(read_texts("lessons/education"))),
        "bigcode/starcoderdata": _lay_out_starcoder(),
    }
    return {name: files | made.get(name, {}) for name, files in DATASETS.items()}


def _lay_out_openwebmath(texts: list[str]) -> dict[str, bytes]:
    rows = [PAGE | {"url": f"https://example.org/{number}", "text": text} for number, text in enumerate(texts)]
    rows += [PAGE | {"text": None}, PAGE | {"text": "", "url": "https://example.org/empty"}, rows[0]]
    names = [name for name in DATASETS["open-web-math/open-web-math"] if name.endswith(".parquet")]
    return {name: parquet(rows[number :: len(names)]) for number, name in enumerate(names)}


def _lay_out_matrix(pages: Iterator[str], web: Iterator[str], college: list[str]) -> dict[str, bytes]:
    crawl = [*islice(pages, 16), *islice(web, 60)]
    books = ["\n\n".join(islice(pages, 4)) for _ in range(8)]
    science = ["\n\n".join(islice(web, 4)) for _ in range(6)]
    # Some lines have their text under another name, and all of them have the same, empty id.
    rows = [MATRIX | {"content" if n % 7 == 3 else "text": text, "id": None} for n, text in enumerate(crawl)]
    return {
        "cc_en.0000.jsonl": lines(rows[0::3]),
        "cc_en.0001.jsonl": lines(rows[1::3]) + b'{"text": "a line that was cut\n',
        "cc_en.0002.jsonl": lines(rows[2::3]),
        "book_math.0000.jsonl": lines({"text": text, "id": float("nan")} for text in [*books, *college[30:]]),
        "book_science.0000.jsonl": lines({"text": text, "id": float("nan")} for text in science),
    }


def _lay_out_education(texts: list[str]) -> dict[str, bytes]:
    """Each file has a text under a line about its revision, and two texts with too few dollar signs."""
    files = {}
    for n in range(4):
        revised = f"Here is the revised text:\n\n{texts[24 + n]}"
        prose = ["A lesson about the price of a book, which is $12.", f"A lesson about river {n}."]
        chosen = [*texts[n * 6 : n * 6 + 6], revised, *prose]
        rows = [{"idx": n + 4 * row, "text": text, "model": "m"} for row, text in enumerate(chosen)]
        files[f"Education-College-Students-{n}-Final.json"] = lines(rows)
    return files


def _lay_out_starcoder() -> dict[str, bytes]:
    programs = [f"from fractions import Fraction\n\nprint(Fraction({n}, 7) + Fraction(1, {n}))\n" for n in range(2, 10)]
    heads = ["", "<gh_stars>1000+\n", "<reponame>o/r\n", "<reponame>o/r<filename>a/b.py<gh_stars>0\n"]
    texts = [heads[n % 4] + text for n, text in enumerate(programs)] + [HEADED, "print(1)", "import sympy\nx = (", ""]
    python = [STARRED | {"id": str(n), "content": text} for n, text in enumerate(texts)]
    scripts = [json.loads(line)["content"] for line in (SAMPLE / "notebooks/scripts.jsonl").open(encoding="utf-8")]
    told = [json.loads(line)["content"] for line in (SAMPLE / "notebooks/structured.jsonl").open(encoding="utf-8")]
    of_file = {"hexsha": "0", "ext": "py", "lang": "python", "size": 9} | STARRED
    of_notebook = {"license": "mit", "path": "a", "repo_name": "o/r", "chain_length": 2}
    return {
        "python/train-00000-of-00059.parquet": parquet(python),
        "jupyter-scripts-dedup-filtered/train-00000-of-00008.parquet": parquet(
            [of_file | {"id": str(n), "content": text} for n, text in enumerate([*scripts, SCRIPT])]
        ),
        "jupyter-structured-clean-dedup/train-00000-of-00006.parquet": parquet(
            [of_notebook | {"id": str(n), "content": text} for n, text in enumerate([*told, STRUCTURED, ONE_CELL])]
        ),
    }


# Mixtral's template refuses a system turn.
NO_SYSTEM = (
    "{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    "[{{ message.role }}] {{ message.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}"
)
PLAIN = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)


SMOLLM2 = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
LLAMA3 = {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"}
QWEN3 = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
MIXTRAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


def make_tokenizer(folder: Path, special: dict[str, str], template: str | None = None) -> Any:
    """Write a byte-level tokenizer of 1,024 tokens with a family's special tokens; return it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=sorted(set(special.values())),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(islice(read_texts("pages"), 60), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)
    fast.chat_template = template
    fast.save_pretrained(folder)
    return fast


def make_llama(folder: Path, tokenizer: Any, shard_size: str) -> None:
    """Write a Llama of a hundred thousand parameters in bf16, as the published ones are."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlamaConfig(
        vocab_size=len(tokenizer), num_key_value_heads=2, max_position_embeddings=8192, pad_token_id=None,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, **shape,
    )  # fmt: skip
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder, max_shard_size=shard_size)


def make_models(folder: Path) -> None:
    """Write each model that the profiles name below a folder, as its repository has it."""
    make_llama(
        folder / "HuggingFaceTB/SmolLM2-1.7B", make_tokenizer(folder / "HuggingFaceTB/SmolLM2-1.7B", SMOLLM2), "1GB"
    )
    llama = folder / "meta-llama/Meta-Llama-3-8B"
    make_llama(llama, make_tokenizer(llama, LLAMA3), "100KB")
    (llama / "original").mkdir()
    for name in ("consolidated.00.pth", "params.json", "tokenizer.model"):
        (llama / "original" / name).write_bytes(b"{}")
    for name, special, template in (
        ("Qwen/Qwen3-30B-A3B-Instruct-2507-FP8", QWEN3, PLAIN),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", MIXTRAL, NO_SYSTEM),
        ("meta-llama/Llama-3.1-70B-Instruct", LLAMA3, PLAIN),
    ):
        make_tokenizer(folder / name, special, template)
        family = {"Qwen": "qwen3_moe", "mistralai": "mixtral", "meta-llama": "llama"}[name.split("/")[0]]
        (folder / name / "config.json").write_text(json.dumps({"model_type": family}))
    for name in ("facebook/nougat-small", "facebook/nougat-base"):
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text('{"model_type": "vision-encoder-decoder"}')


def fill(hub: Hub, work: Path) -> None:
    """Put all repositories on a hub; work: a folder for making the models."""
    for name, files in lay_out_datasets().items():
        hub.add(name, files, gated=name in GATED)
    make_models(work)
    for config in sorted(work.glob("*/*/config.json")):
        home = config.parent
        files = {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}
        name = str(home.relative_to(work))
        hub.add(name, files, kind="models", gated=name in GATED)
