"""Read a profile that params.yaml does not name."""

from pathlib import Path

import yaml

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import read_yaml


def choose_profile(profile: str, folder: Path) -> Path:
    """Return a folder that reads like the repository with another profile chosen."""
    if not Path("profiles", f"{profile}.yaml").is_file():
        names = ", ".join(sorted(path.stem for path in Path("profiles").glob("*.yaml")))
        raise ParamsError(f"no profiles/{profile}.yaml; there are {names}")
    content = read_yaml(Path("params.yaml")) | {"profile": profile}
    (folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    (folder / "profiles").symlink_to(Path("profiles").resolve())
    return folder
