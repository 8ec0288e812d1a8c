"""The command that compares."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.app import (
    DONE,
    FOUND,
    USAGE,
    ColorOption,
    app,
    check_name,
    put,
    reads_configs,
    say,
    show,
    wants_color,
)

if TYPE_CHECKING:
    from provision.transpile.author import Options

FORMATS = ("text", "json", "markdown")


@app.command()
@reads_configs(without=("systemd_analyze",))
def diff(
    old: Annotated[str, typer.Argument(help="A config, or a folder of them; - is standard input.", metavar="OLD")],
    new: Annotated[str, typer.Argument(help="What to compare it with.", metavar="NEW")],
    format: Annotated[
        str, typer.Option("--format", help="text, json, or markdown for a pull request.", metavar="FORMAT")
    ] = "text",
    old_files_dir: Annotated[
        str | None, typer.Option("--old-files-dir", help="Where OLD has another --files-dir.", metavar="DIR")
    ] = None,
    jobs: Annotated[
        int,
        typer.Option("-j", "--jobs", help="Processes for many files; 0 takes one a processor.", min=0, metavar="N"),
    ] = 0,
    color: ColorOption = "auto",
    *,
    options: "Options",
) -> None:
    """Show what differs in what two configs do, or two folders of them by name.

    Both may be of any dialect. Of secrets, and of files that not all may read, it is only said that they differ.

    Exit codes, as of diff: 0 nothing differs, 1 something does, 2 not all could be compared.
    """
    check_name("--format", format, FORMATS)
    from provision.comparison import WRITERS, as_text, compare_paths, tally

    # As for `validate`: what Ignition 3 can't carry of an older format is no reason not to compare the rest.
    options = options._replace(lossy=True)
    old_options = options._replace(files_dir=old_files_dir) if old_files_dir is not None else options
    result = compare_paths(old, new, old_options, options, jobs)
    found = result.comparison
    if format == "text":
        plain = (os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or "") in (
            "C",
            "POSIX",
        )
        text = as_text(found, color=wants_color(color, sys.stdout), ascii=plain)
    else:
        text = WRITERS[format](found)
    put(text.encode("utf-8", "backslashreplace"), None)
    if result.diagnostics:
        show(
            result.diagnostics,
            result.sources,
            sorted({each.file for each in result.diagnostics}),
            "auto",
            color,
            sys.stderr,
        )
    for problem in result.errors:
        say(f"provision: {problem}")
    if format == "text":
        say(tally(found))
    raise typer.Exit(USAGE if result.failed else FOUND if found.differs else DONE)
