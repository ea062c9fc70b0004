"""Write the trained model: safetensors, tokenizer, model card, and a manifest that says where it comes from."""

import json
from pathlib import Path
from typing import Any

from mathcode_pile.core.scratch import hash_file
from mathcode_pile.models.language_model import load_tokenizer, save_model
from stages.pretrain.training_params import PretrainParams

CARD = """---
library_name: transformers
pipeline_tag: text-generation
tags: [mathematics, continued-pretraining]
---
# {name}

A causal language model with {parameters:,} parameters. Its pretraining was continued for {steps:,} steps on {tokens:,}
tokens of mathematical text and verified code.

| | |
|---|---|
| rows | {rows:,} of {sequence_length:,} tokens, {epochs} epochs |
| learning rate | {learning_rate:g}, {schedule} |
| batch | {batch_tokens:,} tokens |
| attention stops at document bounds | {bounds} |
| training loss | {loss_first} at the first step, {loss_last} over the last tenth |

Held-out loss, in nats a token:

| component | before | after |
|---|---|---|
{held_out}

`manifest.json` states the params and the mixture, and the checksums of the packed rows and the base model. This is a
base model: it was not trained to follow instructions. Do not rely on its arithmetic.
"""


def write_model(
    model: Any,
    state: dict[str, Any],
    base_model: Path,
    packed: Path,
    out: Path,
    params: PretrainParams,
    metrics: dict[str, Any],
    inputs: dict[str, str],
    mixture: dict[str, Any],
) -> None:
    """Write the model's folder; equal weights and params give equal bytes."""
    save_model(model, load_tokenizer(base_model), out, state)
    pack = json.loads((packed / "pack.json").read_text(encoding="utf-8"))
    (out / "README.md").write_text(_card(params, metrics, pack["sequence_length"]), encoding="utf-8")
    files = {p.name: hash_file(p) for p in sorted(out.iterdir()) if p.is_file() and p.name != "manifest.json"}
    manifest = {
        "params": params.model_dump(mode="json"),
        "mixture": mixture,
        "inputs": inputs,
        "pack": {k: v for k, v in pack.items() if k != "files"},
        "metrics": metrics,
        "files": files,
    }
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False)
    (out / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _card(params: PretrainParams, metrics: dict[str, Any], sequence_length: int) -> str:
    before = "held_out_loss_before_"
    names = [key.removeprefix(before) for key in metrics if key.startswith(before)]
    lines = [f"| {n} | {metrics[before + n]} | {metrics['held_out_loss_' + n]} |" for n in names]
    return CARD.format(
        name="mathcode-pile model",
        sequence_length=sequence_length,
        learning_rate=params.learning_rate,
        schedule=params.schedule.replace("_", " "),
        batch_tokens=params.batch_tokens,
        bounds="yes" if params.document_bounds else "no",
        held_out="\n".join(lines),
        **{k: metrics[k] for k in ("parameters", "steps", "tokens", "rows", "epochs", "loss_first", "loss_last")},
    )
