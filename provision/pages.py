"""What the tool says about itself: schemas, codes, versions."""

import json
import os
import sys

from provision import __version__
from provision.diagnostics import CODES, ISSUES_URL, Code, ProvisionError, dedented, nearest
from provision.inputs import write_output
from provision.versions import BY_NAME, RELEASES, TEXTS, Release, newest, releases_of

WITH_SCHEMA = [release for release in RELEASES if release.dialect not in TEXTS]
# What people also call a dialect.
OTHER_NAMES = {"rhcos": "openshift", "butane": "fcos", "coreos": "fcos", "ign": "ignition"}


def load_everything() -> None:
    """Import all that declares keys or codes."""
    from importlib import import_module
    from pkgutil import walk_packages

    from provision import composition, decompile, inventory, schema, templates, transpile

    for package in (schema, transpile, decompile, templates, composition, inventory):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)


def schema_text(release: Release) -> str:
    """The JSON Schema of a release, as it is printed and shipped."""
    from provision.schema.project import project

    return json.dumps(project(release), indent=2, ensure_ascii=False) + "\n"


def print_schema(dialect: str | None, version: str | None) -> None:
    """`provision schema DIALECT [VERSION]`."""
    load_everything()
    dialects = list(dict.fromkeys(release.dialect for release in WITH_SCHEMA))
    if dialect is None:
        raise ProvisionError(f"name a dialect: {', '.join(dialects)}; or --all DIR", exit_code=2)
    if dialect not in dialects:
        meant = OTHER_NAMES.get(dialect.lower()) or nearest(dialect, dialects)
        raise ProvisionError(
            f"{dialect} is no dialect"
            + (f"; did you mean {meant}?" if meant else f"; known are {', '.join(dialects)}"),
            exit_code=2,
        )
    # What came before version 3 has rows of its own, and is asked for by the same name.
    release = BY_NAME.get((dialect, version)) or BY_NAME.get((f"{dialect}2", version)) if version else newest(dialect)
    if release is None:
        known = [row.version for row in (*releases_of(f"{dialect}2"), *releases_of(dialect)) if row.version]
        if not known:
            raise ProvisionError(f"{dialect} has no versions; leave `{version}` out", exit_code=2)
        meant = next((each for each in known if each in (f"{version}.0", f"{version}-experimental")), None)
        raise ProvisionError(
            f"{dialect} has no version {version}; "
            + (f"did you mean {meant}?" if meant else f"known are {', '.join(known)}"),
            exit_code=2,
        )
    sys.stdout.write(schema_text(release))


def write_schemas(folder: str) -> None:
    """`provision schema --all DIR`: one file a release."""
    load_everything()
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ProvisionError(f"{folder}: {(error.strerror or str(error)).lower()}", exit_code=2) from None
    for release in WITH_SCHEMA:
        write_output(os.path.join(folder, f"{release.file_name}.json"), schema_text(release).encode())
    print(f"{len(WITH_SCHEMA)} schemas written to {folder}", file=sys.stderr)


def print_rules(*, as_json: bool) -> None:
    """`provision rules`."""
    load_everything()
    codes = [CODES[code] for code in sorted(CODES)]
    if as_json:
        print(json.dumps([as_dict(code) for code in codes], indent=2, ensure_ascii=False))
        return
    width = max(len(code.severity) for code in codes)
    for code in codes:
        print(f"{code.code}  {code.severity:{width}}  {code.summary}")


def as_dict(code: Code) -> dict[str, object]:
    """A code for other programs."""
    return {
        "code": code.code,
        "severity": code.severity,
        "name": code.name.replace("_", " "),
        "summary": code.summary,
        "explanation": explanation(code),
        "bad": code.example("Bad"),
        "good": code.example("Good"),
        "silenceable": code.silenceable,
    }


def explanation(code: Code) -> str:
    """The manual of a code without its examples."""
    return dedented(code.doc).split("\nBad:\n")[0].strip()


def print_explanation(code: str) -> None:
    """`provision explain CODE`."""
    load_everything()
    row = CODES.get(code.upper())
    if row is None:
        family = [known for known in sorted(CODES) if code[2:] and known.startswith(code.upper())]
        meant = ", ".join(family) or nearest(code.upper(), sorted(CODES))
        raise ProvisionError(
            f"{code} is no code" + (f"; did you mean {meant}?" if meant else "; see `provision rules`"), exit_code=2
        )
    print(f"{row.code} ({row.severity}): {row.name.replace('_', ' ')}\n\n{explanation(row)}")
    for which in ("Bad", "Good"):
        example = row.example(which)
        if example:
            print(f"\n{which}:\n" + "".join(f"    {line}\n" if line else "\n" for line in example.splitlines()), end="")
    if row.silenceable:
        print(
            f"\nTo silence it, on its line or on the line above, with the reason:\n    # provision: ignore[{row.code}] reason"
        )
    else:
        print("\nIt can't be silenced by a comment: the document has to be mended.")


def print_version(*, as_json: bool) -> None:
    """`provision version`."""
    import platform
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    from provision.document.yaml_reader import c_parser

    def installed(package: str) -> str:
        try:
            return version_of(package)
        except PackageNotFoundError:
            return "missing"

    fast = c_parser() is not None
    about = {
        "provision": __version__,
        "python": platform.python_version(),
        **{
            name: installed(name)
            for name in ("ruamel.yaml", "ruamel.yaml.clib", "jsonschema", "jinja2", "libpass", "typer", "rich")
        },
        "yaml_parser": "libyaml (C)" if fast else "pure Python",
        "issues": ISSUES_URL,
    }
    if as_json:
        print(json.dumps(about, indent=2))
        return
    for name, value in about.items():
        print(f"{name:16} {value}")
    if not fast:
        print("The C parser is missing, so YAML is read about ten times slower: install ruamel.yaml.clib.")
