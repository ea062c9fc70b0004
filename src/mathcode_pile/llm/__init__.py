"""Ask language models: one interface over served and in-process models, and replies kept for ever.

A reply once paid for is never paid for again: it is kept under the hash of all that it depends on.
"""

from mathcode_pile.llm.asker import Asker, Reply, open_asker
from mathcode_pile.llm.prompts import Template, load_template
from mathcode_pile.llm.settings import LlmParams, ModelBackend, ModelParams, Task, make_task
from mathcode_pile.llm.token_counts import Text, write_prompts

__all__ = [
    "Asker",
    "LlmParams",
    "ModelBackend",
    "ModelParams",
    "Reply",
    "Task",
    "Template",
    "Text",
    "load_template",
    "make_task",
    "open_asker",
    "write_prompts",
]
