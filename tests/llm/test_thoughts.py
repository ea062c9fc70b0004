"""Replies of models that think: the answer alone is read, however a server or a model sets the thought apart."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.llm import ModelParams, Prompt, Task, load_template
from mathcode_pile.llm.prompts import Turn
from mathcode_pile.llm.served import read_completion
from mathcode_pile.llm.thoughts import cut_thought, opens_thought
from mathcode_pile.llm.token_counts import Fitter, load_counter
from stages.annotate.stage import PROMPT

PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "Type 1?"}]}, {"type": "text", "text": "Type: 2"}]
# A message of a server, whether it ended at the token limit, whether the chat template opens the thought; the answer.
FORMS: dict[str, tuple[dict[str, Any], bool, bool, str]] = {
    "no thought": ({"content": "Type: 2"}, False, False, "Type: 2"),
    "Qwen3": ({"content": "<think>\nType 1?\n</think>\n\nType: 2"}, False, False, "Type: 2"),
    "Qwen3, told not to think": ({"content": "<think>\n\n</think>\n\nType: 2"}, False, False, "Type: 2"),
    "DeepSeek-R1, end tag alone": ({"content": "Type 1?\n</think>\n\nType: 2"}, False, True, "Type: 2"),
    "end tag alone, no tokenizer": ({"content": "Type 1?\n</think>\n\nType: 2"}, False, False, "Type: 2"),
    "cut within the thought": ({"content": "<think>\nType 1? It"}, True, False, ""),
    "cut within the thought, no tag": ({"content": "Type 1? It"}, True, True, ""),
    "cut within the answer": ({"content": "<think>a</think>Type: 2\nThe"}, True, False, "Type: 2\nThe"),
    "ended within the thought": ({"content": "<think>\nType 1?"}, False, False, ""),
    "the template opens it, the model too": ({"content": "<think>1?</think>Type: 2"}, False, True, "Type: 2"),
    "thought twice": ({"content": "<think>1?</think>\n<think>3?</think>Type: 2"}, False, False, "Type: 2"),
    "the end tag quoted": (
        {"content": "<think>no </think> yet</think>Type: 2"},
        False,
        False,
        "Type: 2",
    ),
    "words before the thought": ({"content": "Type: 2<think>or 1"}, True, False, "Type: 2"),
    "capital letters": ({"content": "<THINK>1?</THINK>Type: 2"}, False, False, "Type: 2"),
    "thinking": ({"content": "<thinking>1?</thinking>Type: 2"}, False, False, "Type: 2"),
    "thought": ({"content": "<thought>1?</thought>Type: 2"}, False, False, "Type: 2"),
    "Seed": ({"content": "<seed:think>1?</seed:think>Type: 2"}, False, False, "Type: 2"),
    "Magistral, as text": ({"content": "[THINK]1?[/THINK]Type: 2"}, False, False, "Type: 2"),
    "Magistral, in parts": ({"content": PARTS}, False, False, "Type: 2"),
    "Kimi": ({"content": "◁think▷1?◁/think▷Type: 2"}, False, False, "Type: 2"),
    "reasoning_content": ({"content": "Type: 2", "reasoning_content": "Type 1?"}, False, True, "Type: 2"),
    "reasoning": ({"content": "\n\nType: 2", "reasoning": "Type 1?"}, False, False, "Type: 2"),
    "reasoning_content, cut": ({"content": None, "reasoning_content": "Type 1? It"}, True, False, ""),
    "reasoning_content, no content": ({"reasoning_content": "Type 1?"}, False, False, ""),
    "a hidden thought, cut": ({"content": None}, True, False, ""),
    "an answer in parts": ({"content": [{"type": "text", "text": "Type"}, ": 2"]}, False, False, "Type: 2"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_reply_is_its_answer_alone(form: str) -> None:
    message, is_cut, is_begun, answer = FORMS[form]
    choice = {"message": message, "finish_reason": "length" if is_cut else "stop"}
    completion = read_completion(json.dumps({"choices": [choice]}).encode())
    assert completion.is_cut == is_cut
    assert cut_thought(completion.text, is_begun and is_cut) == answer


def test_at_least_twenty_forms_are_tried() -> None:
    assert len(FORMS) >= 20


@pytest.mark.parametrize("text", ["$a < b$ and I think > 3", "<thinker>", "print('think')", "[think about it]"])
def test_ordinary_text_is_no_thought(text: str) -> None:
    assert cut_thought(text) == text


def test_a_reply_of_tags_alone_takes_no_long_time() -> None:
    assert cut_thought("<think>" * 100_000) == ""
    assert cut_thought("</think>" * 100_000) == ""


CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
)
GEMMA = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}"
)
R1 = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|assistant|><think>\n"


def make_model(folder: Path, template: str, **more: Any) -> ModelParams:
    """A model whose tokenizer makes a token of every byte."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    fast.chat_template = template
    fast.save_pretrained(folder)
    return ModelParams(id="small", revision="1", tokenizer=str(folder), context_tokens=8000, **more)


DIALOGUE = Prompt((Turn("system", "Judge."), Turn("user", "1"), Turn("assistant", "Type: 1"), Turn("user", "∫")))


def test_the_whole_dialogue_is_counted_in_the_chat_template(tmp_path: Path) -> None:
    written = "".join(f"<|im_start|>{turn.role}\n{turn.content}<|im_end|>\n" for turn in DIALOGUE.turns)
    written += "<|im_start|>assistant\n"
    plain = load_counter(make_model(tmp_path, CHATML))
    assert plain.count_prompt(DIALOGUE) == len(written.encode())
    switched = load_counter(make_model(tmp_path, CHATML, chat_template_kwargs={"enable_thinking": False}))
    assert switched.count_prompt(DIALOGUE) == len(written.encode()) + len("<think>\n\n</think>\n\n")


def test_a_tokenizer_that_takes_no_system_turn_names_the_param(tmp_path: Path) -> None:
    template = load_template(PROMPT)
    task = Task("annotate", "openai", make_model(tmp_path, GEMMA), 16, 0.1)
    message = r"llm\.models: the chat template of small refuses a prompt: System role .*set system_turn: false"
    with pytest.raises(ParamsError, match=message):
        Fitter(task, template.render(text=""), 5000)
    assert Fitter(task, template.render(text="").fold_system_turn(), 5000).room > 4000


@pytest.mark.parametrize(("template", "is_begun"), [(CHATML, False), (R1, True)])
def test_a_template_that_opens_the_thought_is_known(tmp_path: Path, template: str, is_begun: bool) -> None:
    assert load_counter(make_model(tmp_path, template)).opens_thought == is_begun
    assert not load_counter(
        make_model(tmp_path / "other", CHATML, chat_template_kwargs={"enable_thinking": False})
    ).opens_thought


@pytest.mark.parametrize(
    ("rendered", "is_begun"), [("a<think>\n", True), ("<think>\n\n</think>\n\n", False), ("", False)]
)
def test_the_end_of_a_rendered_dialogue_tells_whether_a_thought_is_open(rendered: str, is_begun: bool) -> None:
    assert opens_thought(rendered) == is_begun
