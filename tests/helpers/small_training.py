"""A tokenizer, tokenized components, packed rows, a base model and benchmarks, small enough for tests."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mathcode_pile.core.documents import QUESTION
from mathcode_pile.core.shards import ShardWriter
from mathcode_pile.tokens.packed import Vocabulary, row_schema, token_schema
from stages.base_model.stage import ArchitectureParams, BaseModelParams, bring_base_model
from stages.pretrain.training_params import PretrainParams

LENGTH = 64
SHAPE = ArchitectureParams(
    architecture="llama", hidden_size=32, intermediate_size=64, layers=2, heads=4, key_value_heads=2
)


def make_tokenizer(folder: Path) -> int:
    """Write a byte-level tokenizer without merges; return its size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: i for i, letter in enumerate(["<s>", "</s>", "<pad>", *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    fast.save_pretrained(folder)
    return len(vocabulary)


def document(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return random token ids with something to learn: each id is mostly the one before, plus one."""
    steps = np.where(rng.random(size) < 0.8, 1, rng.integers(1, 40, size))
    inner = 3 + np.cumsum(steps) % 200
    return np.concatenate([[0], inner[: max(0, size - 2)], [1]])[:size]


def make_data(root: Path, rows: int = 48, seed: int = 0, shape: ArchitectureParams = SHAPE) -> None:
    """Write root/tokenizer, root/tokenize/{one,two}, root/pack and root/base_model."""
    vocabulary = Vocabulary(make_tokenizer(root / "tokenizer"), 0, 1, 2)
    rng = np.random.default_rng(seed)
    names = {"vocabulary_size": vocabulary.size, "bos_id": 0, "eos_id": 1, "pad_id": 2}
    for component in ("one", "two"):
        folder = root / "tokenize" / component
        with ShardWriter(folder / "held_out" / "part-00000.parquet", token_schema(vocabulary)) as shard:
            sizes = (20, 100, 7)
            shard.write_rows([{"id": f"{i}", "source": "", "tokens": document(rng, n)} for i, n in enumerate(sizes)])
        (folder / "vocabulary.json").write_text(json.dumps(names))
    (root / "pack").mkdir()
    packed = [pack_row(rng) for _ in range(rows)]
    schema = row_schema(vocabulary, LENGTH)
    with pa.OSFile(str(root / "pack" / "rows-00000.arrow"), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        stream.write(pa.RecordBatch.from_pylist(packed, schema=schema))
    files = [{"name": "rows-00000.arrow", "rows": rows}]
    tokens = sum(row["bounds"][-1] for row in packed)
    content = {"sequence_length": LENGTH, **names, "rows": rows, "tokens": int(tokens), "files": files}
    (root / "pack" / "pack.json").write_text(json.dumps(content))
    bring_base_model(BaseModelParams(config=shape, seed=0), root / "tokenizer", root / "base_model")


def pack_row(rng: np.random.Generator) -> dict:
    """Return a row of three or four documents and a little padding."""
    bounds = [0, *np.sort(rng.choice(np.arange(4, LENGTH - 6), int(rng.integers(2, 4)), replace=False)).tolist()]
    bounds.append(LENGTH - int(rng.integers(0, 3)))
    parts = [document(rng, b - a) for a, b in itertools.pairwise(bounds)]
    tokens = np.concatenate([*parts, np.full(LENGTH - bounds[-1], 2)])
    return {"tokens": tokens.tolist(), "bounds": bounds}


def write_questions(folder: Path, benchmark: str, questions: list[dict[str, Any]]) -> None:
    """Write a benchmark of questions as fetch_benchmarks does."""
    with ShardWriter(folder / benchmark / "part-00000.parquet", QUESTION) as shard:
        shard.write_rows(
            [{"id": f"{benchmark}/{i}", "benchmark": benchmark, "options": [], "solution": ""} | q
             for i, q in enumerate(questions)]
        )  # fmt: skip


def make_benchmarks(folder: Path) -> None:
    """Write a dozen easy questions of each benchmark that has a task."""
    numbers = [7, 18, 240, 1375, 96, 12, 5, 70000, 33, 64, 81, 1024]
    for benchmark in ("gsm8k", "math", "ocw_courses"):
        asked = [{"question": f"What is {n - 3} and 3 together?", "answer": str(n)} for n in numbers]
        write_questions(folder, benchmark, asked)
    for benchmark in ("sat", "mmlu_math"):
        asked = [
            {"question": f"What is {n} + 1?", "options": [str(n + i) for i in range(4)], "answer": "B"} for n in numbers
        ]
        write_questions(folder, benchmark, asked)


def settings(**changes) -> PretrainParams:
    """Return params for quick runs, with changes."""
    values = {
        "schedule": "cosine", "learning_rate": 3e-3, "warmup_steps": 3, "weight_decay": 0.1, "betas": (0.9, 0.95),
        "max_gradient_norm": 1.0, "document_bounds": True, "steps": 12, "batch_tokens": 8 * LENGTH,
        "micro_batch_rows": 2, "precision": "fp32", "cpu_threads": 1, "checkpoint_every_steps": 3,
        "held_out_every_steps": 6, "loss_chunk_tokens": 100, "seed": 0,
    }  # fmt: skip
    return PretrainParams(**values | changes)


def make_evaluation_inputs(folder: Path) -> Path:
    """Make what evaluate reads in a folder, and return it: models, tokens, questions, and no leaks."""
    make_data(folder)
    make_benchmarks(folder / "benchmarks")
    (folder / "decontaminate").mkdir()
    return folder
