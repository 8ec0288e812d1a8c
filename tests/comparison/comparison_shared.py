"""What the tests of comparisons share: two configs, and what is found to differ between them."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from provision.comparison.changes import Change
from provision.comparison.sides import Read
from provision.comparison.subjects import compare
from provision.transpile.author import Options

HASH = "$6$rounds=4096$oldsalt$oldhash"
OTHER_HASH = "$y$j9T$newsalt$newhash"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK3W8o16uz7pEGOFYSqHWTv5UeAut561OirEToaMIP7A alice@example.com"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDJ0Vy0vRTZTSk9mU1JSYmVuT2JWVzdvTWF4Q3Yx deploy"


def ignition(version: str = "3.5.0", **sections: Any) -> bytes:
    """An Ignition config."""
    about = {"version": version, **sections.pop("ignition", {})}
    return json.dumps({"ignition": about, **sections}).encode()


def changes(old: bytes, new: bytes, options: Options | None = None) -> tuple[Change, ...]:
    """What differs between two documents, each with one config."""
    with TemporaryDirectory() as folder:
        sides = []
        for name, data in (("old", old), ("new", new)):
            path = Path(folder, name)
            path.write_bytes(data)
            sides.append(Read(str(path), options or Options()))
    assert not [found for side in sides for found in side.errors()]
    (before,), (after,) = (side.subjects().values() for side in sides)
    return compare(before, after)


def between(old: dict[str, Any], new: dict[str, Any]) -> tuple[Change, ...]:
    """What differs between two Ignition configs of the newest stable spec; sections as in JSON."""
    return changes(ignition(**old), ignition(**new))


def files(*found: dict[str, Any]) -> dict[str, Any]:
    return {"storage": {"files": list(found)}}


def file(text: str, path: str = "/etc/app", **more: Any) -> dict[str, Any]:
    """A file with a text."""
    return {"path": path, "contents": {"source": f"data:,{quote(text)}"}, **more}


def units(*found: dict[str, Any]) -> dict[str, Any]:
    return {"systemd": {"units": list(found)}}


def users(*found: dict[str, Any]) -> dict[str, Any]:
    return {"passwd": {"users": list(found)}}
