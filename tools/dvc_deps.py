"""Write the modules that each stage imports into its deps in dvc.yaml, or check that they stand there.

A module that is missing there is silent staleness: a change in it would rerun nothing.
"""

import re
import sys

from mathcode_pile.core.scratch import PROJECT, imported_modules, module_path

MODULE = re.compile(r"^ *- (?:src/mathcode_pile|stages)/[\w/]+\.py$")


def stage_modules(script: str) -> list[str]:
    """Return the repository paths of a stage script and of what it imports of the project."""
    paths = {path for name in imported_modules(f"stages.{script}") if (path := module_path(name))}
    return sorted(str(path.relative_to(PROJECT)) for path in paths)


def write_modules(text: str) -> str:
    """Return dvc.yaml's text with every stage's module deps as its imports have them."""
    lines: list[str] = []
    script = ""
    for line in text.splitlines():
        if found := re.search(r"python -m stages\.(\w+)", line):
            script = found[1]
        if MODULE.match(line):
            continue
        lines.append(line)
        if line.strip() == "deps:":
            indent = " " * (len(line) - len(line.lstrip()) + 2)
            lines.extend(f"{indent}- {path}" for path in stage_modules(script))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Rewrite dvc.yaml; with --check, only say whether it is as it should be."""
    path = PROJECT / "dvc.yaml"
    text = path.read_text(encoding="utf-8")
    wanted = write_modules(text)
    if "--check" not in sys.argv:
        path.write_text(wanted, encoding="utf-8")
    elif text != wanted:
        sys.exit("dvc.yaml: the deps of a stage miss or exceed what it imports; run `make deps`")


if __name__ == "__main__":
    main()
