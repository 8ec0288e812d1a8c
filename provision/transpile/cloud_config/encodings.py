"""The encodings of files' contents. Source: coreos-cloudinit 1.14, `config/decode.go`."""

import base64
import zlib

GZIP_WINDOW = 31  # zlib's spelling of "with a gzip header"
MAX_UNPACKED = 64 * 1024 * 1024


def from_base64(data: bytes) -> bytes:
    """Standard base64 with padding; line ends do not count, blanks are a fault. Raises ValueError."""
    return base64.b64decode(data.replace(b"\r", b"").replace(b"\n", b""), validate=True)


def from_gzip(data: bytes) -> bytes:
    """One or several gzip members. Raises ValueError where it is none, is cut off, or is far too large."""
    out = bytearray()
    while True:
        packer = zlib.decompressobj(GZIP_WINDOW)
        try:
            out += packer.decompress(data, MAX_UNPACKED + 1 - len(out))
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if not packer.eof or len(out) > MAX_UNPACKED:
            raise ValueError("the gzip stream is cut off, or has more than 64 MiB")
        data = packer.unused_data
        if not data:
            return bytes(out)


def decoded(content: str, encoding: str | None) -> bytes:
    """The bytes that a content stands for. Raises ValueError where it can't be decoded."""
    data = content.encode("utf-8", "surrogateescape")
    if not encoding:
        return data
    for step in STEPS[encoding]:
        data = step(data)
    return data


BASE64, GZIP = (from_base64,), (from_gzip,)
STEPS = {
    **dict.fromkeys(("b64", "base64"), BASE64),
    **dict.fromkeys(("gz", "gzip"), GZIP),
    **dict.fromkeys(("gz+base64", "gzip+base64", "gz+b64", "gzip+b64"), BASE64 + GZIP),
}
