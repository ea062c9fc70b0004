"""Check params.yaml and a profile: each section by itself, the sections against each other, then hub and machine."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import typer

from mathcode_pile.classifier.classifier_params import ClassifierParams
from mathcode_pile.core.engine import EngineParams
from mathcode_pile.core.errors import ParamsError, PipelineError
from mathcode_pile.core.params import SECTIONS, Section, parse_section, read_sections, read_yaml
from mathcode_pile.llm import LlmParams, ModelBackend
from mathcode_pile.llm.vllm_servers import vllm_python
from mathcode_pile.sources import HuggingFace
from stages.annotate.stage import AnnotateParams, choose_judge
from stages.base_model.stage import BaseModelParams
from stages.corpus.stage import CorpusParams
from stages.decontaminate.stage import DecontaminateParams
from stages.deduplicate.inputs import check_priority
from stages.deduplicate.signatures import DeduplicateParams
from stages.evaluate.stage import EvaluateParams
from stages.execute.stage import ExecuteParams
from stages.extract_textbooks.stage import ExtractTextbooksParams, load_reader
from stages.fetch.stage import OriginsParams
from stages.fetch_benchmarks.stage import FetchBenchmarksParams
from stages.filter_code.stage import FilterCodeParams
from stages.pack.mixture import ShareParams
from stages.pack.stage import PackParams
from stages.pretrain.training_params import PretrainParams, divide_batch
from stages.select.stage import SelectParams, SourceParams
from stages.tokenize.stage import TokenizeParams
from stages.tokenizer.stage import TokenizerParams
from stages.train_classifier.stage import ClassifyParams
from stages.translate.translators import TranslateParams, choose_translators
from stages.verify.stage import VerifyParams
from tools.check_hub import list_askers, list_closed, list_models, reads_with_nougat
from tools.check_machine import disk_folders, list_full, list_gpus, list_missing_files, list_too_small
from tools.check_servers import list_silent
from tools.figures import load_figures
from tools.left_out import check_left_out
from tools.plan_stages import Planner, sum_up
from tools.profiles import choose_profile

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


def check_all(root: Path = Path()) -> dict[str, Any]:
    """Return every section as its type, and every entry of the sections that hold entries.

    Raises ParamsError at the first value of params.yaml or the chosen profile that cannot be used.
    """
    values = read_sections(root)
    params: dict[str, Any] = {name: parse_section(name, values[name], section) for name, section in TYPES.items()}
    for name, section in ENTRY_TYPES.items():
        params[name] = {key: parse_section(f"{name}.{key}", entry, section) for key, entry in values[name].items()}
    params["components"] = values["components"]
    _check_names(params, read_yaml(root / "params.yaml")["profile"])
    _check_inputs(params)
    _check_stages(params)
    check_left_out(params)
    return params


def _check_names(params: dict[str, Any], profile: str) -> None:
    """Raise ParamsError where a section names a source, component or benchmark that another lacks."""
    for source, entry in params["sources"].items():
        if entry.component not in params["components"]:
            raise ParamsError(f"params: sources.{source}.component: components has no {entry.component!r}")
    if missing := sorted(set(params["sources"]) - set(params["fetch"])):
        key = f"fetch.{missing[0]}"
        raise ParamsError(f"profiles/{profile}.yaml: {key} is missing, sources of params.yaml names it")
    if missing := sorted(set(params["components"]) - set(params["mixture"])):
        raise ParamsError(f"params: mixture.{missing[0]} is missing, components names it")
    for name in params["corpus"].translated.form:
        if name not in params["components"]:
            raise ParamsError(f"params: corpus.translated.form: components has no {name!r}")
    deduplicated = {entry.component for entry in params["sources"].values()}
    for name in params["translate"].components:
        if name not in deduplicated:
            raise ParamsError(f"params: translate.components.{name}: no source has the component {name!r}")
    for task in params["evaluate"].tasks:
        if task != "computations" and task not in params["fetch_benchmarks"].benchmarks:
            raise ParamsError(f"params: evaluate.tasks: fetch_benchmarks.benchmarks has no {task!r}")


def _check_inputs(params: dict[str, Any]) -> None:
    """Raise ParamsError where params name an input folder that no stage makes."""
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
    for key, folder in (given | labelled).items():
        if folder not in made:
            raise ParamsError(f"params: {key}: no stage makes {folder!r}")


def _check_stages(params: dict[str, Any]) -> None:
    """Call what the stages call first. A model that is not pinned yet is no error here: list_missing names it."""
    llm = params["llm"].at_main()
    choose_judge(params["annotate"], llm)
    choose_translators(params["translate"], llm)
    if params["extract_textbooks"].ocr == "served":
        load_reader(params["extract_textbooks"], llm)
    components = {source: entry.component for source, entry in params["sources"].items()}
    check_priority(components, params["deduplicate"].priority)
    # The number of devices is not known yet. If one device cannot divide the batch evenly, more cannot.
    divide_batch(params["pretrain"], params["pack"].sequence_length, devices=1)


def list_missing(params: dict[str, Any], profile: str) -> list[str]:
    """Return a line for each thing that is missing to run a profile in this folder: pins, vLLM, the launcher's file.

    None of them is an error in the profile: published profiles are not pinned, and vLLM is not installed everywhere.
    """
    missing = []
    if unpinned := list(_list_unpinned(params)):
        missing.append(f"params: not pinned: {', '.join(unpinned)}; `make pin PROFILE={profile}` writes the commits")
    missing += _list_missing_vllm(params)
    try:
        params["pretrain"].check_launcher()
    except ParamsError as error:
        missing.append(str(error))
    return missing


def _list_missing_vllm(params: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each stage that needs vLLM where it is not installed."""
    try:
        vllm_python()
    except PipelineError as error:
        users = [*list_askers(params), ("evaluate", params["evaluate"])]
        yield from (f"params: {name}.backend: {error}" for name, by in users if by.backend == "vllm")


def _list_unpinned(params: dict[str, Any]) -> Iterator[str]:
    """Yield the keys of the null hub revisions that a run would read."""
    origins = {f"fetch.{name}": params["fetch"][name].origins for name in params["sources"]}
    for name, benchmark in params["fetch_benchmarks"].benchmarks.items():
        origins[f"fetch_benchmarks.benchmarks.{name}"] = benchmark.origins
    for key, entries in origins.items():
        for number, origin in enumerate(entries):
            if isinstance(origin, HuggingFace) and origin.revision is None:
                yield f"{key}.origins.{number}.revision"
    books = params["extract_textbooks"]
    if reads_with_nougat(params) and books.ocr_revision is None and not Path(books.ocr).is_dir():
        yield "extract_textbooks.ocr_revision"
    asked = {asker.model for _, asker in list_askers(params) if asker.backend in get_args(ModelBackend)}
    for name in sorted(asked):
        if params["llm"].models[name].revision is None:
            yield f"llm.models.{name}.revision"
    for name, model in list_models(params).items():
        if model.hub is not None and model.hub.revision is None:
            yield f"{name}.hub.revision"


def check_profile(profile: str | None = None) -> None:
    """Check the files of the working folder, the hub and this machine, and print what pretrain will take.

    profile: None means the one that params.yaml names. Raises ParamsError where a param cannot be used, and
    PipelineError with a line for each thing that is missing to run the profile here.
    """
    unchecked = SECTIONS - set(TYPES) - set(ENTRY_TYPES) - NAMES_ALONE
    assert not unchecked, unchecked
    name = profile or str(read_yaml(Path("params.yaml"))["profile"])
    figures, gpus = load_figures(), list_gpus()
    card = next((card for card in figures.cards if gpus and card.replace("_", " ") in gpus[0].name), "H100")
    with tempfile.TemporaryDirectory() as folder:
        root = choose_profile(name, Path(folder)) if profile else Path()
        params = check_all(root)
        planner = Planner(root, name, card, figures)
    lines, training = planner.plan()
    typer.echo(training.describe(card))
    missing = list_missing(params, name)
    missing += list_missing_files(params["fetch"], params["sources"])
    missing += list_too_small(params["pretrain"], training.memory, gpus)
    missing += list_full(sum_up(lines).disk.likely, disk_folders())
    missing += list_closed(params, figures.gated)
    missing += list_silent(params)
    if missing:
        raise PipelineError("\nerror: ".join(missing))
