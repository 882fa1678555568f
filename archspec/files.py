"""Writing files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from archspec.source import Diagnostic, SpecError


def write(path: str | Path, content: str | bytes, *, spare: Iterable[str | Path] = ()) -> None:
    """Writes text (as UTF-8) or bytes to `path`.  See `whole` for `spare` and the errors."""
    data = content.encode() if isinstance(content, str) else content
    with whole(path, spare=spare) as (draft,):
        draft.write_bytes(data)


@contextmanager
def whole(*paths: str | Path, spare: Iterable[str | Path] = ()) -> Iterator[list[Path]]:
    """Lends one empty file beside each target; they take the targets' places together when the block ends well.

    If the block fails nothing changes: an old target stays as it was and no new file is left.  A device or pipe
    (/dev/stdout) is lent as it is.  `spare` are files that no target may be, such as the spec itself.  Raises SpecError
    with a sentence for a missing directory, a directory in the target's place, or a refused permission.
    """
    with _explained([Path(path) for path in paths]):
        targets = [_target(path, tuple(spare)) for path in paths]
    drafts: list[Path] = []
    try:
        with _explained(targets):
            for target in targets:
                drafts.append(target if _is_device(target) else _draft(target))
        with _explained(targets):
            yield drafts
        with _explained(targets):
            _exchange([(d, t) for d, t in zip(drafts, targets, strict=True) if d != t])
    finally:
        for draft, target in zip(drafts, targets, strict=False):
            if draft != target:
                draft.unlink(missing_ok=True)


def _target(path: str | Path, spare: tuple[str | Path, ...]) -> Path:
    """The file that `path` means, behind links, once it is known to be one that may be written."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise _refused("A711", f"{path} is a directory", "name a file in it")
    if _is_device(Path(path)):
        return Path(path)  # a pipe has no name that its link in /dev/fd could be followed to
    if not target.parent.is_dir():
        missing = Path(path).parent
        message = f"cannot write {path}: there is no directory {missing}"
        raise _refused("A712", message, f"make it first: mkdir -p {missing}")
    if any(_is_same(target, file) for file in spare):
        raise _refused("A714", f"{path} is the spec itself and would be overwritten", "name another output file")
    if target.exists() and not os.access(target, os.W_OK):
        raise _refused("A713", f"cannot write {path}: it is read-only", "name another file, or chmod u+w this one")
    return target


def _is_same(target: Path, file: str | Path) -> bool:
    try:
        return os.path.samefile(target, file)
    except OSError:
        return False


def _is_device(target: Path) -> bool:
    """Whether the target exists and is no ordinary file, so that nothing can be put in its place."""
    return target.exists() and not target.is_file()


def _draft(target: Path) -> Path:
    """A new empty file in the target's directory, with the mode that the target has or would get."""
    draft = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    if target.exists():
        os.chmod(draft, stat.S_IMODE(target.stat().st_mode))
    return draft


def _exchange(moves: list[tuple[Path, Path]]) -> None:
    """Puts every draft in its target's place; when one move fails, the earlier ones are undone."""
    aside: dict[Path, Path] = {}  # target -> where its old content waits; needed only where several move together
    placed: list[Path] = []
    try:
        for draft, target in moves:
            if len(moves) > 1 and target.exists():
                os.replace(target, draft.with_suffix(".old"))
                aside[target] = draft.with_suffix(".old")
            os.replace(draft, target)
            placed.append(target)
    except BaseException:
        for target in placed:
            target.unlink()
        for target, old in aside.items():
            os.replace(old, target)
        raise
    for old in aside.values():
        old.unlink()


@contextmanager
def _explained(targets: list[Path]) -> Iterator[None]:
    """Turns the system's refusal to write one of the targets into a sentence."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of a pipe went away; nothing is wrong with the target
    except OSError as error:
        places = {str(path.parent) for target in targets for path in (target, Path(os.path.realpath(target)))}
        if error.filename is not None and str(Path(error.filename).parent) not in places:
            raise  # about a file of the caller's own
        reason = (error.strerror or str(error)).lower()
        names = " and ".join(map(str, targets))
        raise _refused("A713", f"cannot write {names}: {reason}", "name a place where you may write") from error


def _refused(code: str, message: str, help: str) -> SpecError:
    return SpecError((Diagnostic(code, message, help=help),))
