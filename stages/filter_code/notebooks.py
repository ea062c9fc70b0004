"""Read a notebook as cells and write it as Markdown, without pictures and without codes for the terminal."""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

Kind = Literal["text", "code", "output"]


class Cell(NamedTuple):  # one cell of a notebook
    kind: Kind
    content: str


def read_cells(text: str) -> list[Cell] | None:
    """Return the cells of a notebook that have content; None where the text is no notebook.

    Two layouts: the JSON of .ipynb (formats 3 and 4), and StarCoder's structured layout, which begins with
    <jupyter_start> and writes <empty_output> for an output that is missing.
    """
    if text.startswith("{"):
        cells = _read_ipynb(text)
    elif re.match(r"<jupyter_\w+>", text):
        cells = list(_read_structured(text))
    else:
        return None
    clean = None if cells is None else [Cell(kind, clean_cell(kind, content)) for kind, content in cells]
    return None if clean is None else [cell for cell in clean if cell.content.strip()]


def is_script(text: str) -> bool:
    """Say whether a text may be StarCoder's script layout: Python with marks such as `# In[3]:`, or with none."""
    return re.search(r"^\s*(#|import |from |\w+ *[=(.])", text, re.MULTILINE) is not None


def _read_ipynb(text: str) -> list[Cell] | None:
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        return None
    cells = notebook.get("cells")
    if cells is None:
        sheets = notebook.get("worksheets")
        if not isinstance(sheets, list):
            return None
        cells = [c for sheet in sheets if isinstance(sheet, dict) for c in _listed(sheet.get("cells"))]
    found: list[Cell] = []
    for cell in cells if isinstance(cells, list) else []:
        if not isinstance(cell, dict):
            continue
        content = _joined(cell.get("source", cell.get("input", "")))
        if cell.get("cell_type") == "code":
            found.append(Cell("code", content))
            found += [Cell("output", _output_text(output)) for output in _listed(cell.get("outputs"))]
        elif cell.get("cell_type") in ("markdown", "heading", "raw"):
            found.append(Cell("text", content))
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _joined(value: Any) -> str:
    return "".join(str(part) for part in value) if isinstance(value, list) else value if isinstance(value, str) else ""


def _output_text(output: Any) -> str:
    if not isinstance(output, dict):
        return ""
    data = output.get("data")
    return _joined(output.get("text") or (data.get("text/plain") if isinstance(data, dict) else ""))


MARKS: dict[str, Kind] = {"text": "text", "code": "code", "script": "code", "output": "output"}
# What the makers of StarCoder's notebooks write for an output that is missing; the second one while they make them.
_NO_OUTPUT = re.compile(r"<empty_output>|_____no_output_____")


def _read_structured(text: str) -> Iterator[Cell]:
    parts = re.split(r"<jupyter_(start|text|code|script|output)>", text.removesuffix("<|endoftext|>"))
    for mark, content in zip(parts[1::2], parts[2::2], strict=True):
        if mark in MARKS:
            yield Cell(MARKS[mark], _NO_OUTPUT.sub("", content).strip("\n"))


# Codes that colour text on a terminal, move its cursor or set its title (ECMA-48); the same where ESC was lost.
_TERMINAL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]+[0-~]|\x1b[@-Z\\^_]|\x1b"
)
_TERMINAL_REST = re.compile(r"\[(?:0|\d{1,3}(?:;\d{1,3})+)m")
_DATA = r"data:[\w.+-]+/[\w.+-]+(?:;[\w=.+-]+)*;base64,"
# A picture in Markdown, in HTML, as the target of a link, and where it stands alone.
_PICTURES = [
    (re.compile(rf"!\[([^\]]*)\]\(\s*<?{_DATA}[^)]*\)"), r"\1"),
    (re.compile(rf"<(?:img|image|source|embed)\b[^>]*?{_DATA}[^>]*>", re.IGNORECASE), ""),
    (re.compile(rf"^[ \t]*\[[^\]]*\]:[ \t]*<?{_DATA}.*\n?", re.MULTILINE), ""),
]
_BARE_PICTURE = re.compile(rf"{_DATA}[A-Za-z0-9+/=%]{{16,}}")
# The first bytes of PNG, JPEG, GIF, WebP, SVG and PDF in base64, and what follows them.
_BASE64 = re.compile(r"(?:iVBORw0KGgo|/9j/|R0lGOD|UklGR|PHN2Zy|PD94bWw|JVBERi)(?:[A-Za-z0-9+/]|(?:\\n|\n)){24,}={0,2}")


def clean_cell(kind: Kind, content: str) -> str:
    """Return a cell's content without pictures in base64 and without codes for the terminal."""
    content = _TERMINAL.sub("", content)
    if kind == "output":
        content = _TERMINAL_REST.sub("", content)
    if "base64," in content:
        for picture, rest in () if kind == "code" else _PICTURES:
            content = picture.sub(rest, content)
        content = _BARE_PICTURE.sub("", content)
    return _BASE64.sub("", content)


def render_notebook(cells: list[Cell]) -> str:
    """Return a notebook as Markdown: text as it is, code and output fenced."""
    languages = {"code": "python", "output": "output"}
    parts = []
    for kind, content in cells:
        content = content.strip("\n")
        fence = "````" if "```" in content else "```"
        parts.append(content if kind == "text" else f"{fence}{languages[kind]}\n{content}\n{fence}")
    return "\n\n".join(parts)
