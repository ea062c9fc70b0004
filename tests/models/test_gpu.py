"""On a GPU: attention within documents, gradients, compiled steps, crash and resume, launchers, memory, evaluation."""

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT
from small_training import LENGTH, make_benchmarks, make_data, settings

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.models.attention import available_implementations, model_inputs
from mathcode_pile.models.language_model import attach_loss, compile_layers, keep_stream_narrow, load_model
from mathcode_pile.tokens.packed import PackedRows
from stages.base_model.stage import ArchitectureParams
from stages.evaluate.stage import EvaluateParams, Inputs, ModelParams, evaluate
from stages.pretrain.stage import pretrain

HAS_GPU = torch.cuda.is_available()
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not HAS_GPU, reason="no GPU here")]

# Heads of 64: FlashAttention and flex have no kernels for the tiny heads of the other tests.
SHAPE = ArchitectureParams(
    architecture="llama", hidden_size=256, intermediate_size=512, layers=2, heads=4, key_value_heads=2
)
EXACT = available_implementations("cuda", "fp32") if HAS_GPU else []
FAST = [name for name in available_implementations("cuda") if name not in EXACT] if HAS_GPU else []
ON_GPU = {"precision": "bf16", "compile": True}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("training")
    make_data(root, shape=SHAPE)
    return root


@pytest.fixture(autouse=True)
def own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.chdir(tmp_path)


# --- attention


@pytest.mark.parametrize("implementation", EXACT)
def test_logits_in_a_packed_row_equal_those_of_the_document_alone(data: Path, implementation: str):
    # Both in 32 bits, added up in another order.
    compare_with_documents_alone(data, implementation, "fp32", tolerance=1e-5)


@pytest.mark.parametrize("implementation", FAST)
def test_with_flash_attention_they_equal_them_up_to_its_eight_bits(data: Path, implementation: str):
    compare_with_documents_alone(data, implementation, "bf16", tolerance=3e-2)


def compare_with_documents_alone(data: Path, implementation: str, precision: str, tolerance: float) -> None:
    """Compare five rows' logits, which are about 1, with those of each document alone in 32 bits."""
    rows = PackedRows(data / "pack")
    model, exact = (load_model(data / "base_model", name).cuda().eval() for name in (implementation, "sdpa"))
    apart = 0.0
    with torch.no_grad():
        for number in range(5):
            with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
                packed, open_ended = (
                    model(**model_inputs(rows.take([number]), implementation, bounds, "cuda")[0]).logits[0].float()
                    for bounds in (True, False)
                )
            for start, stop in itertools.pairwise(rows.row(number)[1].tolist()):
                ids = torch.from_numpy(rows.take([number]).input_ids[:, start:stop]).cuda()
                alone = exact(ids, use_cache=False).logits[0]
                torch.testing.assert_close(packed[start:stop], alone, atol=tolerance, rtol=0)
                apart = max(apart, float((open_ended[start:stop] - alone).abs().max()))
    assert apart > 5 * tolerance


@pytest.mark.parametrize("implementation", FAST + EXACT)
def test_gradients_are_those_of_the_documents_alone(data: Path, implementation: str):
    rows = PackedRows(data / "pack").take(range(4))
    precision = "bf16" if implementation in FAST else "fp32"
    exact = load_model(data / "base_model")
    attach_loss(exact, 50)
    for ids, documents in zip(rows.input_ids, rows.document_index, strict=True):
        for number in range(documents.max() + 1):
            document = torch.from_numpy(ids[documents == number])[None]
            labels = torch.cat([document[:, 1:], torch.full((1, 1), -100)], 1)
            exact(labels=labels, input_ids=document, use_cache=False).backward()
    model = load_model(data / "base_model", implementation).cuda()
    attach_loss(model, 50)
    keep_stream_narrow(model)
    inputs, labels = model_inputs(rows, implementation, True, "cuda")
    with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
        model(labels=labels, **inputs).backward()
    for (name, ours), theirs in zip(model.named_parameters(), exact.parameters(), strict=True):
        apart = float((ours.grad.cpu() - theirs.grad).norm() / theirs.grad.norm())
        assert apart < (5e-2 if precision == "bf16" else 1e-4), name


def test_a_compiled_step_waits_for_nothing_and_is_compiled_once(data: Path):
    rows, implementation = PackedRows(data / "pack"), available_implementations("cuda")[0]
    model = load_model(data / "base_model", implementation).cuda()
    attach_loss(model, 100, compiled=True)
    keep_stream_narrow(model)
    compile_layers(model)

    def step(number: int) -> None:
        inputs, labels = model_inputs(rows.take(range(4 * number, 4 * number + 4)), implementation, True, "cuda")
        with torch.autocast("cuda", torch.bfloat16):
            loss = model(labels=labels, **inputs)
        loss.backward()

    for number in range(2):  # in the second, there are gradients already
        step(number)
    compiled = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    torch.cuda.set_sync_debug_mode("error")
    try:
        for number in range(2, 6):
            step(number)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == compiled


# --- the stage


def make_project(data: Path, folder: Path, **changes: Any) -> list[str]:
    """Write params with which the stage trains on the small data; return its command."""
    (folder / "profiles").mkdir(parents=True)
    values = settings(**ON_GPU | changes).model_dump(mode="json", exclude_none=True)
    (folder / "params.yaml").write_text(yaml.safe_dump({"profile": "small", "pretrain": values}))
    (folder / "profiles" / "small.yaml").write_text("{}\n")
    inputs = [str(data / name) for name in ("pack", "tokenize", "base_model")]
    outs = [str(folder / "model"), "--metrics", str(folder / "metrics.json"), "--plots", str(folder / "plots")]
    return [sys.executable, "-m", "stages.pretrain", *inputs, *outs]


def start(command: list[str], folder: Path, name: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([f"{ROOT / 'src'}", f"{ROOT}", *sys.path])}
    with open(folder / f"{name}.log", "wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env=environment | {"MATHCODE_SCRATCH": str(folder / "scratch")}, stdout=log, stderr=log
        )


def run(command: list[str], folder: Path, name: str = "run") -> dict[str, Any]:
    """Run the stage to its end and return its metrics."""
    assert start(command, folder, name).wait() == 0, (folder / f"{name}.log").read_text()[-3000:]
    return dict(json.loads((folder / "metrics.json").read_text()))


def losses(folder: Path) -> np.ndarray:
    return np.genfromtxt(folder / "plots" / "curves.csv", delimiter=",", names=True)["loss"]


@pytest.fixture(scope="module")
def on_cpu(data: Path, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Return the losses of the same run in 32 bits on the CPU."""
    folder = tmp_path_factory.mktemp("cpu")
    command = make_project(data, folder, precision="fp32", compile=False)
    run(["env", "CUDA_VISIBLE_DEVICES=", *command], folder)
    return losses(folder)


def test_the_stage_learns_as_on_the_cpu_and_continues_after_a_kill(data: Path, tmp_path: Path, on_cpu: np.ndarray):
    command = make_project(data, tmp_path / "run", checkpoint_every_steps=1)
    killed = start(command, tmp_path / "run", "killed")
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("run/scratch/checkpoints/*/step-*5")) and killed.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed.kill()
    assert killed.wait() == -9, (tmp_path / "run" / "killed.log").read_text()[-3000:]
    metrics = run(command, tmp_path / "run")
    assert "continues after step" in (tmp_path / "run" / "run.log").read_text()
    # bf16 has eight bits of precision; the first loss is ln 259 = 5.6.
    np.testing.assert_allclose(losses(tmp_path / "run"), on_cpu, rtol=1e-2)
    for component in ("one", "two"):
        assert metrics[f"held_out_loss_{component}"] < metrics[f"held_out_loss_before_{component}"] - 0.2


@pytest.mark.parametrize("launcher", ["one_gpu", "eight_gpus_fsdp"])
def test_launched_on_one_gpu_whole_or_sharded_it_learns_the_same(
    data: Path, tmp_path: Path, on_cpu: np.ndarray, launcher: str
):
    command = make_project(data, tmp_path / "run", gradient_checkpointing=launcher != "one_gpu")
    config = ["--config_file", str(ROOT / "configs" / "accelerate" / f"{launcher}.yaml"), "--num_processes", "1"]
    run([sys.executable, "-m", "accelerate.commands.launch", *config, *command[1:]], tmp_path / "run")
    np.testing.assert_allclose(losses(tmp_path / "run"), on_cpu, rtol=1e-2)


def test_running_out_of_memory_names_the_params_to_change(data: Path, tmp_path: Path):
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**26) / total)
    folders = (data / "pack", data / "tokenize", data / "base_model", tmp_path / "model", tmp_path / "plots")
    try:
        with pytest.raises(PipelineError, match=r"gradient_checkpointing.*micro_batch_rows.*loss_chunk_tokens"):
            pretrain(settings(batch_tokens=48 * LENGTH, micro_batch_rows=48, loss_chunk_tokens=0), *folders)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


# --- evaluation


def test_evaluate_answers_and_its_losses_are_those_of_the_cpu(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make_benchmarks(tmp_path / "benchmarks")
    values = {"limit": 3, "few_shot": 1, "max_new_tokens": 4, "program_aided": False, "sequence_length": 512, "seed": 0}
    values |= {"models": {"base": ModelParams(folder=data / "base_model")}}
    (tmp_path / "decontaminate").mkdir()
    inputs = Inputs(tmp_path / "benchmarks", tmp_path / "decontaminate", data / "tokenize", data / "tokenizer")
    params = EvaluateParams(tasks=["gsm8k", "sat"], precision="bf16", **values)
    on_gpu = evaluate(params, inputs, tmp_path / "gpu")["base"]
    assert on_gpu["gsm8k_n"] == on_gpu["sat_n"] == 3
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    on_cpu = evaluate(EvaluateParams(tasks=[], precision="fp32", **values), inputs, tmp_path / "cpu")["base"]
    torch.use_deterministic_algorithms(False)
    assert {"held_out_loss_one", "held_out_loss_two", "held_out_loss_other_text"} <= on_cpu.keys()
    for name, loss in on_cpu.items():
        assert on_gpu[name] == pytest.approx(loss, rel=1e-2, abs=1e-2)
