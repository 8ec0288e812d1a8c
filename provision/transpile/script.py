"""A script as user-data: a file, and a unit that runs it once; or at every boot, as coreos-cloudinit did.

coreos-cloudinit ran the script with bash, whatever its first line said. Here the first line counts.
Source: coreos-cloudinit 1.14, `initialize/workspace.go`, `system/systemd.go`.
"""

from ruamel.yaml.nodes import ScalarNode

from provision.diagnostics import declare
from provision.ignition import Config, Storage, Systemd, Unit
from provision.transpile.author import Author
from provision.transpile.cloud_config.draft import file
from provision.transpile.cloud_config.files import LOCAL_SYSTEMS
from provision.units import render

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

SCRIPT = "/opt/bin/provision-script"
# Where SELinux lets systemd run only what is labelled as a program.
LOCAL_SCRIPT = "/usr/local/bin/provision-script"
STAMP = "/var/lib/provision/script.done"
SERVICE = "provision-script.service"
SHELLS = frozenset(("sh", "bash", "dash"))


def translate(root: ScalarNode, author: Author) -> Config:
    """The file and the unit."""
    text: str = root.value.removeprefix("\ufeff")
    check_interpreter(text, author)
    path = LOCAL_SCRIPT if author.options.target_os in LOCAL_SYSTEMS else SCRIPT
    script = file(path, text.encode("utf-8", "surrogateescape"), root, 0o744)
    unit = Unit(name=SERVICE, enabled=True, contents=service(path, every_boot=author.options.every_boot)).at(root)
    author.fate(unit, None, "unit", f"{SERVICE} runs it {'at every boot' if author.options.every_boot else 'once'}")
    return Config(storage=Storage(files=(script,)), systemd=Systemd(units=(unit,)))


def check_interpreter(text: str, author: Author) -> None:
    """Warn of an interpreter that the machine does not have."""
    words = text.split("\n", 1)[0].removeprefix("#!").split()
    program = words[1] if len(words) > 1 and words[0].endswith("/env") else words[0] if words else ""
    if program.rpartition("/")[2] not in SHELLS:
        said = (
            f"the script is for `{program}`, which is in none of the images"
            if program
            else "the script names no interpreter"
        )
        place = author.document.line_inside(author.document.root, 1)
        author.diagnostics.append(
            author.document.diagnostic(
                place, "PV724", "warning", said, "write a shell script, or run it in a container"
            )
        )


def service(path: str, *, every_boot: bool) -> str:
    """The unit that runs the script, behind the network."""
    once = [] if every_boot else [("ConditionPathExists", f"!{STAMP}")]
    done = [] if every_boot else [("ExecStartPost", f"/usr/bin/touch {STAMP}"), ("StateDirectory", "provision")]
    return render([
        ("Unit", [("Description", "Run the script of the user-data"), ("Wants", "network-online.target"), ("After", "network-online.target"), *once]),
        ("Service", [("Type", "oneshot"), ("RemainAfterExit", "yes"), ("ExecStart", path), *done]),
        ("Install", [("WantedBy", "multi-user.target")]),
    ])  # fmt: skip
