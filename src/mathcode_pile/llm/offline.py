"""Ask a model through vLLM on this machine's GPUs, without a server.

One engine runs in this process; several run in processes of their own, each on its share of the GPUs.
"""

import multiprocessing
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from mathcode_pile.engine import die_with_parent
from mathcode_pile.errors import PipelineError
from mathcode_pile.llm.cache import Completion
from mathcode_pile.llm.settings import Task

# An engine with nothing to do waits this long for more prompts to fill its batch.
GATHER_S = 0.05


class _Engine(Protocol):
    def generate(self, prompts: list[str]) -> list[Completion]: ...


class LocalEngine:
    """A vLLM engine in this process."""

    def __init__(self, task: Task) -> None:
        """Load the model. Raises PipelineError where vLLM is not installed."""
        try:
            from vllm import LLM, SamplingParams
        except ImportError:
            raise PipelineError(
                f"{task.stage}.backend is vllm, which is not installed: pip install vllm==0.32.0"
            ) from None
        model, params = task.model, task.model.vllm
        assert params
        named = {} if os.path.isdir(model.id) else {"revision": model.revision, "tokenizer_revision": model.revision}  # noqa: PTH112
        self._llm = LLM(
            model=model.id,
            tokenizer=model.tokenizer if model.tokenizer not in (None, "bytes") else model.id,
            tensor_parallel_size=params.tensor_parallel,
            gpu_memory_utilization=params.gpu_memory_share,
            max_model_len=model.context_tokens,
            dtype=params.dtype,
            enforce_eager=params.enforce_eager,
            seed=model.seed,
            **named,
        )
        self._sampling = SamplingParams(
            temperature=model.temperature, top_p=model.top_p, max_tokens=task.max_completion_tokens, seed=model.seed
        )

    def generate(self, prompts: list[str]) -> list[Completion]:
        """Return the completion of each prompt, in order."""
        messages = [[{"role": "user", "content": prompt}] for prompt in prompts]
        outputs = self._llm.chat(messages, self._sampling, use_tqdm=False)
        return [
            Completion(
                output.outputs[0].text,
                output.outputs[0].finish_reason == "length",
                len(output.prompt_token_ids),
                len(output.outputs[0].token_ids),
            )
            for output in outputs
        ]


class RemoteEngine:
    """A vLLM engine in a process of its own, which sees some of the GPUs."""

    def __init__(self, task: Task, gpus: list[str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        # vLLM starts processes itself, which a daemon may not.
        self._process = context.Process(target=_serve_engine, args=(theirs, task, gpus), daemon=False)
        self._process.start()
        theirs.close()

    def generate(self, prompts: list[str]) -> list[Completion]:
        """Return the completion of each prompt, in order."""
        try:
            self._pipe.send(prompts)
            answer = self._pipe.recv()
        except (EOFError, OSError):
            raise PipelineError("a vLLM engine died; every reply so far is kept: run the same command again") from None
        if isinstance(answer, str):
            raise PipelineError(answer)
        return [Completion(*row) for row in answer]

    def close(self) -> None:
        """End the engine's process."""
        self._pipe.close()
        self._process.join(timeout=30)
        if self._process.is_alive():
            self._process.terminate()


def _serve_engine(pipe: Any, task: Task, gpus: list[str]) -> None:
    die_with_parent()
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    try:
        engine = LocalEngine(task)
        while True:
            try:
                prompts = pipe.recv()
            except EOFError:
                return
            pipe.send([tuple(c) for c in engine.generate(prompts)])
    except Exception as error:  # whatever vLLM raises has to reach the parent, as one line
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        pipe.send(f"{task.stage}: a vLLM engine failed: {line}; every reply so far is kept")


def visible_gpus(needed: int) -> list[str]:
    """Return the ids of this process's GPUs, as many as needed, in order."""
    stated = os.environ.get("CUDA_VISIBLE_DEVICES")
    ids = stated.split(",") if stated else [str(i) for i in range(needed)]
    if len(ids) < needed:
        raise PipelineError(f"llm: vllm.engines x tensor_parallel needs {needed} GPUs, and CUDA shows {len(ids)}")
    return ids


class OfflineModel:
    """Hands prompts to engines in batches, one thread for each engine."""

    def __init__(self, task: Task) -> None:
        params = task.model.vllm
        assert params
        self.task = task
        self.window = 2 * params.engines * params.batch_prompts
        self._batch = params.batch_prompts
        self._waiting: queue.Queue[Any] = queue.Queue()
        width = params.tensor_parallel
        self._engines: list[Any]
        if params.engines == 1:
            self._engines = [LocalEngine(task)]
        else:
            gpus = visible_gpus(params.engines * width)
            self._engines = [RemoteEngine(task, gpus[i * width : (i + 1) * width]) for i in range(params.engines)]
        self._threads = [threading.Thread(target=self._feed, args=(e,), daemon=True) for e in self._engines]
        for thread in self._threads:
            thread.start()

    def submit(self, prompt: str, keep: Callable[[Completion], None]) -> "Future[Completion]":
        """Ask a prompt; `keep` is called with the answer as soon as it is there."""
        future: Future[Completion] = Future()
        self._waiting.put((prompt, keep, future))
        return future

    def close(self) -> None:
        """End the engines after the batches under way."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=30)
        for engine in self._engines:
            if isinstance(engine, RemoteEngine):
                engine.close()

    def _feed(self, engine: _Engine) -> None:
        while (item := self._waiting.get()) is not None:
            batch = [item, *self._gather()]
            live = [entry for entry in batch if entry is not None and entry[2].set_running_or_notify_cancel()]
            try:
                completions = engine.generate([prompt for prompt, _, _ in live]) if live else []
            except Exception as error:  # the thread that waits for the futures raises it
                for _, _, future in live:
                    future.set_exception(self._explain(error))
                continue
            for (_, keep, future), completion in zip(live, completions, strict=True):
                keep(completion)
                future.set_result(completion)
            if None in batch:
                return

    def _gather(self) -> list[Any]:
        """Return what else waits, up to a batch."""
        batch: list[Any] = []
        while len(batch) < self._batch - 1 and None not in batch:
            try:
                batch.append(self._waiting.get(timeout=GATHER_S))
            except queue.Empty:
                break
        return batch

    def _explain(self, error: Exception) -> PipelineError:
        if isinstance(error, PipelineError):
            return error
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return PipelineError(f"{self.task.stage}: vLLM failed: {line}; every reply so far is kept")
