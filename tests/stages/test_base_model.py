"""The base model: the same params give the same bytes, and errors are clear."""

from pathlib import Path

import pytest
from small_training import SHAPE, make_tokenizer

from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.scratch import hash_folder
from stages.base_model.stage import BaseModelParams, bring_base_model


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    make_tokenizer(folder)
    return folder


def test_a_configuration_and_a_seed_give_the_same_bytes_each_time(tokenizer: Path, tmp_path: Path):
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        bring_base_model(BaseModelParams(config=SHAPE, seed=seed), tokenizer, tmp_path / name)
    assert hash_folder(tmp_path / "one") == hash_folder(tmp_path / "same")
    assert hash_folder(tmp_path / "one") != hash_folder(tmp_path / "other")


def test_a_model_in_a_folder_is_not_changed(tokenizer: Path, tmp_path: Path):
    bring_base_model(BaseModelParams(config=SHAPE), tokenizer, tmp_path / "made")
    bring_base_model(BaseModelParams(folder=tmp_path / "made"), tokenizer, tmp_path / "brought")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("made", "brought")]
    assert weights[0] == weights[1]


def test_a_tokenizer_which_is_not_the_models_own_is_refused(tokenizer: Path, tmp_path: Path):
    bring_base_model(BaseModelParams(config=SHAPE), tokenizer, tmp_path / "made")
    other = tmp_path / "other"
    make_tokenizer(other)
    text = (other / "tokenizer.json").read_text(encoding="utf-8")
    (other / "tokenizer.json").write_text(text.replace('"!": 3', '"!": 4', 1).replace('"\\"": 4', '"\\"": 3', 1))
    with pytest.raises(InputError, match="not the base model's own tokenizer"):
        bring_base_model(BaseModelParams(folder=tmp_path / "made"), other, tmp_path / "out")


def test_a_missing_folder_is_named(tokenizer: Path, tmp_path: Path):
    with pytest.raises(InputError, match="nowhere"):
        bring_base_model(BaseModelParams(folder=tmp_path / "nowhere"), tokenizer, tmp_path / "out")
    with pytest.raises(InputError, match=r"nowhere\.gguf"):
        bring_base_model(BaseModelParams(folder=tmp_path / "nowhere.gguf"), tokenizer, tmp_path / "out")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "exactly one of"),
        ({"folder": "a", "hub": {"id": "b", "revision": "0" * 40}}, "exactly one of"),
        ({"hub": {"id": "b", "revision": "main"}}, "40 hex digits"),
        ({"config": SHAPE.model_dump() | {"layer": 3}}, "unknown key base_model.config.layer"),
    ],
)
def test_wrong_params_are_named(values: dict, message: str):
    with pytest.raises(ParamsError, match=message):
        parse_section("base_model", values, BaseModelParams)
