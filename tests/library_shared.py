"""What the tests of the library share: its templates with their sample values, compiled, and applied to a directory."""

import copy
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from cli_console import REPOSITORY, Ran, provision

from provision.record import encode
from provision.templates.header import Header
from provision.templates.layers import PlainLayer
from provision.templates.library import Folder, templates_in
from provision.templates.rendering import compile_template
from provision.templates.values import Values, gathered
from provision.transpile.author import Options
from provision.transpile.compile import Compiled
from provision.transpile.output import to_json

LIBRARY = REPOSITORY / "templates"
SAMPLES = REPOSITORY / "samples" / "templates"
TEMPLATES = {template.title: template for template in templates_in(Folder(str(LIBRARY)))}
NAMES = sorted(TEMPLATES)

# What a directory has none of.
DISKS = ("disks", "raid", "luks", "filesystems")

USERS = """\
root:x:0:0::/root:/bin/sh
www-data:x:33:33::/var/www:/usr/sbin/nologin
etcd:x:232:232::/var/lib/etcd:/usr/sbin/nologin
fleet:x:253:253::/nonexistent:/usr/sbin/nologin
core:x:500:500::/home/core:/bin/sh
"""
GROUPS = """\
root:x:0:
adm:x:4:
wheel:x:10:
sudo:x:27:
www-data:x:33:
systemd-journal:x:190:
etcd:x:232:
fleet:x:253:
core:x:500:
"""


def header_of(name: str) -> Header:
    """The header of a template."""
    header = TEMPLATES[name].header
    assert header is not None
    return header


def sample_file(name: str) -> Path:
    """The sample of a template's values."""
    return SAMPLES / f"{name}.yaml"


@cache
def sample_values(name: str) -> dict[str, Any]:
    """The values of all parameters with the sample, defaults included."""
    bound = gathered(files=[str(sample_file(name))]).bind(header_of(name), TEMPLATES[name].file)
    assert not bound.diagnostics
    return bound.values


def compiled(name: str, values: dict[str, Any], target: str | None = None) -> Compiled:
    """What a template makes of values, as Ignition."""
    return compile_template(TEMPLATES[name], Values([PlainLayer(values)]), Options(target=target, raw=True))


def changed(template: str, /, **changes: Any) -> dict[str, Any]:
    """The sample's values with some other ones."""
    return {**copy.deepcopy(sample_values(template)), **changes}


def ignition(made: Compiled) -> dict[str, Any]:
    """The Ignition config of a compiled template, as plain JSON."""
    assert made.config is not None, made.diagnostics
    assert made.author is not None
    found: dict[str, Any] = json.loads(to_json(encode(made.config, made.author.spec)))
    return found


def without_network(config: dict[str, Any]) -> dict[str, Any]:
    """A config with what it would fetch put in place, since the hashes of samples are made up."""
    for file in config.get("storage", {}).get("files", ()):
        contents = file.get("contents", {})
        if contents.get("source", "").startswith("https://"):
            file["contents"] = {"source": "data:,fetched%0A"}
    return config


def apply_to(root: Path, config: dict[str, Any]) -> Ran:
    """Apply a config to a directory that has the accounts of an image."""
    (root / "etc").mkdir(parents=True)
    (root / "home/core").mkdir(parents=True)
    (root / "etc/passwd").write_text(USERS)
    (root / "etc/group").write_text(GROUPS)
    (root / "etc/shadow").write_text("".join(f"{line.split(':')[0]}:*:19000::::::\n" for line in USERS.splitlines()))
    (root / "etc/shadow").chmod(0o600)
    (root / "etc/login.defs").write_text("USERGROUPS_ENAB yes\n")
    sections = [*DISKS, *([] if os.geteuid() == 0 else ["passwd"])]
    skips = [word for section in sections for word in ("--skip", section)]
    return provision("apply", "-", "--offline", "--root", root, *skips, stdin=json.dumps(without_network(config)))


def texts_of(value: Any) -> Iterator[str]:
    """All texts in a value."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_of(part)
    elif isinstance(value, str):
        yield value
