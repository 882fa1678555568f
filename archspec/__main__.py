"""The command line: parse the options, call one function, end with its code.

0 done; 1 a check failed; 2 a wrong command line or file; 3 a wrong spec; 4 an optional package is missing;
70 a fault of archspec's own; 130 interrupted; 141 nobody read on.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

import click

from archspec import __version__
from archspec.commands import Commands, ReaderGone
from archspec.commands.streams import tell
from archspec.source import Diagnostic, SpecError

OK, CHECK_FAILED, USAGE, INVALID, MISSING, INTERNAL, INTERRUPTED, UNREAD = 0, 1, 2, 3, 4, 70, 130, 141


@click.group(
    "archspec", cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="archspec", message="%(prog)s %(version)s")
def command_line() -> None:
    """Neural networks written as papers draw them: exact numbers, PyTorch, ONNX, diagrams.

    SPEC is a file, - for standard input, or a name of `archspec zoo`.

    \b
    Examples:
      archspec analyze resnet50
      archspec compile resnet50 -o resnet50.onnx
      archspec analyze -e 'INPUT(3x32x32) -> [CONV(64) -> RELU]*2 -> POOL -> FC(10)'
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code.  Nothing that a user can type ends in a traceback."""
    _open_closed()
    _make_printable()
    warn_of_namesake()
    # pydantic would read the metadata of every installed package in search of plugins; there is nothing to plug into.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    collecting = gc.isenabled()
    gc.disable()  # a run makes many small objects and lets go of few; collecting costs a third of the time
    try:
        return _run(arguments)
    finally:
        gc.freeze()  # the interpreter collects three times as it ends; this leaves it nothing to walk
        if collecting:
            gc.enable()


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = command_line.main(arguments, prog_name="archspec", standalone_mode=False)
        sys.stdout.flush()
        return int(code or OK)
    except (ReaderGone, BrokenPipeError):
        # Python would flush standard output once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except SpecError as error:
        tell(error.diagnostics)
        return INVALID if any(is_about_spec(d) for d in error.diagnostics) else USAGE
    except OSError as error:
        if error.filename is not None:
            return _explain(error)
        print(f"error: cannot write standard output: {error.strerror or error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would flush it once more at its end
        return USAGE
    except Exception as error:
        return _explain(error)


def is_about_spec(diagnostic: Diagnostic) -> bool:
    """Whether a diagnostic is about the text; others of A2 and A7 are about an option or a file that was named."""
    return diagnostic.span is not None or not diagnostic.code.startswith(("A2", "A7"))


def _explain(error: Exception) -> int:
    """A sentence for what no command foresaw."""
    from archspec.emit import MissingExtra
    from archspec.model import UsageError

    if isinstance(error, MissingExtra):
        print(f"error: {error}", file=sys.stderr)
        return MISSING
    if isinstance(error, UsageError):
        tell([Diagnostic("A801", error.message, help=error.help)])
        return USAGE
    if os.environ.get("ARCHSPEC_TRACEBACK"):
        raise error
    print(
        f"internal error: {type(error).__name__}: {error}\n"
        " = This is a fault of archspec, not of your spec. Please report it with the spec and what the same command\n"
        "   prints with ARCHSPEC_TRACEBACK=1 set.",
        file=sys.stderr,
    )
    return INTERNAL


def _open_closed() -> None:
    """A standard stream that the caller closed reads and writes nothing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))


def _make_printable() -> None:
    """Lets a stream of a narrow encoding replace what it lacks instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure") and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="replace")


def warn_of_namesake() -> None:
    """Says so when the unrelated distribution `archspec` (CPU detection) is installed: it owns this import name too."""
    for folder in sys.path:
        if folder.endswith("-packages"):
            try:
                names = os.listdir(folder)
            except OSError:
                continue
            if any(name.startswith("archspec-") and name.endswith((".dist-info", ".egg-info")) for name in names):
                print(
                    f"warning: {folder} also holds the distribution archspec (CPU detection), of the same import name\n"
                    " = help: install archspec-nn in a virtual environment of its own",
                    file=sys.stderr,
                )
                return


if __name__ == "__main__":
    sys.exit(main())
