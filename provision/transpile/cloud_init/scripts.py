"""The scripts of an archive. Source: cloud-init 25, modules scripts_user, scripts_per_boot and their like; boothooks."""

import re
from typing import NamedTuple

from provision.transpile.cloud_init.build import ONESHOT, ORDER, SCRIPTS, SHELL, Build, Step, When, stamped
from provision.transpile.cloud_init.commands import CONSOLE
from provision.transpile.user_data.parts import Archive, Kind, Script
from provision.units import quote


class Manner(NamedTuple):
    """How scripts of one kind run."""

    module: str
    when: When
    once: bool


MANNERS: dict[Kind, Manner] = {
    "script": Manner("scripts", "final", True),
    "boothook": Manner("boothook", "boot", False),
    "per-boot": Manner("per-boot", "final", False),
    "per-instance": Manner("per-instance", "final", True),
    "per-once": Manner("per-once", "final", True),
}
HEADER = re.compile(r"\A\s*#cloud-boothook[^\n]*\n", re.I)
INTERPRETER = re.compile(r"#!\s*(/\S+)(?:[ \t]+(\S.*?))?[ \t]*\r?(?:\n|$)")


def scripts(build: Build) -> None:
    """A file and a oneshot service for each script."""
    document = build.author.document
    found = document.scripts if isinstance(document, Archive) else []
    # Boothooks run in the order of the parts; the others lie in directories, and run by their names.
    for number, script in enumerate(sorted(found, key=lambda one: one.name if one.kind != "boothook" else "")):
        write(script, number, build)


def write(script: Script, number: int, build: Build) -> None:
    """One script, run by the interpreter that its first line names."""
    manner = MANNERS[script.kind]
    text = str(script.node.value).removeprefix("\ufeff")
    text = HEADER.sub("", text, count=1) if script.kind == "boothook" else text.lstrip("\r\n")
    line = INTERPRETER.match(text)
    if line is None and script.kind != "boothook":
        said = f"the script {script.name} has no first line `#!/bin/sh` that names its interpreter"
        build.shapes.complain(script.node, "PV728", "error", said, "begin it with #!/bin/sh")
        return
    name = f"{manner.module}-{number + 1}"
    path = f"{SCRIPTS}/{name}"
    file = build.file(path, text, 0o700, script.node)
    words = [part for part in (line[1], line[2]) if part] if line else [SHELL]
    once = manner.once and not build.author.options.every_boot
    unit, stamping = stamped(name) if once else ((), ())
    service = (*ONESHOT, *stamping, *CONSOLE, ("ExecStart", " ".join(map(quote, [*words, path]))))
    behind = script.kind == "script" and script.name > "runcmd"  # what `runcmd` comes to lies beside them
    order = ORDER.index("runcmd" if behind else manner.module) + (number + 1) / 1_000_000
    build.author.fate(file, None, "unit", f"by cloud-init-{name}.service")
    build.steps.append(Step(name, order, manner.when, unit, service, script.node))
