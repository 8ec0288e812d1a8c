"""The encodings of files' contents. Source: coreos-cloudinit 1.14, `config/decode.go`."""

import base64

from provision.document.reading import gunzip


def from_base64(data: bytes) -> bytes:
    """Standard base64 with padding; line ends do not count, blanks are a fault. Raises ValueError."""
    return base64.b64decode(data.replace(b"\r", b"").replace(b"\n", b""), validate=True)


def decoded(content: str, encoding: str | None) -> bytes:
    """The bytes that a content stands for. Raises ValueError where it can't be decoded."""
    data = content.encode("utf-8", "surrogateescape")
    if not encoding:
        return data
    for step in STEPS[encoding]:
        data = step(data)
    return data


BASE64, GZIP = (from_base64,), (gunzip,)
STEPS = {
    **dict.fromkeys(("b64", "base64"), BASE64),
    **dict.fromkeys(("gz", "gzip"), GZIP),
    **dict.fromkeys(("gz+base64", "gzip+base64", "gz+b64", "gzip+b64"), BASE64 + GZIP),
}
