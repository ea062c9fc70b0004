"""Record the replies of the profile `coder`'s model to the sample's hand-written pages, for the profile `sample`."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import typer

from mathcode_pile.core.funnel import Failed
from mathcode_pile.core.params import load, read_yaml
from mathcode_pile.core.shards import write_shards
from mathcode_pile.llm import Inquiry, LlmParams, Prompt
from mathcode_pile.llm.asker import open_asker
from mathcode_pile.llm.cache import REPLIES, ReplyCache, reply_key
from mathcode_pile.sources import Local, read_origin
from mathcode_pile.sources.source_rows import Row
from stages.annotate.stage import AnnotateParams, ModelJudge, choose_judge
from stages.translate.translators import ModelTranslator, TranslateParams, choose_translators
from tools.profiles import choose_profile

RECORDED = pa.schema(
    [
        *REPLIES,
        pa.field("stage", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),  # of the page
        pa.field("revision", pa.string(), nullable=False),  # of the model
        pa.field("prompt", pa.string(), nullable=False),  # the hash of the instruction and the worked examples
    ]
)


class Asked(NamedTuple):
    """One prompt about one page."""

    url: str
    inquiry: Inquiry
    prompt: Prompt

    @property
    def key(self) -> bytes:
        """What its reply is kept under."""
        return reply_key(self.inquiry.task.identity(), self.prompt)


def record_replies(out: Path, pages: int | None) -> None:
    """Ask the served model what has no reply yet, and write the replies to all hand-written pages to a folder.

    pages: no more than this many pages are asked about. Interrupted, it writes what there is; the next call goes on.
    Raises PipelineError where the model cannot be reached.
    """
    out.mkdir(parents=True, exist_ok=True)
    inquiries = read_inquiries()
    asked = list(list_prompts(inquiries, pages))
    try:
        for inquiry in inquiries:
            mine = [one for one in asked if one.inquiry is inquiry]
            items: list[tuple[str, Prompt | Failed]] = [(one.url, one.prompt) for one in mine]
            with closing(open_asker(inquiry.task).ask(items, len({one.url for one in mine}), "page")) as replies:
                for _ in replies:
                    pass
    except KeyboardInterrupt:
        typer.echo("interrupted: what is answered is written; the same command goes on")
    finally:
        written = write_shards(out, iter([_gather(asked)]), RECORDED)
        typer.echo(f"{written} of {len(asked)} replies are in {out}")


def read_inquiries() -> list[Inquiry]:
    """Return what the profile `coder` asks about a page: its translation, and its type."""
    with tempfile.TemporaryDirectory() as folder:
        root = choose_profile("coder", Path(folder))
        annotate, translate = load("annotate", AnnotateParams, root=root), load("translate", TranslateParams, root=root)
        llm = load("llm", LlmParams, root=root)
    askers = [*choose_translators(translate, llm), choose_judge(annotate, llm)]
    return [asker for asker in askers if isinstance(asker, ModelTranslator | ModelJudge)]


def list_prompts(inquiries: Iterable[Inquiry], pages: int | None = None) -> Iterator[Asked]:
    """Yield the prompts about each of the sample's hand-written pages; pages: about no more than this many."""
    texts = read_pages()[:pages]
    for inquiry in inquiries:
        for number, prompt in inquiry.write_prompts((number, text) for number, (_, text) in enumerate(texts)):
            if not isinstance(prompt, Failed):
                yield Asked(texts[number][0], inquiry, prompt)


def read_pages() -> list[tuple[str, str]]:
    """Return the address and text of each hand-written page whose component is translated, in the order of params."""
    params, profile = read_yaml(Path("params.yaml")), read_yaml(Path("profiles/coder.yaml"))
    found: list[tuple[str, str]] = []
    for name, source in params["sources"].items():
        if source["component"] not in params["translate"]["components"]:
            continue
        for origin in profile["fetch"][name]["origins"]:
            if origin["kind"] == "local" and origin["format"] == "markdown":
                rows = (
                    row for row in read_origin(Local.model_validate(origin), lambda _: None) if isinstance(row, Row)
                )
                found += [(row.url, str(row.content)) for row in rows]
    return found


def _gather(asked: list[Asked]) -> pa.RecordBatch:
    """Return the replies that there are, in the order of their keys."""
    recorded = asked[0].inquiry.task.model.recorded if asked else None
    replies = ReplyCache(recorded=recorded if recorded and recorded.is_dir() else None)
    rows = {}
    for one in asked:
        completion = replies.get(one.key)
        if completion:
            model = one.inquiry.task.model
            rows[one.key] = {"key": one.key, "model": model.id, "revision": model.revision} | completion._asdict() | {
                "stage": one.inquiry.task.stage, "url": one.url, "prompt": one.inquiry.template.version
            }  # fmt: skip
    return pa.RecordBatch.from_pylist([rows[key] for key in sorted(rows)], RECORDED)
