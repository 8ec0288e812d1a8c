"""The commands that put the first boot into the initramfs of a system."""

from typing import Annotated

import typer

from provision.cli.app import JsonOption, app, put

initramfs = typer.Typer(
    name="initramfs", help="The first boot, in the initramfs of a system.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(initramfs)

RootOption = Annotated[str, typer.Option("--root", help="The system to change.", metavar="DIR")]
KINDS = "initramfs-tools, dracut, mkinitcpio, systemd (no initramfs: early in the boot of the system itself)"


@initramfs.command()
def install(
    root: RootOption = "/",
    kind: Annotated[str, typer.Option("--kind", help=f"auto (what the system has), {KINDS}.", metavar="KIND")] = "auto",
    python: Annotated[
        str | None,
        typer.Option(
            "--python",
            help="A Python of the system's release, to compile the agent with.",
            metavar="PROGRAM",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Put in place what provisions the machine at its first boot; then make its initramfs anew.

    Writes below /usr only, and nothing that is there already. Says which programs the initramfs will lack, and what is to be
    done next.
    """
    from provision.initramfs.installing import install as put_in_place
    from provision.initramfs.reports import as_json, as_text

    report = put_in_place(root, kind, python)
    put(as_json(report) if json else as_text(report).encode(), None)


@initramfs.command()
def uninstall(
    root: RootOption = "/",
    kind: Annotated[
        str | None, typer.Option("--kind", help=f"Only one of {KINDS}; else all.", metavar="KIND", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Take away what `install` wrote, but for what was changed since; then make the initramfs anew."""
    from provision.initramfs.installing import uninstall as take_away
    from provision.initramfs.reports import as_json, as_text

    report = take_away(root, kind)
    put(as_json(report) if json else as_text(report).encode(), None)
