"""The page of every diagnostic code: what it means and why, a wrong example with its message, a right one.

The pages are in data/diagnostics.toml; the tests run both examples of each.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from archspec.record import Record
from archspec.source import Diagnostic, Source, SpecError, nearest, render


class Page(Record):
    """What is known of a code.

    The examples are specs; where no spec is to blame they are commands or Python, and `says` is in the message.
    `net`, `bind`, `outputs`, `files` and `limits` are what an example needs around it.
    """

    code: str
    means: str
    why: str
    wrong: str
    right: str
    kind: Literal["spec", "command", "python"] = "spec"
    says: str = ""
    net: str | None = None
    bind: dict[str, str | bool] = {}
    outputs: tuple[str, ...] = ()
    files: dict[str, str] = {}
    limits: dict[str, int] = {}


@cache
def pages() -> dict[str, Page]:
    """Every page by its code."""
    import tomllib

    path = Path(__file__).resolve().parent / "data" / "diagnostics.toml"
    with path.open("rb") as file:
        loaded: dict[str, dict[str, Any]] = tomllib.load(file)
    return {code: Page(code, **fields) for code, fields in loaded.items()}


def find_page(code: str) -> Page | None:
    """The page of a code, in any case."""
    return pages().get(code.upper())


def explain_code(code: str) -> str:
    """The page of a code as text.  Raises LookupError, with a sentence, for a code that is none."""
    page = find_page(code)
    if page is None:
        near = nearest(code.upper(), pages())
        raise LookupError(f"there is no code {code.upper()}" + (f"; did you mean {near}?" if near else ""))
    parts = [f"{page.code}: {page.means}", page.why]
    parts += [f"With {name}:\n\n{_indented(text)}" for name, text in page.files.items()]
    around = [
        *(f"--limit {name}={n}" for name, n in page.limits.items()),
        *(f"-D {n}={v}" for n, v in page.bind.items()),
    ]
    parts.append(f"Wrong{f' ({chr(32).join(around)})' if around else ''}:\n\n{_indented(page.wrong)}")
    parts.append(_indented("\n\n".join(render(finding) for finding in _found(page)), by=4))
    parts.append(f"Right:\n\n{_indented(page.right)}")
    return "\n\n".join(parts) + "\n"


def _found(page: Page) -> list[Diagnostic]:
    """What is said of the wrong example: by a run, unless it is a command or a program."""
    if page.kind != "spec":
        return [Diagnostic(page.code, page.says)]
    return [finding for finding in findings(page, page.wrong) if finding.code == page.code]


def findings(page: Page, text: str) -> tuple[Diagnostic, ...]:
    """Everything that archspec says of a spec with what the page's examples have around them."""
    from tempfile import TemporaryDirectory

    from archspec.limits import Limits
    from archspec.model import open_model

    with TemporaryDirectory() as folder:
        lay_out_files(page, Path(folder))
        source, limits = Source("example.arch", text, folder), Limits(**page.limits)
        try:
            model = open_model(source, page.net, page.bind, outputs=tuple(page.outputs), limits=limits)
            analysis = model.analyze()
            return (*model.warnings, *analysis.notes, *model.failures(), *model.advice())
        except SpecError as error:
            return error.diagnostics


def lay_out_files(page: Page, folder: Path) -> None:
    """Writes the files that the page's examples read."""
    for name, content in page.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def _indented(text: str, by: int = 2) -> str:
    return "\n".join(" " * by + line if line else "" for line in text.rstrip("\n").split("\n"))
