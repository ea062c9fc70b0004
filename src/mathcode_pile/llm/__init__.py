"""Ask language models: one interface to servers that speak OpenAI's protocol, and a cache that keeps every reply.

No reply is paid for twice: each is kept under the hash of everything that it depends on.
"""

from mathcode_pile.llm.asker import Asker, Reply
from mathcode_pile.llm.inquiry import Inquiry, Text
from mathcode_pile.llm.prompts import Prompt, Template, ask_plainly, load_template
from mathcode_pile.llm.reasons import NoReply
from mathcode_pile.llm.settings import AskParams, LlmParams, ModelBackend, ModelParams, Task, make_task

__all__ = [
    "AskParams",
    "Asker",
    "Inquiry",
    "LlmParams",
    "ModelBackend",
    "ModelParams",
    "NoReply",
    "Prompt",
    "Reply",
    "Task",
    "Template",
    "Text",
    "ask_plainly",
    "load_template",
    "make_task",
]
