"""What a change of data, params or prompts asks a model again, counted at the server, through the real stages."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from scripted import Server, write_documents

# Both stages can read it.
REPLY = "Type: 1\n**Expression:** $2 \\cdot 3$\n**Result:** 6\n**Code:**\n```python\nprint(2 * 3)\n```"
PIECE = "Let $a_{n} = {n}$, so that $2 a_{n} = {m}$. "


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "log", "--reply", REPLY)
    yield started
    started.stop()


def make_text(number: int) -> str:
    """A document of one to three pieces, unlike any other."""
    paragraph = PIECE.replace("{n}", str(number)).replace("{m}", str(2 * number)) * 90
    return "\n\n".join(f"Part {part}. {paragraph}" for part in range(1 + number % 3))


def count_pieces(numbers: range) -> int:
    return sum(1 + number % 3 for number in numbers)


def edit(path: Path, *keys: str, value: object) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    section = content
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] = value
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


class Copy:
    """The repository's code and params in a folder of their own, with a server's model in the profile."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server, self.params = folder, server, folder / "params.yaml"
        leave = shutil.ignore_patterns("__pycache__")
        for name in ("src", "stages", "profiles"):
            shutil.copytree(ROOT / name, folder / name, ignore=leave)
        for name in ("params.yaml", "requirements.lock"):
            shutil.copyfile(ROOT / name, folder / name)
        profile = folder / "profiles" / "sample.yaml"
        openai = {"base_urls": [server.url]}
        model = {"id": "m", "revision": "1", "tokenizer": "bytes", "context_tokens": 16000, "openai": openai}
        edit(profile, "llm", value={"models": {"small": model}})
        edit(self.params, "translate", "components", value={"web": {}})
        asking = {"backend": "openai", "model": "small"}
        edit(profile, "annotate", value=asking)
        edit(profile, "translate", value={"translators": [asking]})

    def count_asked(self, documents: Path, *stages: str) -> int:
        """Run stages whose finished shards are forgotten; return how many requests reached the server."""
        shutil.rmtree(self.folder / "scratch" / "shards", ignore_errors=True)
        before = self.server.asked().total()
        for stage in stages:
            arguments = {
                "annotate": [documents / "web", "out/annotate", "--source", "openwebmath", "--metrics", "m.json"],
                "translate": [documents, "out/translate", "--metrics", "metrics", "--only", "web"],
            }
            subprocess.run(
                [sys.executable, "-m", f"stages.{stage}", *arguments[stage]],
                cwd=self.folder,
                env=os.environ | {"MATHCODE_SCRATCH": str(self.folder / "scratch")},
                check=True,
                stderr=subprocess.DEVNULL,
            )
        return self.server.asked().total() - before


def test_only_what_was_never_answered_is_asked(tmp_path: Path, server: Server) -> None:
    copy = Copy(tmp_path / "copy", server)
    first = write_documents(tmp_path / "first" / "web", [make_text(i) for i in range(40)], shards=2).parent
    more = write_documents(tmp_path / "more" / "web", [make_text(i) for i in range(44)], shards=3).parent
    both = ("annotate", "translate")
    assert copy.count_asked(first, *both) == 2 * count_pieces(range(40))
    # A tenth more documents, and other shards: the new pieces and no other.
    assert copy.count_asked(more, *both) == 2 * count_pieces(range(40, 44))
    # What decides on the answers asks nothing.
    edit(copy.params, "select", "keep_types", value=[1, 2, 4])
    edit(copy.params, "verify", "rule", value="paper")
    edit(copy.folder / "profiles" / "sample.yaml", "annotate", "max_failed_share", value=0.5)
    assert copy.count_asked(more, *both) == 0
    # Another prompt asks all of its own questions, the first one again none.
    prompt = copy.folder / "stages" / "translate" / "prompts" / "translate.txt"
    text = prompt.read_text(encoding="utf-8")
    prompt.write_text(text.replace("=== user\n", "=== user\nBe brief.\n", 1), encoding="utf-8")
    assert copy.count_asked(more, *both) == count_pieces(range(44))
    prompt.write_text(text, encoding="utf-8")
    assert copy.count_asked(more, *both) == 0
