"""Builds of tests: documents by name, in a folder."""

import json
from pathlib import Path
from typing import Any

from provision.composition.building import Built, compose
from provision.composition.parts import documents_of, read_parts
from provision.transpile.author import Options

HEAD = "variant: fcos\nversion: 1.5.0\n"


def write(folder: Path, **texts: str) -> list[str]:
    """Documents in a folder, in the order given: `a_bu` is a.bu; one without a head gets that of Butane."""
    paths = []
    for name, text in texts.items():
        path = folder / name.replace("_", ".")
        path.write_text(text if "variant:" in text or not name.endswith("_bu") else HEAD + text)
        paths.append(str(path))
    return paths


def built(folder: Path, *, options: Options | None = None, override: bool = False, **texts: str) -> Built:
    """What documents make."""
    given = options or Options(files_dir=str(folder))
    return compose(read_parts(documents_of(write(folder, **texts)), given), given, override=override)


def config_of(done: Built) -> dict[str, Any]:
    """The config of a build without errors."""
    assert not done.failed, done.diagnostics
    found: dict[str, Any] = json.loads(done.output())
    return found


def told(done: Built) -> list[str]:
    """What is said, each as `file:line:column code`."""
    return [f"{Path(each.file).name}:{each.span.line}:{each.span.column} {each.code}" for each in done.diagnostics]
