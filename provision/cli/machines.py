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
    root: Annotated[str | None, typer.Option("--root", help="The root directory to change.", metavar="DIR")] = None,
    image: Annotated[
        str | None, typer.Option("--image", help="A raw disk image to change, partitions and all.", metavar="DISK.img")
    ] = None,
    disks: Annotated[
        bool, typer.Option("--disks", help="Also set up the disks of this machine that the config names.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("-n", "--dry-run", help="Show what would be done, with diffs; write nothing.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Confirm that disks may be erased, or the running system itself changed.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Refuse what has to be fetched.")] = False,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help="Leave a section out, for example passwd.", metavar="SECTION")
    ] = None,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
    *,
    options: "Options",
) -> None:
    """Apply a config to a root directory, to the disks of this machine, or to a disk image."""
    from provision.applying import Target, apply_compiled
    from provision.templates.configs import compile_input

    name = name_of(config)
    compiled = compile_input(config, name, options)
    if compiled.diagnostics:
        show(compiled.diagnostics, compiled.sources, [name], format, color, sys.stderr)
    if compiled.failed or compiled.config is None or compiled.author is None:
        raise typer.Exit(FOUND)
    apply_compiled(compiled, Target(root, image, disks, dry_run, yes, offline, frozenset(skip or ())))
