"""The commands that say what the tool knows."""

from typing import Annotated

import typer

from provision.cli.app import JsonOption, app


@app.command()
def schema(
    dialect: Annotated[
        str | None,
        typer.Argument(help="fcos, ignition, clc, cloud-config, …; without one, all are told.", metavar="DIALECT"),
    ] = None,
    version: Annotated[
        str | None, typer.Argument(help="A version of it; the newest stable one by default.", metavar="VERSION")
    ] = None,
    all: Annotated[
        str | None, typer.Option("--all", help="Write the schemas of all releases into a folder.", metavar="DIR")
    ] = None,
) -> None:
    """Print the JSON Schema of a release, for editors and other tools."""
    from provision.pages import print_schema, write_schemas

    if all is not None:
        write_schemas(all)
    else:
        print_schema(dialect, version)


@app.command()
def rules(json: JsonOption = False) -> None:
    """List the codes of everything that can be reported."""
    from provision.pages import print_rules

    print_rules(as_json=json)


@app.command()
def explain(code: Annotated[str, typer.Argument(help="A code, for example PV310.", metavar="CODE")]) -> None:
    """Say what a code is about, with a bad and a good example, and how to silence it."""
    from provision.pages import print_explanation

    print_explanation(code)


@app.command()
def version(json: JsonOption = False) -> None:
    """Print the versions of provision and of what it runs on."""
    from provision.pages import print_version

    print_version(as_json=json)
