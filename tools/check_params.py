"""Validate every section of params.yaml and of the chosen profile against its type."""

import sys
from pathlib import Path
from typing import Any

from mathcode_pile.annotate import AnnotateParams, choose_judge
from mathcode_pile.base_model import BaseModelParams
from mathcode_pile.classifier.scoring import ClassifierParams
from mathcode_pile.classifier.train import ClassifyParams
from mathcode_pile.code_filter import FilterCodeParams
from mathcode_pile.corpus import CorpusParams
from mathcode_pile.decontaminate import DecontaminateParams
from mathcode_pile.deduplicate.inputs import check_priority
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
from mathcode_pile.pretrain.settings import PretrainParams, divide_batch
from mathcode_pile.select import SelectParams, SourceParams
from mathcode_pile.textbooks import ExtractTextbooksParams
from mathcode_pile.tokenize import TokenizeParams
from mathcode_pile.tokenizer import TokenizerParams
from mathcode_pile.translate import TranslateParams, choose_translator
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
    params = _read_all(root)
    _check_names(params)
    _check_inputs(params)
    _check_stages(params)


def _read_all(root: Path) -> dict[str, Any]:
    """Return every section as its type, and every entry of the sections that hold entries."""
    params: dict[str, Any] = {name: load(name, section, root=root) for name, section in TYPES.items()}
    for name, section in ENTRY_TYPES.items():
        params[name] = {key: load(name, section, key, root) for key in read_section(name, root)}
    return params | {"components": read_section("components", root)}


def _check_names(params: dict[str, Any]) -> None:
    """Raise ParamsError where a section names a source, component or benchmark that another lacks."""
    for source, entry in params["sources"].items():
        if entry.component not in params["components"]:
            raise ParamsError(f"params: sources.{source}.component: components has no {entry.component!r}")
    for name, wanted, where in [("fetch", "sources", "sources"), ("mixture", "components", "components")]:
        if missing := sorted(set(params[wanted]) - set(params[name])):
            raise ParamsError(f"params: {name}.{missing[0]} is missing, {where} names it")
    deduplicated = {entry.component for entry in params["sources"].values()}
    for name in params["translate"].components:
        if name not in deduplicated:
            raise ParamsError(f"params: translate.components.{name}: no source has the component {name!r}")
    for task in params["evaluate"].tasks:
        if task not in params["fetch_benchmarks"].benchmarks:
            raise ParamsError(f"params: evaluate.tasks: fetch_benchmarks.benchmarks has no {task!r}")


def _check_inputs(params: dict[str, Any]) -> None:
    """Raise ParamsError where a stage is to read a folder that no stage makes."""
    made = {"extract_textbooks", *(f"fetch/{name}" for name in params["sources"])}
    made |= {f"{stage}/{name}" for stage in ("annotate", "filter_code") for name in params[stage].sources}
    made |= {f"classify/{name}" for name in params["classifiers"]}
    given = {f"sources.{name}.input": entry.input for name, entry in params["sources"].items()}
    for stage in ("annotate", "filter_code"):
        given |= {f"{stage}.sources.{name}.input": entry.input for name, entry in params[stage].sources.items()}
    given |= {f"classifiers.{name}.input": entry.input for name, entry in params["classifiers"].items()}
    labelled = {
        f"classifiers.{name}.{label}": getattr(entry, label)
        for name, entry in params["classifiers"].items()
        for label in ("positives", "negatives")
    }
    # A classifier learns from what was selected, too.
    selected = {f"select/{name}" for name in params["sources"]}
    for key, folder in (given | labelled).items():
        if folder not in made | (selected if key in labelled else set()):
            raise ParamsError(f"params: {key}: no stage makes {folder!r}")


def _check_stages(params: dict[str, Any]) -> None:
    """Call what stages call first; a model that is not pinned yet is none of their concern here."""
    llm = params["llm"].at_main()
    for source in params["annotate"].sources:
        choose_judge(source, params["annotate"], llm)
    choose_translator(params["translate"], llm)
    components = {source: entry.component for source, entry in params["sources"].items()}
    check_priority(components, params["deduplicate"].priority)
    # How many devices there will be, nobody knows yet; what one cannot divide, more cannot.
    divide_batch(params["pretrain"], params["pack"].sequence_length, devices=1)


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
