"""A script as user-data: a file, and a unit that runs it once; or at every boot, as coreos-cloudinit did.

coreos-cloudinit ran the script with bash, whatever its first line said. Here the first line counts.
Source: coreos-cloudinit 1.14, `initialize/workspace.go`, `system/systemd.go`.
"""

import re

from ruamel.yaml.nodes import ScalarNode

from provision.diagnostics import declare
from provision.ignition import Config, Storage, Systemd, Unit
from provision.transpile.author import Author
from provision.transpile.cloud_config.draft import file
from provision.units import command_line, render

declare(
    "PV724", "warning", "interpreter of a script",
    """The interpreter of a script is one that the machine has: a shell.

    CoreOS and its heirs have neither Python nor Perl in their images.

    Bad:
        #!/usr/bin/python3
        print("hello")

    Good:
        #!/bin/bash
        echo hello
    """,
)  # fmt: skip

SCRIPT = "/var/lib/provision/script"
STAMP = "/var/lib/provision/script.done"
SERVICE = "provision-script.service"
SHELLS = frozenset(("sh", "bash", "dash"))
# An absolute path, and all that follows as one argument. Source: execve(2), "Interpreter scripts".
FIRST_LINE = re.compile(r"#![ \t]*(/\S+)[ \t]*(.*?)\s*(?:\n|$)")


def translate(root: ScalarNode, author: Author) -> Config:
    """The file and the unit."""
    text: str = root.value.removeprefix("\ufeff")
    words = interpreter(text)
    check_interpreter(words, author)
    script = file(SCRIPT, text.encode("utf-8", "surrogateescape"), root, 0o744)
    # SELinux lets systemd run nothing that lies below /var; a shell may read it.
    command = command_line([*(words or ["/bin/bash"]), SCRIPT])
    unit = Unit(name=SERVICE, enabled=True, contents=service(command, every_boot=author.options.every_boot)).at(root)
    author.fate(unit, None, "unit", f"{SERVICE} runs it {'at every boot' if author.options.every_boot else 'once'}")
    return Config(storage=Storage(files=(script,)), systemd=Systemd(units=(unit,)))


def interpreter(text: str) -> list[str]:
    """The program that the first line names, with its argument; nothing where it names none."""
    found = FIRST_LINE.match(text)
    return [word for word in found.groups() if word] if found else []


def check_interpreter(words: list[str], author: Author) -> None:
    """Warn of an interpreter that the machine does not have."""
    program, *argument = words or [""]
    if program.endswith("/env") and argument:
        program = (argument[0].removeprefix("-S").split() or [program])[0]
    if program.rpartition("/")[2] in SHELLS:
        return
    said = f"the script is for `{program}`, which is in none of the images"
    hint = "write a shell script, or run it in a container"
    if not program:
        said, hint = "the first line names no interpreter; bash runs the script", "begin it with #!/bin/bash"
    place = author.document.line_inside(author.document.root, 1)
    author.diagnostics.append(author.document.diagnostic(place, "PV724", "warning", said, hint))


def service(command: str, *, every_boot: bool) -> str:
    """The unit that runs the script, behind the network."""
    once = [] if every_boot else [("ConditionPathExists", f"!{STAMP}")]
    done = [] if every_boot else [("ExecStartPost", f"/usr/bin/touch {STAMP}"), ("StateDirectory", "provision")]
    return render([
        ("Unit", [("Description", "Run the script of the user-data"), ("Wants", "network-online.target"), ("After", "network-online.target"), *once]),
        ("Service", [("Type", "oneshot"), ("RemainAfterExit", "yes"), ("ExecStart", command), *done]),
        ("Install", [("WantedBy", "multi-user.target")]),
    ])  # fmt: skip
