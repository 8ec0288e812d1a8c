"""The applier's own command line, `python -m provision.apply`: Ignition JSON onto a root directory.

Needs the standard library only. `provision apply` is the one for people; it takes every dialect.
"""

import os
import sys
from argparse import ArgumentParser, HelpFormatter, Namespace

from provision.apply.directory import Plan, apply_plan, check_root, plan_directory, preview_plan
from provision.apply.plan.unsupported import SKIPPABLE
from provision.apply.reading import read_config
from provision.diagnostics import ProvisionError

DONE, DIAGNOSTICS, USAGE, INTERRUPTED = 0, 1, 2, 130


def parser() -> ArgumentParser:
    """The options."""
    options = ArgumentParser(
        "python -m provision.apply",
        description="Apply an Ignition config to a root directory.",
        # Without a width argparse asks for the terminal's, and loads all of shutil to do so.
        formatter_class=lambda prog: HelpFormatter(prog, width=100),
    )
    options.add_argument("config", metavar="CONFIG.ign", help="Ignition JSON; - reads standard input")
    options.add_argument("--root", required=True, metavar="DIR", help="directory that the config is applied to")
    options.add_argument("--dry-run", action="store_true", help="print what would be done; write nothing")
    options.add_argument(
        "--skip", action="append", default=[], choices=SKIPPABLE, metavar="SECTION",
        help=f"leave a section out: {', '.join(SKIPPABLE)}; can be given several times",
    )  # fmt: skip
    options.add_argument("--yes", action="store_true", help="confirm that --root / is meant")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the answer is the exit code."""
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show must not end the work half-way.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        return apply(options)
    except ProvisionError as error:
        complain(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        complain("stopped; apply again to complete the work")
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads the output any more; what is left in its buffer must not fail a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        complain("the output was closed; apply again to complete the work")
        return INTERRUPTED


def apply(options: Namespace) -> int:
    """Read, plan and carry out, or only print."""
    reading = read_config(read(options.config))
    for remark in reading.remarks:
        complain(f"{options.config}: {remark}")
    if not reading.is_sound:
        return DIAGNOSTICS
    check_root(options.root, yes=options.yes or options.dry_run)
    plan = plan_directory(reading.config, options.root, skip=frozenset(options.skip))
    for note in plan.notes:
        complain(f"warning: {note}")
    if options.dry_run:
        for line in preview_plan(plan):
            print(line)
    else:
        carry_out(plan)
    return DONE


def carry_out(plan: Plan) -> None:
    """Apply a plan and say how much there was to do."""
    result = apply_plan(plan)
    print(f"{plan.root}: operations: {len(result.executed)} done, {len(result.skipped)} were so already")


def read(path: str) -> bytes:
    """The bytes of the config."""
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ProvisionError(f"{path}: cannot be read: {error.strerror}", exit_code=USAGE) from None


def complain(text: str) -> None:
    """Say something on standard error."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
