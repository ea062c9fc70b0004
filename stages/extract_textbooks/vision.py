"""Read the pages of PDFs with a vision model behind OpenAI's protocol, as vLLM serves olmOCR, LightOnOCR and others.

Each page is sent as a picture in a data URL. Its reply is kept like every other model's, so no page is paid for twice.
"""

import base64
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from mathcode_pile.core.funnel import Failed, attempt
from mathcode_pile.llm import AskParams, LlmParams, Prompt, Reply, Task, ask_plainly, make_task
from mathcode_pile.llm.asker import open_asker
from mathcode_pile.llm.thoughts import cut_thought
from stages.extract_textbooks.ocr import clean_page
from stages.extract_textbooks.pages import Page, ReadPage, draw_pages
from stages.extract_textbooks.pdf import Resolution

# Larger than any model wants a page; longest_side_pixels is what counts for pages of usual size.
DOTS_PER_INCH = 300
INSTRUCTION = (
    "Transcribe this page of a textbook as Markdown, in reading order. Write formulas as LaTeX, between $ in a line "
    "and between $$ on lines of their own. Leave out page numbers, running heads and pictures. Answer with the text."
)
_FRONT_MATTER = re.compile(r"\A\s*---\n(?:[\w-]+:.*\n)+---[ \t]*(?:\n|\Z)")
_FENCE = re.compile(r"\A\s*```(?:markdown|md)?[ \t]*\n(.*?)\n?(?:```)?\s*\Z", re.DOTALL)


class ServedOcrParams(AskParams):
    """The vision model that reads pages, one of llm.models."""

    backend: Literal["openai", "vllm"]
    """openai: servers that run already. vllm: the stage starts one."""
    max_completion_tokens: int = Field(default=4096, gt=0)
    """Of a page's text."""
    instruction: str = INSTRUCTION
    """What the model is told beside the picture; empty for a model that wants the picture alone."""
    longest_side_pixels: int = Field(default=1288, gt=0)
    """Of a page's picture. olmOCR was trained on 1288, LightOnOCR on 1540."""


@dataclass(frozen=True)
class VisionModel:
    """A vision model behind servers."""

    task: Task
    instruction: str
    longest_side_pixels: int
    timeout_s: float
    """For drawing a page."""

    @property
    def key(self) -> list[Any]:
        """What the text of a page depends on."""
        return [self.task.identity(), self.instruction, self.longest_side_pixels]

    def read(self, pages: Iterable[Page]) -> Iterator[ReadPage]:
        """Yield the text of each page, in order.

        Raises PipelineError where the model cannot be asked, or more pages than max_failed_share got no reply.
        """
        asker = open_asker(self.task)
        with closing(asker.ask(self._write_prompts(pages), None, "page")) as replies:
            for (_, missing), reply in replies:
                yield missing or _read_reply(reply)

    def _write_prompts(self, pages: Iterable[Page]) -> Iterator[tuple[tuple[int, ReadPage | None], Prompt | Failed]]:
        """Yield each page's prompt, with its number in this run and what takes its text's place if it was not drawn."""
        resolution = Resolution(DOTS_PER_INCH, self.longest_side_pixels)
        for number, drawn in enumerate(draw_pages(pages, resolution, self.timeout_s)):
            if drawn.missing:
                yield (number, drawn.missing), Failed("")
            else:
                yield (number, None), ask_plainly(self.instruction)._replace(image=write_data_url(drawn.image))


def write_data_url(image: Any) -> str:
    """Return a PIL image as a PNG in a data URL."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _read_reply(reply: Reply | Failed) -> ReadPage:
    if isinstance(reply, Failed):
        return ReadPage("", failed=reply)
    if reply.failure:
        return ReadPage("", lost=reply.failure)
    text = attempt(clean_reply, reply.text)
    return ReadPage("", failed=text) if isinstance(text, Failed) else ReadPage(text)


def clean_reply(reply: str) -> str:
    """Return the page's text: a reply without thoughts, olmOCR's front matter, a fence around it all, and repeats."""
    text = _FRONT_MATTER.sub("", cut_thought(reply))
    fenced = _FENCE.match(text)
    if fenced and "```" not in fenced[1]:
        text = fenced[1]
    return clean_page(text.strip())


def load_vision_model(params: ServedOcrParams, llm: LlmParams, timeout_s: float) -> VisionModel:
    """Return the vision model that params name; raises ParamsError where llm.models lacks it or its backend."""
    task = make_task("extract_textbooks", params.backend, params, llm)
    return VisionModel(task, params.instruction, params.longest_side_pixels, timeout_s)
