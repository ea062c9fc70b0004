"""Validate every section of params.yaml and of the chosen profile against its type."""

import sys
from pathlib import Path

from mathcode_pile.annotate import AnnotateParams
from mathcode_pile.base_model import BaseModelParams
from mathcode_pile.classifier.scoring import ClassifierParams
from mathcode_pile.classifier.train import ClassifyParams
from mathcode_pile.code_filter import FilterCodeParams
from mathcode_pile.corpus import CorpusParams
from mathcode_pile.decontaminate import DecontaminateParams
from mathcode_pile.deduplicate.signatures import DeduplicateParams
from mathcode_pile.engine import EngineParams
from mathcode_pile.errors import ParamsError, PipelineError
from mathcode_pile.evaluate import EvaluateParams
from mathcode_pile.execute import ExecuteParams
from mathcode_pile.fetch import OriginsParams
from mathcode_pile.fetch_benchmarks import FetchBenchmarksParams
from mathcode_pile.llm import LlmParams
from mathcode_pile.mixture import ShareParams
from mathcode_pile.pack import PackParams
from mathcode_pile.params import SECTIONS, Section, load, read_section
from mathcode_pile.pretrain import PretrainParams
from mathcode_pile.select import SelectParams, SourceParams
from mathcode_pile.textbooks import ExtractTextbooksParams
from mathcode_pile.tokenize import TokenizeParams
from mathcode_pile.tokenizer import TokenizerParams
from mathcode_pile.translate import TranslateParams
from mathcode_pile.verify import VerifyParams

TYPES: dict[str, type[Section]] = {
    "annotate": AnnotateParams,
    "base_model": BaseModelParams,
    "classify": ClassifyParams,
    "corpus": CorpusParams,
    "decontaminate": DecontaminateParams,
    "deduplicate": DeduplicateParams,
    "engine": EngineParams,
    "evaluate": EvaluateParams,
    "execute": ExecuteParams,
    "extract_textbooks": ExtractTextbooksParams,
    "fetch_benchmarks": FetchBenchmarksParams,
    "filter_code": FilterCodeParams,
    "llm": LlmParams,
    "pack": PackParams,
    "pretrain": PretrainParams,
    "select": SelectParams,
    "tokenize": TokenizeParams,
    "tokenizer": TokenizerParams,
    "translate": TranslateParams,
    "verify": VerifyParams,
}
# Sections whose entries all have one type.
ENTRY_TYPES: dict[str, type[Section]] = {
    "classifiers": ClassifierParams,
    "fetch": OriginsParams,
    "mixture": ShareParams,
    "sources": SourceParams,
}
NAMES_ALONE = {"profile", "components"}


def check_all(root: Path = Path()) -> None:
    """Raise ParamsError at the first value of params.yaml or the chosen profile that cannot be used."""
    for name, section in TYPES.items():
        load(name, section, root=root)
    for name, section in ENTRY_TYPES.items():
        for key in read_section(name, root):
            load(name, section, key, root)
    _check_names(root)


def _check_names(root: Path) -> None:
    sources, components = read_section("sources", root), read_section("components", root)
    for source, entry in sources.items():
        if entry["component"] not in components:
            raise ParamsError(f"params: sources.{source}.component: components has no {entry['component']!r}")
    makers = {stage: read_section(stage, root)["sources"] for stage in ("annotate", "filter_code")}
    makers |= {"fetch": sources, "classify": read_section("classifiers", root)}
    for source, entry in sources.items():
        stage, _, name = entry["input"].partition("/")
        if name and name not in makers.get(stage, {}):
            raise ParamsError(f"params: sources.{source}.input: no stage makes {entry['input']!r}")
    pairs = [("fetch", sources, "sources"), ("mixture", components, "components")]
    for name, wanted, where in pairs:
        if missing := sorted(set(wanted) - set(read_section(name, root))):
            raise ParamsError(f"params: {name}.{missing[0]} is missing, {where} names it")


def main() -> None:
    """Check the files of the working folder."""
    unchecked = SECTIONS - set(TYPES) - set(ENTRY_TYPES) - NAMES_ALONE
    assert not unchecked, unchecked
    try:
        check_all()
    except PipelineError as error:
        sys.exit(f"error: {error}")
    print("params.yaml and the profile are as their types want them")


if __name__ == "__main__":
    main()
