"""The commands that change machines."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.app import (
    FOUND,
    ColorOption,
    FormatOption,
    app,
    name_of,
    reads_configs,
    show,
)

if TYPE_CHECKING:
    from provision.transpile.author import Options


@app.command()
@reads_configs()
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
    format: FormatOption = "auto",
    color: ColorOption = "auto",
    *,
    options: "Options",
) -> None:
    """Apply a config to a root directory: files, links, units, users."""
    from provision.applying import apply_to_root
    from provision.inputs import read_input
    from provision.transpile.compile import compile_document

    name = name_of(config)
    compiled = compile_document(read_input(config), name, options)
    if compiled.diagnostics:
        show(compiled.diagnostics, compiled.sources, [name], format, color, sys.stderr)
    if compiled.failed or compiled.config is None or compiled.author is None:
        raise typer.Exit(FOUND)
    apply_to_root(compiled.config, compiled.author.spec, root, dry_run=dry_run, yes=yes, skip=frozenset(skip or ()))
