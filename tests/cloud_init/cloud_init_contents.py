"""What a compiled user-data document would put on the machine, as plain text."""

import base64
import gzip
from urllib.parse import unquote_to_bytes

from provision.ignition import File, FileContents, Unit
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document


def compiled(text: str, target_os: str | None = "fcos", every_boot: bool = False) -> Compiled:
    return compile_document(text.encode(), "user-data.yaml", Options(target_os=target_os, every_boot=every_boot))


def decoded(contents: FileContents) -> str:
    source = contents.source or "data:,"
    head, _, body = source.partition(",")
    data = base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
    return (gzip.decompress(data) if contents.compression == "gzip" else data).decode()


def content_of(file: File) -> str:
    return decoded(file.contents)


def files_of(result: Compiled) -> dict[str, File]:
    assert result.config is not None
    assert not result.failed, result.diagnostics
    return {file.path: file for file in result.config.storage.files}


def text_of(result: Compiled, path: str) -> str:
    return content_of(files_of(result)[path])


def script_of(result: Compiled, name: str) -> str:
    return text_of(result, f"/etc/provision/cloud-init/{name}")


def units_of(result: Compiled) -> dict[str, Unit]:
    assert result.config is not None
    assert not result.failed, result.diagnostics
    return {unit.name: unit for unit in result.config.systemd.units}


def codes_of(result: Compiled) -> list[tuple[int, str]]:
    return [(found.span.line, found.code) for found in result.diagnostics]
