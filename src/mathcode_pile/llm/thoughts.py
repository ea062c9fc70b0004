"""Cut off what a model thinks before it answers.

Models that think (Qwen3, DeepSeek-R1, Magistral, Kimi and others) write their thought between two tags and the answer
after it. Some chat templates write the first tag, so that the reply has only the second.
"""

import re

_TAG = re.compile(
    r"(?:<(?P<end>/)?(?:(?:seed:)?think(?:ing)?|thought)>|\[(?P<end2>/)?THINK\]|◁(?P<end3>/)?think▷)", re.IGNORECASE
)


def cut_thought(reply: str, is_begun: bool = False) -> str:
    """Return a reply's answer, without the thoughts; empty where the reply ended within the first of them.

    is_begun: the prompt itself opened a thought, so that all of a reply without an end tag is thought.
    """
    answer: list[str] = []
    is_thinking, start = is_begun, 0
    for tag in _TAG.finditer(reply):
        if tag.lastgroup is None and not is_thinking:
            answer.append(reply[start : tag.start()])
            is_thinking = True
        elif tag.lastgroup is not None:
            if not is_thinking:  # the prompt opened this thought, or the thought quotes the tag
                answer.clear()
            is_thinking, start = False, tag.end()
    if not is_thinking:
        answer.append(reply[start:])
    return "".join(answer).strip()


def join_thought(thought: str, answer: str) -> str:
    """Return the reply of a server that sends thought and answer apart, in the form that `cut_thought` reads."""
    if not thought.strip():
        return answer
    return f"<think>{thought}</think>{answer}" if answer.strip() else f"<think>{thought}"


def opens_thought(rendered: str) -> bool:
    """Tell whether a dialogue, as its chat template renders it, ends with the tag that begins a thought."""
    tags = list(_TAG.finditer(rendered))
    return bool(tags) and tags[-1].lastgroup is None and not rendered[tags[-1].end() :].strip()
