"""The memory of a training run, computed before it starts, against what was measured and against real models."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from conftest import ROOT
from small_training import make_data, settings

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.models.language_model import count_parameters, load_model, training_flops
from mathcode_pile.tokens.packed import PackedRows
from stages.base_model.stage import ArchitectureParams
from stages.pretrain import stage as training
from stages.pretrain.memory import (
    OVERHEAD_BYTES,
    TOLERANCE,
    Memory,
    Shape,
    check_memory,
    checkpoint_bytes,
    estimate_memory,
    read_model_shape,
    read_shape,
)

# The model of the table in docs/training.md, with four rows of 4,096 tokens at once.
BENCH_1B = Shape(2048, 8192, 16, 32, 2048, 512, 128256, is_tied=True)
SMOLLM2_1B = Shape(2048, 8192, 24, 32, 2048, 2048, 49152, is_tied=True)
LLAMA_8B = Shape(4096, 14336, 32, 32, 4096, 1024, 128256, is_tied=False)
ON_GPU = {"precision": "bf16", "compile": True, "loss_chunk_tokens": 4096, "micro_batch_rows": 4}
SETTINGS: dict[str, dict[str, Any]] = {
    "varlen, bounds": {},
    "sdpa": {"attention": "sdpa"},
    "not compiled": {"compile": False},
    "gradient checkpointing": {"gradient_checkpointing": True},
    "all logits at once": {"loss_chunk_tokens": 0},
    "2 rows at once": {"micro_batch_rows": 2},
    "8 rows at once": {"micro_batch_rows": 8},
}


def measured() -> dict[str, float]:
    """Return the gigabytes that bench/train.py measured, by setting."""
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| [\d,]+ \| .* \| ([\d.]+) \|$", page, re.MULTILINE)
    return {name: float(memory) for name, memory in rows}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_formula_is_close_to_what_the_bench_measured(name: str) -> None:
    need = estimate_memory(BENCH_1B, settings(**ON_GPU | SETTINGS[name]), 4096)
    # torch counts neither its context nor what its allocator cannot use.
    assert (need.total - OVERHEAD_BYTES) / 1e9 == pytest.approx(measured()[name], rel=TOLERANCE)


def test_what_ran_out_of_memory_is_found_to_be_too_large() -> None:
    params = settings(**ON_GPU | {"attention": "eager"})
    with pytest.raises(ParamsError, match=r"pretrain needs about 2\d\d\.\d GB"):
        check_memory(estimate_memory(BENCH_1B, params, 4096), 80 * 10**9, params)


@pytest.mark.parametrize("tied", [True, False])
def test_a_shape_has_the_parameters_and_operations_of_its_model(tmp_path: Path, tied: bool) -> None:
    size = ArchitectureParams(
        architecture="llama", hidden_size=48, intermediate_size=80, layers=3, heads=4, key_value_heads=2,
        tie_embeddings=tied,
    )  # fmt: skip
    make_data(tmp_path, rows=2, shape=size)
    shape, model = read_model_shape(tmp_path / "base_model"), load_model(tmp_path / "base_model")
    assert shape and shape.parameters == count_parameters(model)
    assert 100 * shape.flops_a_token(7) == training_flops(model, 100, 700)


def test_known_models_have_their_published_sizes() -> None:
    assert round(SMOLLM2_1B.parameters / 1e9, 2) == 1.71
    assert LLAMA_8B.parameters == 8_030_261_248
    assert checkpoint_bytes(LLAMA_8B) / 1e9 == pytest.approx(96.4, abs=0.1)


def test_a_model_of_another_kind_has_no_shape() -> None:
    assert read_shape({"model_type": "mamba", "hidden_size": 768}) is None


def test_the_error_names_what_to_change_and_only_what_can_be_changed() -> None:
    params = settings(**ON_GPU | {"loss_chunk_tokens": 0})
    need = estimate_memory(SMOLLM2_1B, params, 4096)
    with pytest.raises(ParamsError) as error:
        check_memory(need, 24 * 10**9, params)
    assert str(error.value).startswith("pretrain needs about ") and "24.0 GB are free" in str(error.value)
    for change in (
        "gradient_checkpointing: true",
        "micro_batch_rows (4)",
        "loss_chunk_tokens: 4096",
        "eight_gpus_fsdp",
    ):
        assert change in str(error.value)
    smaller = settings(**ON_GPU | {"gradient_checkpointing": True, "micro_batch_rows": 1, "loss_chunk_tokens": 1024})
    assert estimate_memory(SMOLLM2_1B, smaller, 4096).total < need.total
    with pytest.raises(ParamsError) as error:
        check_memory(need, 24 * 10**9, smaller)
    assert "free: shard over more GPUs" in str(error.value)


def test_a_run_that_may_just_fit_is_not_refused() -> None:
    need = Memory(10 * 10**9, 5 * 10**9, 0)
    check_memory(need, int(need.total * 0.95), settings())
    with pytest.raises(ParamsError):
        check_memory(need, int(need.total * 0.85), settings())


def test_sharded_over_eight_gpus_8b_fits_and_on_one_it_does_not() -> None:
    params = settings(**ON_GPU | {"micro_batch_rows": 1, "gradient_checkpointing": True})
    check_memory(estimate_memory(LLAMA_8B, params, 8192, devices=8, is_sharded=True), 79 * 10**9, params)
    with pytest.raises(ParamsError):
        check_memory(estimate_memory(LLAMA_8B, params, 8192), 79 * 10**9, params)


def test_the_stage_asks_the_card_before_it_loads_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_data(tmp_path, rows=2)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (2**26, 2**30))
    run = SimpleNamespace(
        params=settings(),
        rows=PackedRows(tmp_path / "pack"),
        device=torch.device("cuda"),
        accelerator=Accelerator(cpu=True),
    )
    with pytest.raises(ParamsError, match="0.1 GB are free"):
        training.Run._check_memory(run, tmp_path / "base_model")  # type: ignore[arg-type]
