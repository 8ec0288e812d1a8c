"""Content to data URL, with the encoding that Butane would choose."""

import base64
import zlib
from typing import NamedTuple
from urllib.parse import quote

# RFC 2396 unreserved characters; everything else is escaped, even `/`.
UNRESERVED = "-_.!~*'()"
# Butane's packer makes short texts two bytes longer than zlib does, on average. Counting them makes our choice between
# the encodings the same as Butane's but for a few texts on the border.
PACKED_BY_GO = 2
GZIP_WINDOW = 31  # zlib's spelling of "with a gzip header"
# A gzip stream in base64 can't be shorter than this, so that shorter text need not be tried.
SHORTEST_GZIP = 32


class DataUrl(NamedTuple):
    """A resource's source with the compression that it must be declared with."""

    source: str
    compression: str


def base64_size(size: int) -> int:
    """How many characters so many bytes take in padded base64."""
    return 4 * ((size + 2) // 3)


def gzipped(data: bytes) -> bytes:
    """A gzip stream without a time in it, so that the same content gives the same bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP_WINDOW)
    return packer.compress(data) + packer.flush()


def data_url(data: bytes, *, may_compress: bool = True, may_encode: bool = True) -> DataUrl:
    """The shortest of percent-encoding, base64 and gzip with base64; an earlier one wins a tie.

    Without `may_encode` it is percent-encoding (Ignition 3.0 configs); without `may_compress` gzip is left out.
    """
    best = "," + quote(data, safe=UNRESERVED)
    if not may_encode:
        return DataUrl("data:" + best, "")
    if len(best) > base64_size(len(data)) + len(";base64,"):
        best = ";base64," + base64.b64encode(data).decode()
    if may_compress and len(best) > SHORTEST_GZIP:
        packed = gzipped(data)
        size = len(";base64,") + base64_size(len(packed) + PACKED_BY_GO)
        if size + len("gzip") < len(best):
            return DataUrl("data:;base64," + base64.b64encode(packed).decode(), "gzip")
    return DataUrl("data:" + best, "")
