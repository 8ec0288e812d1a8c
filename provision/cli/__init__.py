"""The command line. Every command imports what it needs itself, so that `--help` loads no compiler."""

import errno
import gc
import os
import sys

from provision import __version__
from provision.cli import (  # noqa: F401  # each joins its commands to the application
    agent,
    authoring,
    building,
    comparing,
    initramfs,
    machines,
    moving,
    planning,
    reference,
    templates,
)
from provision.cli.app import BUG, FOUND, USAGE, app, say
from provision.diagnostics import ISSUES_URL, ProvisionError

# How the system says that standard output takes no more.
OUTPUT_LOST = frozenset((errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT))


def main() -> None:
    """The console script: runs a command, and answers for what it did not expect."""
    arguments, debug = prepared(sys.argv[1:])
    gc.disable()  # a document has far more objects than the collector expects, and none of them are in circles
    open_streams()
    try:
        try:
            app(args=arguments, prog_name="provision")
        finally:
            sys.stdout.flush()
    except ProvisionError as error:
        say(f"provision: {error}")
        sys.exit(error.exit_code)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OUTPUT_LOST:
            drop_output()
            if isinstance(error, BrokenPipeError):
                sys.exit(FOUND)  # who reads us, `head` for one, has seen enough
            say(f"provision: standard output: {(error.strerror or str(error)).lower()}")
            sys.exit(USAGE)
        if debug:
            raise
        where = "".join(f" {note}" for note in getattr(error, "__notes__", ()))
        say(
            f"provision: internal error{where}: {type(error).__name__}: {error}\n"
            f"This is a mistake in provision {__version__}, not in your config. Please report it at {ISSUES_URL}\n"
            "with the command and the input. Run it again with --debug to see the traceback."
        )
        sys.exit(BUG)


def open_streams() -> None:
    """Make the standard streams safe to use: UTF-8, whatever the locale, and the null device for a closed one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  # it lives as long as the process
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def drop_output() -> None:
    """Forget what standard output still holds, so that Python does not try it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def prepared(arguments: list[str]) -> tuple[list[str], bool]:
    """The arguments without `--debug`, and with a bare `--color` spelled as `--color=always`, as Butane has it."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    debug = "--debug" in arguments[:end]
    out: list[str] = []
    rest = iter([argument for argument in arguments[:end] if argument != "--debug"] + arguments[end:])
    for argument in rest:
        if argument == "--":
            return [*out, argument, *rest], debug
        if argument in ("--color", "--colour"):
            value = next(rest, None)
            known = value in ("auto", "always", "never", "yes", "no")
            out.append(f"--color={value if known else 'always'}")
            out += [value] if value is not None and not known else []
        else:
            out.append(argument)
    return out, debug
