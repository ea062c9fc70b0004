"""Get the tokenizer, or train a small one on the corpus; the same params and corpus give the same bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import list_shards, read_batches
from mathcode_pile.downloads.model_files import OriginParams
from mathcode_pile.tokens.pretokens import LLAMA3_PATTERN

BEGIN, END = "<|begin_of_text|>", "<|end_of_text|>"
FILES = ["tokenizer*", "special_tokens_map.json", "*.model", "vocab*", "merges.txt", "added_tokens.json", "config.json"]


_BYTES = 256


class TrainParams(Section):
    """A new byte-level BPE tokenizer."""

    vocabulary: int = Field(ge=_BYTES + 2)
    """Tokens, including one for each byte and the two special ones."""


class TokenizerParams(OriginParams):
    """The source of the tokenizer: exactly one of train, folder, package and hub."""

    OWN = "train"
    train: TrainParams | None = None
    """Train a new tokenizer on the corpus."""


def bring_tokenizer(params: TokenizerParams, corpus: Path, out: Path) -> None:
    """Write the tokenizer to a folder from which transformers' AutoTokenizer loads it.

    Raises InputError where it is not a fast tokenizer, or has no end-of-text token.
    """
    tokenizer = train_tokenizer(corpus, params.train) if params.train else _load(params)
    if not tokenizer.is_fast:
        raise InputError("tokenizer: it has no tokenizer.json; only Hugging Face's fast tokenizers can be used")
    if tokenizer.eos_token is None:
        raise InputError("tokenizer: it names no end-of-text token (eos_token)")
    for name in ("is_local", "local_files_only"):  # how it was loaded, which later users do not need
        tokenizer.init_kwargs.pop(name, None)
    tokenizer.save_pretrained(out)


def train_tokenizer(corpus: Path, params: TrainParams) -> Any:
    """Return a byte-level BPE tokenizer trained on all components of a corpus, which is read as a stream.

    Memory grows with the number of distinct words. Raises InputError where the corpus is empty.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(LLAMA3_PATTERN), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=params.vocabulary,
        special_tokens=[BEGIN, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_read_texts(corpus), trainer)
    if tokenizer.get_vocab_size() == _BYTES + 2:
        raise InputError(f"{corpus}: too little text to train a tokenizer on")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B:1", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END, clean_up_tokenization_spaces=False
    )


def _read_texts(corpus: Path) -> Iterator[list[str]]:
    for component in sorted(path for path in corpus.iterdir() if path.is_dir()):
        for shard in list_shards(component):
            for batch in read_batches(shard, ["text"]):
                yield from (batch.column("text").slice(start, 256).to_pylist() for start in range(0, len(batch), 256))


def _load(params: TokenizerParams) -> Any:
    from transformers import AutoTokenizer

    folder, options = params.fetch(FILES, "tokenizer")
    try:
        return AutoTokenizer.from_pretrained(folder, **options)
    except (OSError, ValueError) as error:
        raise InputError(f"tokenizer: {folder}: not a tokenizer transformers can load: {first_line(error)}") from error
