"""What platforms wrap a config in. No message quotes the content, for it may hold secrets."""

from binascii import a2b_base64

from provision.apply.providers.host import MAX_CONFIG_BYTES
from provision.contents import decompress
from provision.diagnostics import ProvisionError

GZIP = b"\x1f\x8b\x08"


def base64(content: bytes) -> bytes:
    """Standard base64 with its padding; line ends are passed over. Source: RFC 4648, 4."""
    text = content.translate(None, b"\r\n")
    try:
        if len(text) % 4 or text.endswith(b"==="):
            # Even where it is strict, Python takes more padding than is due.
            raise ValueError("padding")
        return a2b_base64(text, strict_mode=True)
    except ValueError:
        raise ProvisionError("what the platform holds is not base64") from None


def gunzip(content: bytes) -> bytes:
    """Unpack gzip."""
    if not content:
        raise ProvisionError("what the platform holds is empty, not gzip")
    return decompress(content, MAX_CONFIG_BYTES)


def gunzip_if_packed(content: bytes) -> bytes:
    """Unpack what starts like gzip, leave all else. Source: RFC 1952, 2.3.1."""
    return gunzip(content) if content.startswith(GZIP) else content
