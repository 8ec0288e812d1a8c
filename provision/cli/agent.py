"""The commands that make the agent: the applier in one file, for an initramfs."""

import sys
from typing import Annotated

import typer

from provision.cli.app import JsonOption, app, named_output, put, say

agent = typer.Typer(
    name="agent", help="The applier in one file, for an initramfs.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(agent)

PythonOption = Annotated[
    str,
    typer.Option(
        "--python", help="The interpreter that it is for; else the one that runs this.", metavar="PROGRAM",
        show_default=False,
    ),
]  # fmt: skip


@agent.command()
def build(
    output: Annotated[
        str, typer.Option("-o", "--output", help="The file to write; - is standard output.", metavar="FILE")
    ] = "provision-agent.pyz",
    python: PythonOption = sys.executable,
) -> None:
    """Write the agent: the applier, compiled, in one file that needs Python's standard library and nothing else.

    It runs with the release of Python that it is made for, and says so to others. The same sources and interpreter give the
    same file. `FILE ignition …` does what `provision-ignition` does, `FILE pack` puts it and what it needs into the tree of
    an initramfs.
    """
    import os

    from provision.agent.building import build as build_agent
    from provision.apply.pack import PROGRAM_MODE

    made = build_agent(python)
    path = named_output(output)
    put(made.content, path)
    if path and os.path.isfile(path):
        os.chmod(path, PROGRAM_MODE)
    say(f"{output}: {made.modules} modules, {len(made.content) / 1e6:.1f} MB, for Python {made.version}")


@agent.command()
def modules(
    https: Annotated[bool, typer.Option("--https/--no-https", help="With or without what HTTPS needs.")] = True,
    json: JsonOption = False,
    python: PythonOption = sys.executable,
) -> None:
    """List the modules of the standard library and the shared objects that the agent needs.

    Of each module it says where this interpreter has it: in itself, in a source file, or in a shared object.
    """
    from provision.agent.listing import as_json, as_text
    from provision.agent.stdlib import needs_of_agent

    needs = needs_of_agent(python)
    put(as_json(needs, https=https) if json else as_text(needs, https=https), None)
