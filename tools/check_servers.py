"""Ask the servers that a profile's stages would ask whether they are up."""

import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mathcode_pile.llm.served import KEY_VARIABLE
from tools.check_hub import list_askers

# For one answer. All servers are asked at once, so this is also about how long the check takes.
TIMEOUT_S = 2
CODER = "qwen2.5-coder-1.5b-instruct-q4_k_m"
"""The model that `make serve-model` serves."""


def list_silent(params: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each server of the backend openai that does not answer, or refuses the key.

    Any other answer counts: some servers have no list of models. Raises nothing where there is no network.
    """
    stages = defaultdict(list)
    for name, asker in list_askers(params):
        if asker.backend == "openai":
            for address in params["llm"].models[asker.model].openai.base_urls:
                stages[asker.model, address].append(name)
    if not stages:
        return
    with ThreadPoolExecutor(len(stages)) as threads:
        faults = list(threads.map(_ask, [address for _, address in stages]))
    for ((model, address), names), fault in zip(stages.items(), faults, strict=True):
        if fault:
            start = "`make serve-model`" if params["llm"].models[model].id == CODER else "your server"
            yield (
                f"{', '.join(names)}: {address}, the server of llm.models.{model}, {fault}: start {start}, or correct"
                f" llm.models.{model}.openai.base_urls"
            )


def _ask(address: str) -> str:
    """Return what is wrong with a server, "" where nothing is."""
    import httpx2  # the client that huggingface_hub uses

    key = os.environ.get(KEY_VARIABLE, "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx2.get(f"{address.rstrip('/')}/models", headers=headers, timeout=TIMEOUT_S)
    except (httpx2.HTTPError, OSError):
        return f"does not answer within {TIMEOUT_S} s"
    if answer.status_code in (401, 403):
        return f"answers {answer.status_code} (is {KEY_VARIABLE} set to a key it takes?)"
    return ""
