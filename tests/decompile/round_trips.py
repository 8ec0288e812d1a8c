"""What it means that a config came back the same: data URLs are compared by their content, all else to the letter."""

import json
from typing import Any

from provision.decompile.contents import content_of
from provision.ignition import Config, Resource
from provision.record import Spec, encode
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document
from provision.transpile.output import to_json


def meaning(value: Any) -> Any:
    """JSON with the content of every data URL that can be read in place of the URL and its compression."""
    if isinstance(value, dict):
        out = {key: meaning(inner) for key, inner in value.items()}
        source = value.get("source")
        data = isinstance(source, str) and content_of(
            Resource(source=source, compression=value.get("compression")), 1 << 30
        )
        if isinstance(data, bytes):
            out["source"] = data
            out.pop("compression", None)
        return out
    return [meaning(item) for item in value] if isinstance(value, list) else value


def config_of(text: str, files_dir: str | None = None) -> Any:
    """The Ignition config that a document without mistakes is transpiled to."""
    compiled = compile_document(text.encode(), "again.bu", Options(files_dir, raw=True))
    wrong = [found for found in compiled.diagnostics if found.severity == "error" or found.code in ("PV101", "PV203")]
    assert not wrong, (wrong, text)
    return json.loads(compiled.output())


def written(compiled: Compiled) -> Any:
    """What a compiled document stands for."""
    assert compiled.config is not None
    assert compiled.author is not None
    return as_written(compiled.config, compiled.author.spec)


def as_written(config: Config, at: Spec) -> Any:
    """A config as it comes out of its JSON, in which there are no bytes that are no UTF-8."""
    return json.loads(to_json(encode(config, at)))


def of_version(config: Any, version: str) -> Any:
    """A config with another version."""
    return {**config, "ignition": {**config["ignition"], "version": version}}
