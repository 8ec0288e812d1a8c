"""Inventories of tests: a folder with a template, and hosts."""

from pathlib import Path

from provision.inventory.building import Wanted, build_inventory
from provision.inventory.report import Report
from provision.transpile.author import Options

HOST = """\
{#
description: A machine.
parameters:
  hostname: {type: string, format: hostname, description: Name.}
  address: {type: string, format: ip-interface, default: 192.0.2.1/24, description: Address.}
  port: {type: integer, minimum: 1, maximum: 65535, default: 80, description: Port.}
  token: {type: string, secret: true, default: none, description: Token.}
  settings: {type: object, additionalProperties: {type: integer}, default: {}, description: Settings.}
#}
variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/machine
      mode: 0644
      contents:
        inline: {{ (hostname ~ " " ~ address ~ " " ~ port ~ " " ~ token ~ " " ~ (settings | to_json)) | to_json }}
"""
PLAIN = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/motd\n      mode: 0644\n"


def write(folder: Path, **texts: str) -> Path:
    """Files in a folder: `a_bu_j2` is a.bu.j2; `host.bu.j2` is there in any case."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"host_bu_j2": HOST, **texts}.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def wanted(where: Path, /, **changes: object) -> Wanted:
    """How to build the inventory of a folder, into `out` there."""
    options = Options(raw=True, files_dir=str(where))
    return Wanted(str(where / "hosts.yaml"), str(where / "out"), options, jobs=1)._replace(**changes)  # type: ignore[arg-type]  # fields of it


def build(where: Path, inventory: str, /, **changes: object) -> Report:
    """Build an inventory."""
    write(where)
    (where / "hosts.yaml").write_text(inventory)
    return build_inventory(wanted(where, **changes))


def told(report: Report) -> list[str]:
    """What is said, each as `file:line:column code`."""
    return [f"{Path(each.file).name}:{each.span.line}:{each.span.column} {each.code}" for each in report.diagnostics]
