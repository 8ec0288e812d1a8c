"""What people and programs are told of an installation."""

import json
import os
from collections.abc import Iterable, Sequence

from provision.initramfs.kinds import KINDS
from provision.initramfs.placing import Placed
from provision.initramfs.programs import Program
from provision.typed import NamedTuple


class Report(NamedTuple):
    """What was done to a root, what it lacks, what else there is to say, and what is to be done next."""

    root: str
    kinds: tuple[str, ...]
    placed: Sequence[Placed]
    missing: Sequence[Program] = ()
    notes: Sequence[str] = ()
    steps: Sequence[str] = ()

    @property
    def changed(self) -> int:
        """How many files were written or removed."""
        return sum(each.state in ("written", "removed") for each in self.placed)


def steps_after(kind: str, root: str, *, changed: bool) -> list[str]:
    """What is left to do after an installation."""
    row = KINDS[kind]
    steps = [where(root) + row.more] if row.more else []
    if row.make and changed:
        steps.append(f"{where(root)}run `{row.make}`, which makes the initramfs anew")
    steps.append(
        f"{where(root)}put the file /boot/provision.firstboot there, or `provision.firstboot` on the kernel command line, "
        "to have the next boot provision the machine"
    )
    return steps


def where(root: str) -> str:
    """Before an instruction: where it is to be carried out."""
    return "" if os.path.realpath(root) == "/" else f"in {root}: "


def as_text(report: Report) -> str:
    """The report for people."""
    lines = [f"{each.state:<10}{each.path}" for each in report.placed if each.state != "unchanged"]
    if not report.changed:
        lines.append(f"{report.root}: nothing to do, {len(report.placed)} files are as they should be" if report.placed else
                     f"{report.root}: nothing to do, nothing is installed")  # fmt: skip
    else:
        lines.append(
            f"{report.root}: {', '.join(report.kinds)}: {report.changed} of {len(report.placed)} files changed"
        )
    lines += [f"missing:  {line}" for line in missing_lines(report.missing)]
    lines += [f"note:     {note}" for note in report.notes]
    lines += [f"next:     {step}" for step in report.steps]
    return "".join(f"{line}\n" for line in lines)


def missing_lines(missing: Iterable[Program]) -> list[str]:
    """Programs that a root lacks, those of one package together."""
    by_package: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for program in missing:
        by_package.setdefault((program.packages, program.serves), []).append(program.name)
    return [
        f"{', '.join(names)}, so a first boot cannot do {serves}; on Debian: apt-get install {' '.join(packages)}"
        for (packages, serves), names in by_package.items()
    ]


def as_json(report: Report) -> bytes:
    """The report for programs."""
    document = {
        "root": report.root,
        "kinds": list(report.kinds),
        "changed": report.changed,
        "files": [each._asdict() for each in report.placed],
        "missing": [each._asdict() for each in report.missing],
        "notes": list(report.notes),
        "next": list(report.steps),
    }
    return json.dumps(document, indent=2).encode() + b"\n"
