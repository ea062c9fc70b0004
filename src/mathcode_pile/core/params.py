"""Read a section of params.yaml, joined with the chosen profile's, into its strict type.

params.yaml defines the method; profiles/<name>.yaml defines sizes, models and addresses. The type of a
section stands in the module that uses it, so that changing one type reruns only its stage.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from mathcode_pile.core.errors import ParamsError

# Every top-level key that params.yaml or a profile may have.
SECTIONS = frozenset(
    {"profile", "engine", "sources", "fetch", "fetch_benchmarks", "extract_textbooks", "annotate", "filter_code"}
    | {"classifiers", "classify", "select", "deduplicate", "translate", "execute", "verify", "components"}
    | {"decontaminate", "corpus", "tokenizer", "tokenize", "mixture", "pack", "base_model", "pretrain", "evaluate"}
    | {"llm"}
)


class Section(BaseModel):
    """A section's type: frozen, and a key it does not name is an error."""

    # The docstring below a field is its sentence in docs/reference/parameters.md.
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), use_attribute_docstrings=True)


S = TypeVar("S", bound=Section)
T = TypeVar("T")


def check_commit(revision: str) -> str:
    """Return a hub's revision; raises ValueError unless it is a commit, since a branch or tag may move."""
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise ValueError("must be a commit (40 hex digits), so that a rerun reads the same")
    return revision


Commit = Annotated[str, AfterValidator(check_commit)]


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; raises ParamsError where it is missing or is no mapping."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: must be a mapping, got {type(content).__name__}")
    for key in content:
        if key not in SECTIONS:
            raise ParamsError(f"{path}: unknown key {key!r}")
    return content


def read_section(name: str, root: Path = Path()) -> dict[str, Any]:
    """Return a section of params.yaml joined with the same section of the chosen profile."""
    method, size, path = _read_files(root)
    return _join(method.get(name), size.get(name), name, path)


def read_sections(root: Path = Path()) -> dict[str, dict[str, Any]]:
    """Return every section of params.yaml joined with the same section of the chosen profile."""
    method, size, path = _read_files(root)
    return {name: _join(method.get(name), size.get(name), name, path) for name in sorted(SECTIONS - {"profile"})}


def _read_files(root: Path) -> tuple[dict[str, Any], dict[str, Any], Path]:
    """Return what params.yaml and the chosen profile hold, and the profile's path."""
    params = read_yaml(root / "params.yaml")
    profile = params.get("profile")
    if not isinstance(profile, str):
        raise ParamsError(f"params.yaml: profile must be a name, got {profile!r}")
    path = Path("profiles") / f"{profile}.yaml"
    if not (root / path).is_file():
        names = sorted(p.stem for p in (root / "profiles").glob("*.yaml"))
        raise ParamsError(f"params.yaml: profile: no {path}; there are {', '.join(names)}")
    return params, read_yaml(root / path), path


def _join(method: Any, size: Any, name: str, path: Path) -> dict[str, Any]:
    for part, where in ((method, "params.yaml"), (size, str(path))):
        if part is not None and not isinstance(part, dict):
            raise ParamsError(f"{where}: {name} must be a mapping, got {part!r}")
    joined = dict(method or {})
    for key, value in (size or {}).items():
        if key not in joined:
            joined[key] = value
        elif isinstance(joined[key], dict) and isinstance(value, dict):
            joined[key] = _join(joined[key], value, f"{name}.{key}", path)
        else:
            raise ParamsError(f"{path}: {name}.{key} stands in params.yaml too; keep one of them")
    return joined


def parse_section(name: str, values: dict[str, Any], section: type[S]) -> S:
    """Return values as their section's type; raises ParamsError naming each wrong key."""
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise ParamsError("; ".join(_explain(name, e) for e in error.errors())) from None


def load(name: str, section: type[S], key: str | None = None, root: Path = Path()) -> S:
    """Return section `name`, or its entry `key`, of params.yaml and the profile, as its strict type."""
    values = read_section(name, root)
    if key is None:
        return parse_section(name, values, section)
    return parse_section(f"{name}.{key}", choose_entries(name, values, key)[key] or {}, section)


def load_entries(name: str, section: type[S], root: Path = Path()) -> dict[str, S]:
    """Return every entry of section `name`, each as its strict type."""
    values = read_section(name, root)
    return {key: parse_section(f"{name}.{key}", value or {}, section) for key, value in values.items()}


def choose_entries(name: str, entries: Mapping[str, T], only: str | None) -> Mapping[str, T]:
    """Return the entries of section `name`, or `only` one of them; raises ParamsError where it is none of them."""
    if only is None:
        return entries
    if only not in entries:
        raise ParamsError(f"params: {name} has no entry {only!r}; there are {', '.join(entries)}")
    return {only: entries[only]}


def read_components(root: Path = Path()) -> dict[str, str]:
    """Return the component of each source; raises ParamsError where one has none."""
    components: dict[str, str] = {}
    for source, entry in read_section("sources", root).items():
        if not isinstance(entry, dict) or not isinstance(entry.get("component"), str):
            raise ParamsError(f"params: sources.{source}.component is missing")
        components[source] = entry["component"]
    return components


def _explain(name: str, error: Any) -> str:
    where = ".".join([name, *(str(part) for part in error["loc"])])
    if error["type"] == "extra_forbidden":
        return f"params: unknown key {where}"
    if error["type"] == "missing":
        return f"params: {where} is missing"
    said = error["msg"].removeprefix("Value error, ")
    said = f"params: {where}: {said[:1].lower()}{said[1:]}"
    # Our own validators name the wrong part of a mapping or list. The whole value could be a page long.
    is_whole = error["type"] == "value_error" and isinstance(error["input"], dict | list)
    return said if is_whole else f"{said}, got {error['input']!r}"
