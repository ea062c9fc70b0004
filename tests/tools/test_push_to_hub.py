"""The corpus on the Hugging Face hub: what huggingface_hub uploads to a hub played on 127.0.0.1."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from played_uploads import TOKEN, Uploads
from test_corpus import make_clean

from mathcode_pile.core.errors import PipelineError
from stages.corpus.card import Published, Register, hash_content, write_card
from stages.corpus.stage import CorpusParams, assemble
from stages.corpus.translated import TranslatedParams
from tools.hub import push_to_hub


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Uploads]:
    from huggingface_hub import constants

    hub = Uploads()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    yield hub
    hub.stop()


def _version(project: Path, version: str, components: list[str]) -> Path:
    """Make a corpus of a version in the project."""
    folder = project / version
    params = CorpusParams(title="t", translated=TranslatedParams(form=dict.fromkeys(components[1:], "page")))
    assemble(make_clean(folder / "clean"), folder / "corpus", components, params, {})
    entries = json.loads((folder / "corpus" / "manifest.json").read_text())["components"]
    published = Published(version=version, content=hash_content(entries))
    write_card(folder / "corpus", entries, "t", {}, {}, Register(published=published))
    return folder / "corpus"


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_version_replaces_the_one_before_and_gets_its_tag(project: Path, uploads: Uploads) -> None:
    first, second = _version(project, "v1.0", ["web", "translated_code"]), _version(project, "v1.1", ["web"])
    assert uploads.url in push_to_hub("someone/pile", first)
    assert uploads.files["someone/pile"] == _contents(first) and uploads.private["someone/pile"]
    assert uploads.tags["someone/pile"] == {"v1.0": uploads.commit("someone/pile")}
    push_to_hub("someone/pile", second)
    assert uploads.files["someone/pile"] == _contents(second)
    assert (
        uploads.tags["someone/pile"]["v1.1"] == uploads.commit("someone/pile") != uploads.tags["someone/pile"]["v1.0"]
    )


def test_a_file_that_was_damaged_on_its_way_is_noticed_and_gets_no_tag(project: Path, uploads: Uploads) -> None:
    uploads.damages = True
    with pytest.raises(PipelineError, match="someone/pile: .* is not on the hub as the manifest says"):
        push_to_hub("someone/pile", _version(project, "v1.0", ["web"]))
    assert uploads.tags["someone/pile"] == {}


def test_what_cannot_be_pushed_is_one_line(project: Path, uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _version(project, "v1.0", ["web"])
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(PipelineError, match="someone/pile: the hub refused: .*401"):
        push_to_hub("someone/pile", folder)
    entries = json.loads((folder / "manifest.json").read_text())["components"]
    write_card(folder, entries, "t", {}, {}, Register())
    with pytest.raises(PipelineError, match="unpublished; make publish VERSION=v1.0 first"):
        push_to_hub("someone/pile", folder)
    (folder / "README.md").write_text("x")
    with pytest.raises(PipelineError, match=r"1 files are not as the manifest says"):
        push_to_hub("someone/pile", folder)
    assert uploads.files == {}
