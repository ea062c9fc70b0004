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
from accelerate.state import AcceleratorState
from small_training import LENGTH, make_data, settings

from mathcode_pile.attention import available_implementations, choose_implementation, model_inputs
from mathcode_pile.errors import InputError, ParamsError, PipelineError
from mathcode_pile.language_model import load_model
from mathcode_pile.packed import IGNORED, PackedRows
from mathcode_pile.params import parse_section
from mathcode_pile.pretrain import PretrainParams, checkpoints, pretrain, training
from mathcode_pile.pretrain.settings import learning_rate, plan_run, rows_of_step
from mathcode_pile.scratch import hash_folder


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
        AcceleratorState._reset_state(reset_partial_state=True)  # what earlier tests in this process left
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


@pytest.mark.parametrize("implementation", available_implementations("cuda" if torch.cuda.is_available() else "cpu"))
def test_logits_in_a_packed_row_equal_those_of_the_document_alone(data: Path, implementation: str):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = PackedRows(data / "pack")
    model = load_model(data / "base_model", implementation).to(device).eval()
    apart = 0.0
    for number in np.random.default_rng(7).choice(len(rows), 6, replace=False).tolist():
        row = rows[number]
        bounded, unbounded = (
            model(**model_inputs(row, implementation, bounds, device)[0]).logits.detach()[0] for bounds in (True, False)
        )
        bounds = rows.row(number)[1].tolist()
        for start, stop in itertools.pairwise(bounds):
            alone = model(torch.from_numpy(row.input_ids[:, start:stop]).to(device), use_cache=False).logits.detach()[0]
            # 32-bit arithmetic in another order: logits here are about 1, the tolerance 1e-5.
            torch.testing.assert_close(bounded[start:stop], alone, atol=1e-5, rtol=0)
            apart = max(apart, float((unbounded[start:stop] - alone).abs().max()))
    assert apart > 1e-2


def test_with_bounds_no_label_crosses_one_and_without_only_padding_is_left_out(data: Path):
    rows = PackedRows(data / "pack")
    tokens, bounds = rows.row(0)
    bounded, unbounded = (model_inputs(rows[0], "sdpa", b)[1][0].numpy() for b in (True, False))
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
    """Train, and be killed in the middle of a step, after its gradients were made."""

    def check_finite(self: Any, *_: float) -> None:
        if self.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    training.Run._check_finite = check_finite  # type: ignore[method-assign]
    train(data, out)


def train_until_saving(data: Path, out: Path) -> None:
    """Train, and be killed when a checkpoint's tensors are written and it has not its name yet."""
    checkpoints.sync_folder = lambda _: None
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


def test_two_processes_give_the_losses_of_one(data: Path, tmp_path: Path):
    assert end_of(in_child(lambda: train(data, tmp_path / "one") and None)) == 0
    shutil.rmtree(tmp_path / "scratch")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "true"}
    pids = [
        in_child(lambda: train(data, tmp_path / "two") and None, RANK=rank, LOCAL_RANK=rank, **common)
        for rank in ("0", "1")
    ]
    assert [end_of(pid) for pid in pids] == [0, 0]
    # The second process's random state: there were two.
    assert list((tmp_path / "scratch" / "checkpoints").glob("*/step-*/random_states_1.pkl"))
    for name in ("curves.csv", "held_out.csv"):
        one, two = (np.genfromtxt(tmp_path / n / "plots" / name, delimiter=",", skip_header=1) for n in ("one", "two"))
        # Gradients are summed in another order: 12 steps apart by rounding alone.
        np.testing.assert_allclose(one, two, rtol=1e-4)


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
    metrics = train(data, tmp_path / "out")
    for component in ("one", "two"):
        assert metrics[f"held_out_loss_{component}"] < metrics[f"held_out_loss_before_{component}"] - 0.2
    load_model(tmp_path / "out" / "model")
    manifest = json.loads((tmp_path / "out" / "model" / "manifest.json").read_text())
    assert manifest["inputs"]["packed"] == hash_folder(data / "pack")


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


def test_a_pack_that_is_not_there_is_named(data: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"pack\.json"):
        pretrain(settings(), tmp_path, data / "tokenize", data / "base_model", tmp_path / "m", tmp_path / "p")
