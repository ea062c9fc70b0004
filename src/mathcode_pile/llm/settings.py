"""Which models a run may ask, where they are, and how they are asked."""

import re
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import Section, check_commit

ModelBackend = Literal["recorded", "openai", "vllm"]


class ServerParams(Section):
    """Servers that speak OpenAI's protocol. The key, if any, is read from MATHCODE_API_KEY alone."""

    base_urls: tuple[str, ...] = Field(min_length=1)
    """Their addresses, `/v1` included; prompts go to each of them in turn."""
    name: str | None = None
    """The servers' name for the model; its id unless given."""
    concurrency: int = Field(default=64, gt=0)
    """Requests that run at once, over all servers."""
    timeout_s: float = Field(default=600, gt=0)
    """For one attempt, the time in the server's queue included."""
    max_attempts: int = Field(default=6, gt=0)
    """Attempts for one prompt before it counts as failed."""
    backoff_s: float = Field(default=1, ge=0)
    """Wait before the second attempt; it doubles before each further one."""
    max_backoff_s: float = Field(default=60, ge=0)
    """The longest wait before another attempt."""


class VllmParams(Section):
    """vLLM's servers on this machine, which a stage starts and ends itself."""

    engines: int = Field(default=1, gt=0)
    """Servers, each with a copy of the model on GPUs of its own."""
    tensor_parallel: int = Field(default=1, gt=0)
    """GPUs for each copy."""
    gpu_memory_share: float = Field(default=0.9, gt=0, le=1)
    """The share of each GPU's memory that vLLM takes."""
    dtype: str = "auto"
    """The arithmetic of the model; auto: that of its weights."""
    enforce_eager: bool = False
    """Without CUDA graphs: slower, with less memory."""
    concurrency: int = Field(default=256, gt=0)
    """Prompts that each server has at once; vLLM decides how many of them it works on."""
    start_timeout_s: float = Field(default=3600, gt=0)
    """How long a server may take to load the model, its download included."""


class ModelParams(Section):
    """One model, and what its replies depend on."""

    id: str
    """A hub's owner/name, or a folder; as a server knows the model."""
    revision: str | None
    """A hub model's commit, which `make pin` writes; for any other model a name of its version."""
    tokenizer: str | None = None
    """A folder or hub id; the model's own unless given. `bytes`: no tokenizer, each byte counts as a token."""
    system_turn: bool = True
    """Whether its chat template takes a system turn; if not, the system part opens the first user turn."""
    chat_template_kwargs: dict[str, JsonValue] = {}
    """Switches of its chat template, such as `enable_thinking: false`; sent to servers only where there are any."""
    context_tokens: int = Field(gt=0)
    """The longest prompt and reply together, in tokens."""
    temperature: float = Field(default=0, ge=0)
    """0: always the likeliest token."""
    top_p: float = Field(default=1, gt=0, le=1)
    """Tokens are drawn from the likeliest ones with this share of the probability."""
    seed: int = 0
    """The seed of drawing."""
    gpus: int = Field(default=1, ge=0)
    """All GPUs that serve it, 0 if it is served without one; `make plan` counts GPU-hours with it."""
    tokens_per_s: float | None = Field(default=None, gt=0)
    """Prompt and completion tokens a second on all GPUs together; used until a run has measured them."""
    recorded: Path | None = None
    """A folder of replies that were recorded before, as `make record-replies` writes it; they are not asked again."""
    openai: ServerParams | None = None
    """How to reach servers that speak OpenAI's protocol, for the backend openai."""
    vllm: VllmParams | None = None
    """How vLLM is run, for the backend vllm."""

    @field_validator("revision")
    @classmethod
    def _is_commit(cls, revision: str | None, info: ValidationInfo) -> str | None:
        name = info.data.get("id", "")
        is_on_hub = re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not Path(name).is_dir()
        return check_commit(revision) if revision is not None and is_on_hub else revision

    def commit_of(self, name: str) -> str | None:
        """Return the revision of the model or a tokenizer to load; None for a folder and for another hub id."""
        return self.revision if name == self.id and not Path(name).is_dir() else None


class LlmParams(Section):
    """The models that annotate and translate can name."""

    models: dict[str, ModelParams] = {}
    """The models by name."""

    def at_main(self) -> "LlmParams":
        """Return the models, those without a pinned revision at their main branch: for tools that ask no model."""
        return LlmParams(
            models={
                name: model if model.revision else model.model_copy(update={"revision": "main"})
                for name, model in self.models.items()
            }
        )


class AskParams(Section):
    """Which model a stage asks, and for what."""

    model: str | None = None
    """A name of llm.models; needed by every backend that is a model's."""
    max_completion_tokens: int = Field(default=2048, gt=0)
    """The longest reply, in tokens."""
    max_failed_share: float = Field(default=0.01, ge=0, le=1)
    """The run stops if more than this share of its prompts fail or get a reply that cannot be read."""


class Task(NamedTuple):
    """Which model answers a stage's prompts, and how."""

    stage: str
    backend: ModelBackend
    model: ModelParams
    max_completion_tokens: int
    max_failed_share: float
    schema: dict[str, JsonValue] | None = None
    """The JSON schema that answers are held to where the server can do it; None: answers are free text."""

    def identity(self) -> dict[str, object]:
        """Return what replies depend on: neither where the model runs nor how fast."""
        sampling = {"temperature", "top_p", "seed"}
        model = self.model.model_dump(include={"id", "revision", "chat_template_kwargs"} | sampling)
        # A temperature of 0 and one of 0.0 ask for the same.
        model |= {name: int(value) for name, value in model.items() if isinstance(value, float) and value.is_integer()}
        schema = {"schema": self.schema} if self.schema else {}
        return model | schema | {"max_completion_tokens": self.max_completion_tokens}


def make_task(stage: str, backend: ModelBackend, params: AskParams, llm: LlmParams) -> Task:
    """Return a stage's task; raises ParamsError where its model is missing or has no settings for the backend."""
    model = params.model
    if model not in llm.models:
        known = ", ".join(llm.models) or "none"
        raise ParamsError(f"params: {stage}.model: llm.models has no {model!r}; there are {known}")
    chosen = llm.models[model]
    if chosen.revision is None:
        raise ParamsError(f"params: llm.models.{model}.revision is not pinned; run `make pin`")
    if getattr(chosen, backend) is None:
        raise ParamsError(f"params: llm.models.{model}.{backend} is missing, and {stage}.backend is {backend}")
    for url in chosen.openai.base_urls if chosen.openai else ():
        _check_url(f"params: llm.models.{model}.openai.base_urls", url)
    if params.max_completion_tokens >= chosen.context_tokens:
        raise ParamsError(f"params: {stage}.max_completion_tokens leaves no room in {chosen.context_tokens} tokens")
    return Task(stage, backend, chosen, params.max_completion_tokens, params.max_failed_share)


def _check_url(name: str, url: str) -> None:
    """Raise ParamsError where an address is no http(s) address, or may hold a secret (the message does not show it)."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None or parts.query:
        raise ParamsError(f"{name}: an address may hold no user, password or query; the key goes into MATHCODE_API_KEY")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ParamsError(f"{name} must be http(s) addresses, got {url!r}")
