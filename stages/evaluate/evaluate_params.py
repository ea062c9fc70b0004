"""The params of evaluate: which models and tasks, how many questions, and with what arithmetic."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from mathcode_pile.core.params import Section
from mathcode_pile.downloads.model_files import OriginParams

Protocol = Literal["ours", "paper"]
Task = Literal["gsm8k", "math", "sat", "ocw_courses", "mmlu_math", "computations"]


class ServerParams(Section):
    """A server that speaks OpenAI's protocol, with its endpoint for completions. MATHCODE_API_KEY holds the key."""

    url: str = Field(pattern=r"^https?://[^\s?@]+$")
    """Its address up to and with /v1."""
    name: str
    """What the server calls the model."""
    revision: str
    """Which weights they are, in any words. Scores are kept under it: change it when the server gets other weights."""
    concurrency: int = Field(default=8, gt=0)
    """How many requests are under way at once."""
    timeout_s: float = Field(default=600, gt=0)
    """Seconds that one request may take."""
    max_attempts: int = Field(default=4, gt=0)
    """Attempts for one prompt before it counts as failed."""
    next_tokens: int = Field(default=0, ge=0)
    """For a server that cannot echo prompts, as llama.cpp's: look for a task's letters among this many of the likeliest
    next tokens. A letter that is not there counts as the last of them. 0: use the echo."""


class ModelParams(OriginParams):
    """A model to score: exactly one of folder (or a .gguf file), package, hub and server."""

    OWN = "server"
    server: ServerParams | None = None
    """How to reach a server that has the model."""


class EvaluateParams(Section):
    """Which models and tasks, how many questions, and with what arithmetic."""

    models: dict[str, ModelParams] = Field(min_length=1)
    """By name. Each is compared with those before it."""
    tasks: list[Task]
    """The benchmarks to score, in this order."""
    protocol: Protocol = "ours"
    """Whose prompts and scoring; docs/evaluation.md lists the differences."""
    limit: int | None = Field(default=None, gt=0)
    """Questions of each task, spread evenly over it; null: all."""
    few_shot: int | None = Field(default=None, ge=0, le=4)
    """At most this many worked examples before each question; null: as many as the task file has."""
    max_new_tokens: int | None = Field(default=None, gt=0)
    """Of a reply; null: as the task file says."""
    program_aided: bool = True
    """Are gsm8k and math also answered by programs that run in the sandbox?"""
    program_samples: int = Field(default=0, ge=0)
    """Programs drawn for each question besides the greedy one; the most frequent output counts. 0: none."""
    program_temperature: float = Field(default=0.7, gt=0)
    """Of those programs."""
    backend: Literal["hf", "vllm"] = "hf"
    """What runs the models that are no servers: transformers, or a vLLM server that the stage starts."""
    tensor_parallel: int = Field(default=1, gt=0)
    """vLLM: GPUs for a model."""
    precision: Literal["fp32", "bf16"] = "bf16"
    """The arithmetic of the model."""
    batch_size: int = Field(default=16, gt=0)
    """Questions that the model answers at once."""
    questions_at_once: int = Field(default=256, gt=0)
    """Questions of a part; after a crash, only unfinished parts are answered again."""
    held_out_tokens: int = Field(default=1_000_000, ge=0)
    """Of each component; 0: all."""
    other_text: Path | None = None
    """A text file without mathematics, with lines of `---` between its passages; null: a few pages of our own."""
    sequence_length: int = Field(default=4096, gt=1)
    """The most tokens of a question with its examples, and of a row of held-out text."""
    cpu_threads: int = Field(default=2, gt=0)
    """The number of threads on a CPU; it changes rounding."""
    seed: int = Field(ge=0)
    """The seed of everything that is drawn."""

    @field_validator("models")
    @classmethod
    def _have_plain_names(cls, models: dict[str, ModelParams]) -> dict[str, ModelParams]:
        for name in models:
            if not name.isidentifier() or name == "differences":
                raise ValueError(f"{name!r} must be letters, digits and _, and not `differences`: it names files")
        return models
