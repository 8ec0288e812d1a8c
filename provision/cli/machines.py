"""The commands that change machines."""

import sys
from typing import Annotated

import typer

from provision.cli.app import (
    FOUND,
    ColorOption,
    DialectOption,
    EveryBootOption,
    FilesDirOption,
    FormatOption,
    FsmapOption,
    PlatformOption,
    SetOption,
    TargetOsOption,
    app,
    author_options,
    name_of,
    show,
)


@app.command()
def apply(
    config: Annotated[str, typer.Argument(help="The config, in any dialect; - is standard input.", metavar="FILE")],
    root: Annotated[str, typer.Option("--root", help="The root directory to change.", metavar="DIR")],
    dry_run: Annotated[
        bool, typer.Option("-n", "--dry-run", help="Show what would be done, with diffs; write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm that the running system itself may be changed.")] = False,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help="Leave a section out, for example passwd.", metavar="SECTION")
    ] = None,
    files_dir: FilesDirOption = None,
    dialect: DialectOption = None,
    set: SetOption = None,
    platform: PlatformOption = None,
    fsmap: FsmapOption = None,
    target_os: TargetOsOption = None,
    every_boot: EveryBootOption = False,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
) -> None:
    """Apply a config to a root directory: files, links, units, users."""
    from provision.applying import apply_to_root
    from provision.inputs import read_input
    from provision.transpile.compile import compile_document

    wanted = author_options(files_dir, dialect, set, platform, fsmap, target_os, every_boot)
    name = name_of(config)
    compiled = compile_document(read_input(config), name, wanted)
    if compiled.diagnostics:
        show(compiled.diagnostics, compiled.sources, [name], format, color, sys.stderr)
    if compiled.failed or compiled.config is None or compiled.author is None:
        raise typer.Exit(FOUND)
    apply_to_root(compiled.config, compiled.author.spec, root, dry_run=dry_run, yes=yes, skip=frozenset(skip or ()))
