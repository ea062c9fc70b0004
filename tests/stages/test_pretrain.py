"""Pretraining: attention within documents, exact resume, several processes, schedule, errors."""

import itertools
import json
import os
import shutil
import signal
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from accelerate import Accelerator, DistributedType, FullyShardedDataParallelPlugin
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.state import AcceleratorState, PartialState
from conftest import ROOT
from small_training import LENGTH, make_data, settings

from mathcode_pile.core.errors import InputError, ParamsError, PipelineError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.models.attention import available_implementations, choose_implementation, model_inputs
from mathcode_pile.models.language_model import (
    attach_loss,
    compile_layers,
    count_parameters,
    keep_stream_narrow,
    load_model,
    training_flops,
)
from mathcode_pile.tokens.packed import IGNORED, PackedRows, Rows
from stages.pretrain import distributed
from stages.pretrain import stage as training
from stages.pretrain.memory import Shape, checkpoint_bytes
from stages.pretrain.stage import pretrain
from stages.pretrain.training_params import PretrainParams, learning_rate, plan_run, rows_of_step

LLAMA_8B = Shape(4096, 14336, 32, 32, 4096, 1024, 128256, is_tied=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("training")
    make_data(root)
    return root


@pytest.fixture(autouse=True)
def own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.chdir(tmp_path)


def train(data: Path, out: Path, **changes: Any) -> dict[str, Any]:
    return pretrain(
        settings(**changes), data / "pack", data / "tokenize", data / "base_model", out / "model", out / "plots"
    )


def in_child(work: Callable[[], None], **environment: str) -> int:
    """Run work in a forked process; return its pid."""
    pid = os.fork()
    if pid == 0:
        os.environ.update(environment)
        AcceleratorState._reset_state(reset_partial_state=True)  # of earlier tests in this process
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return pid


def end_of(pid: int) -> int:
    """Return a child's exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# --- attention


@pytest.mark.parametrize("implementation", available_implementations("cpu"))
def test_logits_in_a_packed_row_equal_those_of_the_document_alone(data: Path, implementation: str):
    check_logits(data, implementation)


@pytest.mark.slow
def test_logits_in_a_packed_row_equal_those_of_the_document_alone_with_flex_compiled_for_a_cpu(data: Path):
    with torch.no_grad():  # torch does not compile its backward pass for CPUs
        check_logits(data, "flex_attention")


def check_logits(data: Path, implementation: str) -> None:
    """Compare six random rows' logits with those of each document alone."""
    rows = PackedRows(data / "pack")
    model = load_model(data / "base_model", implementation).eval()
    apart = 0.0
    for number in np.random.default_rng(7).choice(len(rows), 6, replace=False).tolist():
        row = rows.take([number])
        bounded, unbounded = (
            model(**model_inputs(row, implementation, bounds)[0]).logits.detach()[0] for bounds in (True, False)
        )
        bounds = rows.row(number)[1].tolist()
        for start, stop in itertools.pairwise(bounds):
            alone = model(torch.from_numpy(row.input_ids[:, start:stop]), use_cache=False).logits.detach()[0]
            # 32-bit numbers added up in another order; the logits are about 1.
            torch.testing.assert_close(bounded[start:stop], alone, atol=1e-5, rtol=0)
            apart = max(apart, float((unbounded[start:stop] - alone).abs().max()))
    assert apart > 1e-2


def attend_within(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, starts: torch.Tensor, *_: Any, **named: Any
) -> torch.Tensor:
    """Attend as torch's varlen_attn does on GPUs, by SDPA with a mask."""
    place = torch.arange(len(query))
    document = torch.searchsorted(starts[1:].contiguous(), place, right=True)
    mask = (document[:, None] == document) & (place[:, None] >= place)
    heads = (x.transpose(0, 1)[None] for x in (query, key, value))
    kept = {name: named[name] for name in ("scale", "enable_gqa")}
    return torch.nn.functional.scaled_dot_product_attention(*heads, attn_mask=mask[None, None], **kept)[0].transpose(
        0, 1
    )


@pytest.mark.parametrize("bounds", [True, False])
def test_varlen_gives_its_kernel_the_documents_laid_end_to_end(
    data: Path, monkeypatch: pytest.MonkeyPatch, bounds: bool
):
    # The kernel itself runs only on GPUs.
    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", attend_within)
    rows = PackedRows(data / "pack").take(range(3))
    losses = []
    for implementation in ("varlen", "sdpa"):
        model = load_model(data / "base_model", implementation)
        attach_loss(model, 50)
        inputs, labels = model_inputs(rows, implementation, bounds)
        losses.append(model(labels=labels, reduction="none", **inputs).detach().flatten())
    torch.testing.assert_close(*losses, atol=1e-5, rtol=0)


@pytest.mark.parametrize("documents", [1, 63, 64, 65, 200])
def test_the_number_of_documents_hardly_changes_the_shapes_that_a_kernel_is_compiled_for(documents: int):
    positions = np.concatenate([np.arange(3)] * documents)[None]
    inputs, _ = model_inputs(Rows(positions, positions, np.zeros_like(positions)), "flash_attention_2", True)
    starts = inputs["cu_seq_lens_q"]
    assert len(starts) - 1 in (64, 128, 256)
    assert starts.unique().tolist() == list(range(0, 3 * documents + 1, 3))
    assert starts.dtype == torch.int32 and inputs["max_length_q"] == positions.shape[1]


@pytest.mark.slow
def test_compiled_layers_give_the_same_losses_and_are_not_compiled_again_at_each_step(data: Path):
    rows, losses = PackedRows(data / "pack"), []
    for compiled in (False, True):
        model = load_model(data / "base_model", "sdpa")
        attach_loss(model, 32, compiled)
        if compiled:
            compile_layers(model)
        torch._dynamo.utils.counters.clear()
        for step in range(4):
            inputs, labels = model_inputs(rows.take([2 * step, 2 * step + 1]), "sdpa", True)
            loss = model(labels=labels, **inputs)
            loss.backward()
            losses.append(float(loss.detach()))
    torch.testing.assert_close(losses[:4], losses[4:], atol=0, rtol=1e-5)
    # One for all layers, one for all chunks of the loss.
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 2
    assert not torch._dynamo.utils.counters["graph_break"]


def test_under_autocast_the_residual_stream_is_narrow(data: Path):
    model = load_model(data / "base_model")
    keep_stream_narrow(model)
    inputs, _ = model_inputs(PackedRows(data / "pack").take([0]), "sdpa", True)
    with torch.autocast("cpu", torch.bfloat16):
        states = model(**inputs, output_hidden_states=True).hidden_states
    assert {state.dtype for state in states[:-1]} == {torch.bfloat16}  # the last one is the norm's


def test_with_bounds_no_label_crosses_one_and_without_only_padding_is_left_out(data: Path):
    rows = PackedRows(data / "pack")
    tokens, bounds = rows.row(0)
    bounded, unbounded = (model_inputs(rows.take([0]), "sdpa", b)[1][0].numpy() for b in (True, False))
    filled = bounds[-1]
    assert (unbounded[: filled - 1] == tokens[1:filled]).all()
    assert (unbounded[filled - 1 :] == IGNORED).all()
    crossing = bounds[1:-1] - 1
    assert (bounded[crossing] == IGNORED).all()
    assert (np.delete(bounded, crossing) == np.delete(unbounded, crossing)).all()


def test_an_attention_the_machine_lacks_is_named():
    with pytest.raises(ParamsError, match=r"pretrain\.attention: flash .* sdpa, eager"):
        choose_implementation("flash", "cpu")


# --- resuming


def test_killed_three_times_the_weights_and_the_curve_equal_an_undisturbed_runs(data: Path, tmp_path: Path):
    assert end_of(in_child(lambda: train(data, tmp_path / "undisturbed") and None)) == 0
    shutil.rmtree(tmp_path / "scratch")
    steps = sorted(np.random.default_rng(20).choice(np.arange(1, 12), 3, replace=False).tolist())
    for step in steps:
        assert end_of(in_child(lambda step=step: train_until(step, data, tmp_path / "killed"))) == -signal.SIGKILL
    # And once more while a checkpoint is being written.
    assert end_of(in_child(lambda: train_until_saving(data, tmp_path / "killed"))) == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    assert end_of(in_child(lambda: train(data, tmp_path / "killed") and None)) == 0
    assert hash_folder(tmp_path / "killed") == hash_folder(tmp_path / "undisturbed")


def train_until(step: int, data: Path, out: Path) -> None:
    """Train, and be killed in the middle of a step, after its gradients were computed."""

    def check_finite(self: Any, *_: float) -> None:
        if self.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    training.Run._check_finite = check_finite  # type: ignore[method-assign]
    train(data, out)


def train_until_saving(data: Path, out: Path) -> None:
    """Train, and be killed after a checkpoint's tensors were written and before it got its name."""
    Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign, assignment]
    train(data, out)


def test_a_finished_run_is_not_trained_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    train(data, tmp_path / "one")
    monkeypatch.setattr(training.Run, "train_step", None)
    train(data, tmp_path / "two")
    assert hash_folder(tmp_path / "one") == hash_folder(tmp_path / "two")


def test_as_many_checkpoints_are_kept_as_asked_for(data: Path, tmp_path: Path):
    train(data, tmp_path / "out", checkpoint_every_steps=1, keep_checkpoints=3)
    kept = sorted(p.name for p in (tmp_path / "scratch" / "checkpoints").glob("*/step-*"))
    assert kept == ["step-00000010", "step-00000011", "step-00000012"]


def test_a_loss_that_is_not_finite_stops_the_run_and_the_last_checkpoint_stays(data: Path, tmp_path: Path):
    with pytest.raises(PipelineError, match=r"step \d+: (loss|gradient norm) is (nan|inf); .*step-\d+ is kept"):
        train(data, tmp_path / "out", learning_rate=1e25, checkpoint_every_steps=1)
    kept = sorted((tmp_path / "scratch" / "checkpoints").glob("*/step-*/model.safetensors"))
    assert kept
    assert not (tmp_path / "out" / "model").exists()


# --- several processes


def in_processes(work: Callable[[], None], count: int = 2) -> list[int]:
    """Run work in processes that talk over gloo; return their exit statuses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "true"}
    pids = [in_child(work, RANK=str(rank), LOCAL_RANK=str(rank), **common) for rank in range(count)]
    return [end_of(pid) for pid in pids]


def same_curves(one: Path, two: Path, rtol: float) -> None:
    """Check that two runs' curves are the same but for rounding."""
    for name in ("curves.csv", "held_out.csv"):
        first, second = (np.genfromtxt(run / "plots" / name, delimiter=",", skip_header=1) for run in (one, two))
        np.testing.assert_allclose(first, second, rtol=rtol)


def test_two_processes_give_the_losses_of_one(data: Path, tmp_path: Path):
    assert end_of(in_child(lambda: train(data, tmp_path / "one") and None)) == 0
    shutil.rmtree(tmp_path / "scratch")
    assert in_processes(lambda: train(data, tmp_path / "two") and None) == [0, 0]
    # The second process has saved its random state, so there were two.
    assert list((tmp_path / "scratch" / "checkpoints").glob("*/step-*/random_states_1.pkl"))
    # Gradients are added up in another order, so 12 steps differ by rounding.
    same_curves(tmp_path / "one", tmp_path / "two", rtol=1e-4)


def test_a_run_continues_with_another_number_of_processes(data: Path, tmp_path: Path):
    assert end_of(in_child(lambda: train(data, tmp_path / "one") and None)) == 0
    shutil.rmtree(tmp_path / "scratch")
    assert end_of(in_child(lambda: train_until(7, data, tmp_path / "two"))) == -signal.SIGKILL
    assert in_processes(lambda: train(data, tmp_path / "two") and None) == [0, 0]
    assert len(list((tmp_path / "scratch" / "checkpoints").iterdir())) == 1
    same_curves(tmp_path / "one", tmp_path / "two", rtol=1e-4)


class Sharding(Accelerator):
    """Shards over CPU processes, with the settings of our launcher files; accelerate itself does so only over GPUs."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        plugin = FullyShardedDataParallelPlugin(
            fsdp_version=2, auto_wrap_policy="transformer_based_wrap", reshard_after_forward=True,
            state_dict_type="SHARDED_STATE_DICT", cpu_ram_efficient_loading=False,
        )  # fmt: skip
        PartialState._shared_state["distributed_type"] = DistributedType.FSDP
        self.state.distributed_type, self.state.fsdp_plugin = DistributedType.FSDP, plugin


def train_sharded(data: Path, out: Path, end: int | None = None) -> None:
    """Train with weights, gradients and moments sharded; end: die in the middle of this step."""
    distributed.Accelerator = Sharding  # type: ignore[misc]
    if end is not None:
        training.Run._check_finite = lambda run, *_: os._exit(9) if run.step == end else None  # type: ignore[method-assign]
    train(data, out, gradient_checkpointing=True)


def test_sharded_over_two_processes_the_losses_are_those_of_one_and_a_crash_changes_nothing(data: Path, tmp_path: Path):
    assert end_of(in_child(lambda: train(data, tmp_path / "one") and None)) == 0
    shutil.rmtree(tmp_path / "scratch")
    assert in_processes(lambda: train_sharded(data, tmp_path / "sharded")) == [0, 0]
    assert list((tmp_path / "scratch" / "checkpoints").glob("*/step-*/optimizer_0/__1_0.distcp"))
    same_curves(tmp_path / "one", tmp_path / "sharded", rtol=1e-4)
    shutil.rmtree(tmp_path / "scratch")
    assert in_processes(lambda: train_sharded(data, tmp_path / "resumed", end=7)) == [9, 9]
    assert in_processes(lambda: train_sharded(data, tmp_path / "resumed")) == [0, 0]
    assert hash_folder(tmp_path / "resumed") == hash_folder(tmp_path / "sharded")
    # A run that is not sharded does not use their checkpoints and starts from the beginning.
    assert end_of(in_child(lambda: train(data, tmp_path / "whole") and None)) == 0
    same_curves(tmp_path / "one", tmp_path / "whole", rtol=1e-9)
    whole, gathered = (load_model(tmp_path / name / "model").state_dict() for name in ("one", "sharded"))
    for name, weight in whole.items():
        torch.testing.assert_close(weight, gathered[name], atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 2)])
def test_a_sharded_run_continues_with_another_number_of_processes(data: Path, tmp_path: Path, before: int, after: int):
    assert end_of(in_child(lambda: train(data, tmp_path / "one") and None)) == 0
    shutil.rmtree(tmp_path / "scratch")
    assert in_processes(lambda: train_sharded(data, tmp_path / "resumed", end=7), before) == [9] * before
    (checkpoint,) = (tmp_path / "scratch" / "checkpoints").glob("*/step-00000006")
    assert in_processes(lambda: train_sharded(data, tmp_path / "resumed"), after) == [0] * after
    # It went on from that checkpoint, and its moments were read: the losses are those of an undisturbed run.
    assert list((tmp_path / "scratch" / "checkpoints").iterdir()) == [checkpoint.parent]
    same_curves(tmp_path / "one", tmp_path / "resumed", rtol=1e-4)


def test_a_process_waits_longer_for_the_others_than_a_slow_checkpoint_takes():
    def check() -> None:
        distributed.make_accelerator(settings())
        backend = torch.distributed.group.WORLD._get_backend(torch.device("cpu"))  # type: ignore[union-attr]
        # 8B parameters, written at 20 MB/s.
        assert backend.options._timeout.total_seconds() > checkpoint_bytes(LLAMA_8B) / 20e6

    assert in_processes(check) == [0, 0]


# --- what must not matter


@pytest.mark.parametrize(
    "changes",
    [{"micro_batch_rows": 8}, {"gradient_checkpointing": True}, {"loss_chunk_tokens": 0}, {"attention": "eager"}],
)
def test_how_a_step_is_computed_does_not_change_its_loss(data: Path, tmp_path: Path, changes: dict[str, Any]):
    train(data, tmp_path / "plain", steps=3)
    train(data, tmp_path / "changed", steps=3, **changes)
    plain, changed = (
        np.genfromtxt(tmp_path / n / "plots" / "curves.csv", delimiter=",", skip_header=1) for n in ("plain", "changed")
    )
    np.testing.assert_allclose(plain, changed, rtol=1e-4)


def test_the_held_out_loss_falls_and_the_model_can_be_loaded(data: Path, tmp_path: Path):
    mixture = {"one": {"weight": 2.0}}
    folders = (data / "pack", data / "tokenize", data / "base_model", tmp_path / "out" / "model", tmp_path / "plots")
    metrics = pretrain(settings(), *folders, mixture)
    for component in ("one", "two"):
        assert metrics[f"held_out_loss_{component}"] < metrics[f"held_out_loss_before_{component}"] - 0.2
    load_model(tmp_path / "out" / "model")
    manifest = json.loads((tmp_path / "out" / "model" / "manifest.json").read_text())
    assert manifest["inputs"]["packed"] == hash_folder(data / "pack")
    assert manifest["mixture"] == mixture


def test_the_operations_of_a_step_are_those_of_its_matrix_products(data: Path):
    """6 for each weight and token; in each layer, 12 times the width for each pair of tokens that attend."""
    model = load_model(data / "base_model")
    assert training_flops(model, 10, 0) == 6 * count_parameters(model) * 10
    assert training_flops(model, 0, 55) == 12 * model.config.num_hidden_layers * model.config.hidden_size * 55


def test_running_out_of_memory_names_the_params_to_change(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any, **__: Any) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    for where in ("load_model", "model_inputs"):
        monkeypatch.setattr(training, where, fail)
        with pytest.raises(PipelineError, match=r"gradient_checkpointing.*micro_batch_rows.*loss_chunk_tokens.*2 GiB"):
            train(data, tmp_path / "out", loss_chunk_tokens=0)
        monkeypatch.undo()
        monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))


# --- the plan of a run


def test_a_batch_that_cannot_be_divided_is_refused_with_what_would_do():
    with pytest.raises(ParamsError, match=r"batch_tokens: 1000 .* 2 devices\); 768 or 1024 would do"):
        plan_run(settings(batch_tokens=1000), 10, LENGTH, 2)
    with pytest.raises(ParamsError, match="256 would do"):
        plan_run(settings(batch_tokens=64), 10, LENGTH, 2)


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_the_global_batch_does_not_depend_on_the_number_of_devices(devices: int):
    plan = plan_run(settings(), 48, LENGTH, devices)
    assert plan.rows_a_step == 8
    assert plan.accumulation == 4 // devices


def test_every_epoch_has_every_row_once_and_the_first_is_the_packs_order():
    seen = np.concatenate([rows_of_step(step, 10, 4, seed=0) for step in range(5)])
    assert seen[:10].tolist() == list(range(10))
    assert sorted(seen[10:]) == list(range(10))
    assert seen[10:].tolist() != list(range(10))


@pytest.mark.parametrize("schedule", ["cosine", "warmup_stable_decay"])
def test_the_learning_rate_warms_up_and_ends_at_its_lowest(schedule: str):
    params = settings(schedule=schedule, learning_rate=1.0, min_learning_rate_share=0.1, warmup_steps=10, steps=100)
    rates = [learning_rate(step, 100, params) for step in range(100)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[-1] == pytest.approx(0.1, abs=1e-12)
    assert all(a >= b for a, b in itertools.pairwise(rates[9:]))
    if schedule == "warmup_stable_decay":
        assert rates[79] == 1.0 and rates[80] < 1.0


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "accelerate").glob("*.yaml")), ids=lambda path: path.stem)
def test_accelerate_accepts_all_of_each_launcher_file(path: Path):
    arguments = f"--config_file {path} --machine_rank 0 --main_process_ip 10.0.0.1 -m stages.pretrain data/pack"
    known, *_ = _validate_launch_command(launch_command_parser().parse_args(arguments.split()))
    assert (known.module, known.training_script, known.training_script_args) == (True, "stages.pretrain", ["data/pack"])
    written = yaml.safe_load(path.read_text())
    assert known.num_processes == written["num_processes"] and known.num_machines == written["num_machines"]
    assert known.use_fsdp == (written["distributed_type"] == "FSDP")
    if known.use_fsdp:
        assert (int(known.fsdp_version), known.fsdp_state_dict_type) == (2, "SHARDED_STATE_DICT")


def test_norms_and_biases_do_not_decay(data: Path):
    model = load_model(data / "base_model")
    decayed, spared = training.group_parameters(model, 0.1)
    names = {id(p): n for n, p in model.named_parameters()}
    assert all("norm" in names[id(p)] for p in spared["params"]) and spared["weight_decay"] == 0
    assert len(decayed["params"]) + len(spared["params"]) == len(names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": None}, "give one of epochs and steps"),
        ({"epochs": 1}, "give one of epochs and steps"),
        ({"learning_rat": 1}, "unknown key pretrain.learning_rat"),
        ({"batch_tokens": 0}, "pretrain.batch_tokens"),
    ],
)
def test_wrong_params_are_named(changes: dict[str, Any], message: str):
    with pytest.raises(ParamsError, match=message):
        parse_section("pretrain", settings().model_dump() | changes, PretrainParams)


def test_a_missing_pack_is_named(data: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"pack\.json"):
        pretrain(settings(), tmp_path, data / "tokenize", data / "base_model", tmp_path / "m", tmp_path / "p")
