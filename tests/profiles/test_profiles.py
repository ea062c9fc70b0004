"""Both profiles of real sources, from fetch to report, on a machine without a hub and a GPU (`make test-profiles`).

The hub is played. It holds some rows of each repository in its published layout, a few of them odd, and a tiny Llama
in place of each large model. Everything else is what a user runs: the profile's own file with what overlay.yaml
changes, `make pin`, `tools check`, `dvc repro`.

MATHCODE_PROFILES_MODEL says who answers the prompts:
scripted (default): a server that answers as a model would, and a played vLLM, which stages start themselves;
llama: SmolLM2-135M behind llama.cpp's server, from .venv-llm;
vllm: the same model behind vLLM's servers, from .venv-vllm.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hub import Hub
from killed_run import has_begun, read_hashes, reproduce
from played_hub import TOKEN
from profile_project import Answerer, ProfileProject, start_answerer
from repositories import fill

from mathcode_pile.core.funnel import parse_reasons

pytestmark = pytest.mark.profiles

ANSWERED_BY = os.environ.get("MATHCODE_PROFILES_MODEL", "scripted")
PROFILES = ("workstation", "paper")
# A killed stage may have sent so many prompts whose answers it could not keep.
CONCURRENCY = 2


class Machine:
    """What the runs of a profile share: the hub and, by folder, their projects."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        (folder / "hub").mkdir()
        self.hub = Hub(folder / "hub")
        stack.callback(self.hub.stop)
        fill(self.hub, folder / "models")

    def start(self, profile: str, name: str, delay_s: float = 0) -> tuple[ProfileProject, Answerer]:
        """Return a clone that is ready to run a profile, and who answers its prompts."""
        home = self.folder / profile / name
        home.mkdir(parents=True)
        answerer = self.stack.enter_context(start_answerer(ANSWERED_BY, home, delay_s))
        return ProfileProject(home, profile, self.hub, answerer), answerer


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with ExitStack() as stack:
        yield Machine(tmp_path_factory.mktemp("machine"), stack)


@pytest.fixture(scope="module", params=PROFILES)
def whole(request: pytest.FixtureRequest, machine: Machine) -> tuple[ProfileProject, Answerer]:
    """A profile's run that nothing disturbed."""
    project, answerer = machine.start(request.param, "whole")
    said = project.run("tools", "check", fails=True)
    # The plan counts with the real sizes, for which this disk may be too small. Nothing else is missing.
    assert {line.split(":")[1] for line in said.splitlines() if line.startswith("error:")} <= {" disk"}, said
    status = reproduce(project.folder, project.log, project.environment)
    assert status == 0, project.log.read_text(encoding="utf-8")[-3000:]
    return project, answerer


def test_the_whole_chain_runs_from_fetch_to_report(whole: tuple[ProfileProject, Answerer]) -> None:
    project, _ = whole
    page = (project.folder / "data/report/index.html").read_text(encoding="utf-8")
    assert "The profile leaves out these sources: textbooks." in page
    trained = project.metrics("pretrain")
    assert trained["loss_last"] < trained["loss_first"]
    scores = project.metrics("evaluate/pretrained")
    assert {"gsm8k", "math", "sat", "ocw_courses", "mmlu_math"} <= scores.keys()
    components = project.read_json("data/corpus/manifest.json")["components"]
    documents = {name: entry["documents"] for name, entry in components.items()}
    assert documents.pop("textbooks") == 0 and project.metrics("fetch/textbooks")["left_out"] == 1
    if ANSWERED_BY == "scripted":
        assert all(documents.values()), documents
        assert project.metrics("verify/filtered_openwebmath")["kept"] > 0


def test_odd_rows_are_named_drops_and_no_others_are(whole: tuple[ProfileProject, Answerer]) -> None:
    project, _ = whole
    sources = ("openwebmath", "cc_en", "matrix_books", "maths_college", "code_python", "code_notebooks")
    dropped = {source: parse_reasons(project.metrics(f"fetch/{source}")["reasons"]) for source in sources}
    # Ids that are all NaN, or all null, drop nothing.
    assert {source: reasons for source, reasons in dropped.items() if reasons} == {
        "openwebmath": {"no_text": 2},
        "cc_en": {"not_json": 1},
        "code_python": {"no_text": 1},
    }
    files = {"workstation": 1, "paper": 4}[project.profile]
    education = project.metrics("annotate/education_college_students")
    assert parse_reasons(education["reasons"]) == {"too_few_dollar_signs": 2 * files}


def test_no_mark_of_a_data_set_stays_in_a_text(whole: tuple[ProfileProject, Answerer]) -> None:
    project, _ = whole
    rows = [row for folder in ("code_python", "code_notebooks") for row in project.read_shards(f"filter_code/{folder}")]
    marks = ("<reponame>", "<filename>", "<gh_stars>", "<jupyter_", "<empty_output>", "image/png")
    assert rows and not [row["id"] for row in rows if any(mark in row["text"] for mark in marks)]
    lessons = list(project.read_shards("annotate/education_college_students"))
    assert lessons and not any("revised" in row["text"].split("\n")[0].lower() for row in lessons)


def test_each_prompt_is_asked_once(whole: tuple[ProfileProject, Answerer]) -> None:
    _, answerer = whole
    assert set(answerer.prompts().values()) <= {1}


def test_only_what_the_profile_names_is_read_and_the_token_is_written_nowhere(
    whole: tuple[ProfileProject, Answerer], machine: Machine
) -> None:
    project, _ = whole
    for name in ("cc_zh", "book_all", "java/", "imgs", "consolidated", "nougat-base/resolve"):
        assert not machine.hub.requests(name), name
    for path in project.folder.parent.rglob("*"):
        # The hub client's own folder, and the sources of these tests.
        if path.is_file() and not {"huggingface", "tests", ".git"} & set(path.parts):
            assert TOKEN.encode() not in path.read_bytes(), path


def test_killed_four_times_it_makes_the_same_and_asks_no_prompt_twice(
    whole: tuple[ProfileProject, Answerer], machine: Machine
) -> None:
    project, answerer = whole
    killed, asked = machine.start(project.profile, "killed", delay_s=0.2)

    def has_asked(stage: str, prompts: int) -> Callable[[], bool]:
        before = asked.prompts().total()
        return lambda: killed.is_running(stage) and asked.prompts().total() >= before + prompts

    for is_time in (
        lambda: has_begun(killed.log, "fetch@cc_en"),
        lambda: has_asked("annotate@openwebmath", 10),
        lambda: has_asked("translate", 10),
        lambda: lambda: any(killed.home.glob("scratch/checkpoints/*/step-*")),
    ):
        status = reproduce(killed.folder, killed.log, killed.environment, is_time())
        assert status is None, killed.log.read_text(encoding="utf-8")[-3000:]
    assert reproduce(killed.folder, killed.log, killed.environment) == 0, killed.log.read_text("utf-8")[-3000:]
    one, other = (read_hashes(p.folder / "dvc.lock") for p in (project, killed))
    assert {path for path in one | other if one.get(path) != other.get(path)} == set()
    if ANSWERED_BY == "scripted":
        assert asked.prompts().keys() == answerer.prompts().keys()
        again = Counter({prompt: count - 1 for prompt, count in asked.prompts().items()})
        assert again.total() <= 2 * CONCURRENCY
