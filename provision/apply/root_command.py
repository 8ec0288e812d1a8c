"""Applying Ignition JSON to a root directory: `python -m provision.apply`, also called `ignition-apply`.

Needs the standard library only. `provision apply` is the one for people; it takes every dialect.
"""

import os
import sys
from argparse import ArgumentParser, HelpFormatter, Namespace

from provision import __version__
from provision.apply.plan.unsupported import SKIPPABLE
from provision.diagnostics import ProvisionError
from provision.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from provision.apply.directory import Plan
    from provision.apply.fetching import Fetching
    from provision.source_map import SourceMap

DONE, DIAGNOSTICS, USAGE, INTERRUPTED = 0, 1, 2, 130
PROGRAM, COMPATIBLE = "python -m provision.apply", "ignition-apply"


def parser(program: str = PROGRAM) -> ArgumentParser:
    """The options."""
    options = ArgumentParser(
        program,
        description="Apply an Ignition config to a root directory.",
        # Without a width argparse asks for the terminal's, and loads all of shutil to do so.
        formatter_class=lambda prog: HelpFormatter(prog, width=100),
    )
    options.add_argument("config", metavar="CONFIG.ign", help="Ignition JSON; - reads standard input")
    options.add_argument("--root", required=True, metavar="DIR", help="directory that the config is applied to")
    options.add_argument("--dry-run", action="store_true", help="print what would be done; write nothing")
    options.add_argument("--offline", action="store_true", help="refuse a config for which something has to be fetched")
    options.add_argument(
        "--skip", action="append", default=[], choices=SKIPPABLE, metavar="SECTION",
        help=f"leave a section out: {', '.join(SKIPPABLE)}; can be given several times",
    )  # fmt: skip
    options.add_argument("--ignore-unsupported", action="store_true", help="leave all of these sections out")
    options.add_argument("--source-map", metavar="FILE", help="lines of the author's document, for messages")
    options.add_argument("--yes", action="store_true", help="confirm that --root / is meant")
    options.add_argument("--version", action="store_true", help="print the version and exit")
    return options


def main(arguments: list[str] | None = None, program: str = PROGRAM) -> int:
    """Run the command line; the answer is the exit code, for `ignition-apply` 1 for any failure."""
    given = sys.argv[1:] if arguments is None else arguments
    if "--version" in given:
        return print_version()
    try:
        code = guarded(parser(program).parse_args(given))
    except SystemExit as usage:
        code = usage.code if isinstance(usage.code, int) else USAGE
        if program == PROGRAM:
            raise
    return min(code, 1) if program == COMPATIBLE else code


def guarded(options: Namespace) -> int:
    """Apply, and put what goes wrong into words."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show must not end the work half-way.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    places: SourceMap = {}
    try:
        if options.source_map:
            from provision.source_map import load_source_map

            places = load_source_map(options.source_map)
        return apply(options)
    except ProvisionError as error:
        complain(failure_text(error, places))
        return error.exit_code
    except KeyboardInterrupt:
        complain("stopped; apply again to complete the work")
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads the output any more; what is left in its buffer must not fail a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        complain("the output was closed; apply again to complete the work")
        return INTERRUPTED


def failure_text(error: ProvisionError, places: "SourceMap") -> str:
    """What went wrong: of an operation the whole block, of anything else its words."""
    from provision.apply.failure import report_of
    from provision.apply.runner import OperationError

    return report_of(error, "", places).block() if isinstance(error, OperationError) else f"error: {error}"


def apply(options: Namespace) -> int:
    """Read, plan and carry out, or only print."""
    from provision.apply.directory import check_root, plan_directory, preview_plan
    from provision.apply.fetching import PATIENCE_S, Fetching
    from provision.apply.reading import read_config
    from provision.apply.references import Rendering

    reading = read_config(read(options.config))
    for remark in reading.remarks:
        complain(f"{options.config}: {remark}")
    if not reading.is_sound:
        return DIAGNOSTICS
    check_root(options.root, yes=options.yes or options.dry_run)
    fetching = None if options.offline else Fetching(reading.config, patience_s=PATIENCE_S)
    plan = plan_directory(
        reading.config, options.root, skip=frozenset(SKIPPABLE if options.ignore_unsupported else options.skip),
        rendering=Rendering(fetching) if fetching is not None else None, is_offline=options.offline,
    )  # fmt: skip
    for note in plan.notes:
        complain(f"warning: {note}")
    if options.dry_run:
        for line in preview_plan(plan):
            print(line)
    else:
        carry_out(plan, fetching)
    return DONE


def carry_out(plan: "Plan", fetching: "Fetching | None") -> None:
    """Apply a plan and say how much there was to do."""
    from provision.apply.console import Console
    from provision.apply.directory import apply_plan

    with Console() as console:
        if fetching is not None:
            fetching.tell = console.fetched
        result = apply_plan(plan, console.step, fetching)
    print(f"{plan.root}: operations: {len(result.executed)} done, {len(result.skipped)} were so already")


def read(path: str, exit_code: int = USAGE) -> bytes:
    """The bytes of the config."""
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ProvisionError(f"{path}: cannot be read: {error.strerror}", exit_code=exit_code) from None


def complain(text: str) -> None:
    """Say something on standard error."""
    print(text, file=sys.stderr)


def print_version() -> int:
    """`--version`."""
    print(f"provision {__version__}")
    return DONE
