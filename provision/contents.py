"""The content of a resource: data URL, compression and hash. Pure; remote sources are not supported yet.

No message quotes a source, for what it holds may be a secret.
"""

from binascii import a2b_base64, unhexlify

from provision.diagnostics import ProvisionError
from provision.ignition import Resource

# All unpacked content of one config together: what fits into the memory of a small machine beside its initramfs. A few
# kB of gzip can unpack to GBs.
MAX_UNPACKED_BYTES = 256 << 20
# What is handed to zlib at a time. It copies what is left behind the end of a member, and members can be tiny.
CHUNK_BYTES = 4096


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
    # Its patterns take as long to compile as all the rest of the applier to load.
    from provision.schema.rules.urls import HEAD

    head = HEAD.match(source)
    if head is None:
        raise ProvisionError("the data URL has no comma before its data")
    data = source[head.end() :]
    try:
        return a2b_base64(data, strict_mode=True) if head[1] else unescape(data)
    except ValueError:
        kind = "base64" if head[1] else "percent-encoding"
        raise ProvisionError(f"the data URL is damaged: its {kind} cannot be decoded") from None


def unescape(text: str) -> bytes:
    """Bytes in percent-encoding; ValueError for a `%` without two hex digits and for what is not ASCII."""
    plain, *escaped = text.encode("ascii").split(b"%")
    if any(len(part) < 2 for part in escaped):
        raise ValueError("a % without two digits")
    return plain + b"".join([unhexlify(part[:2]) + part[2:] for part in escaped])


def decompress(data: bytes, limit: int) -> bytes:
    """All members of a gzip stream. Source: RFC 1952; nothing may follow the last member, none may be cut off."""
    import zlib

    out: list[bytes] = []
    size = at = 0
    member = zlib.decompressobj(wbits=31)
    while at < len(data):
        if member.eof:
            member = zlib.decompressobj(wbits=31)
        chunk = data[at : at + CHUNK_BYTES]
        try:
            piece = member.decompress(chunk, limit - size + 1)
        except zlib.error:
            raise ProvisionError("the content is not valid gzip") from None
        size += len(piece)
        if size > limit:
            raise ProvisionError(f"the content unpacks to more than {limit >> 20} MiB, the limit for one config")
        out.append(piece)
        at += len(chunk) - len(member.unused_data)
    if not member.eof:
        raise ProvisionError("the content is gzip that was cut off")
    return b"".join(out)


def verify(content: bytes, expected: str) -> None:
    """Refuse content that has not the expected hash, `sha512-<hex>` or `sha256-<hex>`."""
    import hashlib

    function, _, wanted = expected.partition("-")
    if function not in ("sha512", "sha256"):
        raise ProvisionError(f"the hash function {function[:20]!a} is unknown; sha512 and sha256 are known")
    found = hashlib.new(function, content).hexdigest()
    if found != wanted.lower():
        raise ProvisionError(f"the content has the {function} hash {found[:16]}…, the config expects {wanted[:16]}…")
