"""The content of a resource: data URL, compression and hash. Pure; remote sources are not supported yet.

No message quotes a source, for what it holds may be a secret.
"""

from collections.abc import Iterator
from functools import cache, partial

from provision.diagnostics import ProvisionError
from provision.ignition import Resource

# All unpacked content of one config together: what fits into the memory of a small machine beside its initramfs. A few
# kB of gzip can unpack to GBs.
MAX_UNPACKED_BYTES = 256 << 20
# What is handed to zlib at a time. It copies what is left behind the end of a member, and members can be tiny.
CHUNK_BYTES = 4096
# What is unpacked at a time. 4096 bytes can hold 4 MiB.
PIECE_BYTES = 256 << 10


class Blobs(dict[str, bytes]):
    """Content by its SHA-512 hash, in hex."""

    def __init__(self) -> None:
        super().__init__()
        self.room = MAX_UNPACKED_BYTES

    def add(self, content: bytes) -> str:
        """Keep content; the answer is the key that it is found under."""
        key = sha512(content)
        self[key] = content
        return key

    def fetch(self, resource: Resource) -> bytes:
        """The content of a resource, within the room that is left for what is unpacked."""
        content = content_of(resource, self.room)
        if resource.compression:
            self.room -= len(content)
        return content


def sha512(content: bytes) -> str:
    """The hash that names content everywhere in a plan."""
    import hashlib

    return hashlib.sha512(content).hexdigest()


def content_of(resource: Resource, limit: int = MAX_UNPACKED_BYTES) -> bytes:
    """The unpacked and verified bytes; no source is no bytes. Raises ProvisionError for what cannot be had."""
    content = decode_data_url(resource.source) if resource.source else b""
    if resource.compression and resource.source:
        content = decompress(content, limit)
    if resource.verification.hash:
        verify(content, resource.verification.hash)
    return content


def is_remote(resource: Resource) -> bool:
    """Whether the content has to be fetched from somewhere else."""
    return bool(resource.source) and is_remote_source(resource.source or "")


def is_remote_source(source: str) -> bool:
    """Whether a URL holds no data itself."""
    return source[:5] != "data:"


def scheme_of(resource: Resource) -> str:
    """The scheme of the source, as a message may show it."""
    scheme, colon, _ = (resource.source or "").partition(":")
    return scheme.lower() if colon and scheme.isalnum() and len(scheme) < 12 else "no scheme"


def decode_data_url(source: str) -> bytes:
    """The bytes of a data URL. Source: RFC 2397, as far as Ignition goes along with it (see `schema.rules.urls`)."""
    if is_remote_source(source):
        raise ProvisionError("a remote source is not supported by `apply --root`")
    from provision.schema.rules.urls import data_head

    head = data_head(source)
    if head is None:
        raise ProvisionError("the data URL has no comma before its data")
    data = source[len(head.text) :]
    try:
        return unbase64(data) if head.is_base64 else unescape(data)
    except ValueError:
        kind = "base64" if head.is_base64 else "percent-encoding"
        raise ProvisionError(f"the data URL is damaged: its {kind} cannot be decoded") from None


def unbase64(text: str) -> bytes:
    """Bytes in base64; ValueError for what is not strictly that."""
    from binascii import a2b_base64

    return a2b_base64(text, strict_mode=True)


def data_url(content: bytes) -> str:
    """A data URL that holds these bytes."""
    from binascii import b2a_base64

    return "data:;base64," + b2a_base64(content, newline=False).decode()


def unescape(text: str) -> bytes:
    """Bytes in percent-encoding; ValueError for a `%` without two hex digits and for what is not ASCII."""
    plain, *escaped = text.encode("ascii").split(b"%")
    bytes_of = bytes_by_digits()
    try:
        return plain + b"".join([bytes_of[part[:2]] + part[2:] for part in escaped])
    except KeyError:
        raise ValueError("a % without two digits") from None


@cache
def bytes_by_digits() -> dict[bytes, bytes]:
    """Every byte by its two hex digits, in either case."""
    digits = "0123456789abcdefABCDEF"
    return {f"{high}{low}".encode(): bytes.fromhex(high + low) for high in digits for low in digits}


def decompress(data: bytes, limit: int) -> bytes:
    """All members of a gzip stream. Raises ProvisionError for what is damaged, cut off or larger than the limit."""
    gunzip = Gunzip(limit)
    content = b"".join(gunzip.feed(data))
    gunzip.finish()
    return content


class Room(int):
    """A limit in bytes that is what a file system has free."""


def limit_words(limit: int) -> str:
    """A limit and what it is, for messages."""
    return f"{shown_size(limit)}, {'all that is free on the file system' if isinstance(limit, Room) else 'the limit'}"


class Gunzip:
    """Unpacks a gzip stream as it comes in, in pieces of bounded size, up to `limit` bytes in all (None: no limit).

    Source: RFC 1952; nothing may follow the last member, none may be cut off.
    """

    def __init__(self, limit: int | None) -> None:
        import zlib

        self.limit, self.size = limit, 0
        self.start, self.fault = partial(zlib.decompressobj, wbits=31), zlib.error
        self.member = self.start()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the next packed bytes unpack to."""
        at = 0
        while at < len(data):
            if self.member.eof:
                self.member = self.start()
            chunk = data[at : at + CHUNK_BYTES]
            yield self.unpack(chunk)
            # At the end of a member both can hold the same rest.
            at += len(chunk) - len(self.member.unused_data if self.member.eof else self.member.unconsumed_tail)

    def unpack(self, chunk: bytes) -> bytes:
        """One piece; the member then tells how much of the chunk it took."""
        try:
            piece = self.member.decompress(chunk, PIECE_BYTES)
        except self.fault:
            raise ProvisionError("the content is not valid gzip") from None
        self.size += len(piece)
        if self.limit is not None and self.size > self.limit:
            raise ProvisionError(f"the content unpacks to more than {limit_words(self.limit)}")
        return piece

    def finish(self) -> None:
        """Refuse a stream that ended inside a member, or before the first."""
        if not self.member.eof:
            raise ProvisionError("the content is gzip that was cut off")


def shown_size(size: int) -> str:
    """A limit in the unit that it was meant in."""
    return f"{size >> 20} MiB" if size and not size % (1 << 20) else f"{size} bytes"


def verify(content: bytes, expected: str) -> None:
    """Refuse content that has not the expected hash, `sha512-<hex>` or `sha256-<hex>`."""
    checksum = Checksum(expected)
    checksum.update(content)
    checksum.check()


class Checksum:
    """The hash of content as it comes in, held against the one that a config expects."""

    def __init__(self, expected: str) -> None:
        import hashlib

        self.function, _, self.wanted = expected.partition("-")
        if self.function not in ("sha512", "sha256"):
            raise ProvisionError(f"the hash function {self.function[:20]!a} is unknown; sha512 and sha256 are known")
        self.hash = hashlib.new(self.function)
        self.update = self.hash.update

    def check(self) -> None:
        """Refuse content with another hash."""
        found = self.hash.hexdigest()
        if found != self.wanted.lower():
            raise ProvisionError(
                f"the content has the {self.function} hash {found[:16]}…, the config expects {self.wanted[:16]}…"
            )
