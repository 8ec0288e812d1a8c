"""URLs as Ignition reads them: what it can parse and which of them it can fetch.

Ignition reads URLs with Go's `net/url`, data URLs with `dataurl` and ARNs with the AWS SDK. They're stricter in some
places and laxer in others than the RFCs (3986, 6874, 2397), and a config must meet the same verdict here as there.
Nothing here fetches.
"""

import re
from functools import cache

from provision.record import Spec
from provision.typed import NamedTuple

# First spec of each scheme. Source: Ignition, `config/v3_*/types/url.go`.
SCHEMES: dict[str, Spec] = {
    "data": (3, 0), "http": (3, 0), "https": (3, 0), "s3": (3, 0), "tftp": (3, 0), "gs": (3, 2), "arn": (3, 4),
}  # fmt: skip

# The patterns, as text: compiling them all takes a third of the time that the applier takes to load, and most configs
# need two of them.
CONTROL = r"[\x00-\x1f\x7f]"
SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*):"
BAD_ESCAPE = r"%(?![0-9A-Fa-f]{2})"
USER = r"(?:[A-Za-z0-9\-._:~!$&'()*+,;=@]|%[0-9A-Fa-f]{2})*"
# In a host only bytes from 0x80 on may be escaped, and the percent sign itself (RFC 6874).
HOST = r"(?:[A-Za-z0-9!\"$&'()*+,\-.:;<=>\[\]_~\x80-\U0010ffff]|%25|%[89A-Fa-f][0-9A-Fa-f])*"
ZONE = r"(?:[A-Za-z0-9!\"$&'()*+,\-.:;<=>\[\]_~\x80-\U0010ffff]|%[0-9A-Fa-f]{2})+"
NOT_IN_ZONE = r"%(?:[01][0-9A-Fa-f]|23|2[Ff]|3[Ff]|40|5[CcEe]|60|7[BbCcDdFf]|[89A-Fa-f][0-9A-Fa-f])"
PORT = r"(?::[0-9]*)?"
HEX_GROUP = r"[0-9A-Fa-f]{1,4}"
OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"{OCTET}(?:\.{OCTET}){{3}}"


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern, compiled where it is first needed."""
    return re.compile(pattern)


class Url(NamedTuple):
    """A URL in the parts that rules look at; `rest` is all between the scheme and the query."""

    scheme: str
    rest: str
    query: str


def parse(text: str) -> Url:
    """A URL's parts. Raises ValueError with the reason where Go's parser would refuse it.

    A text without a scheme is a relative reference, whose scheme is empty: no rule accepts one.
    """
    before, _, fragment = text.partition("#")
    if compiled(CONTROL).search(before):
        raise ValueError("the URL has a control character")
    found = compiled(SCHEME).match(before)
    if found is None:
        return Url("", before, "")
    rest, _, query = before[found.end() :].partition("?")
    if rest.startswith("/"):
        path = rest
        if rest.startswith("//"):
            authority, slash, path = rest[2:].partition("/")
            path = slash + path
            check_authority(authority)
        if compiled(BAD_ESCAPE).search(path):
            raise ValueError("the URL's path has a % without two hex digits after it")
    if "%" in fragment and compiled(BAD_ESCAPE).search(fragment):
        raise ValueError("the URL's fragment has a % without two hex digits after it")
    return Url(found[1].lower(), rest, query)


def check_authority(authority: str) -> None:
    """Raise ValueError for what can't stand between `//` and the path."""
    user, at_sign, host = authority.rpartition("@")
    if at_sign and not compiled(USER).fullmatch(user):
        raise ValueError("the URL's user name or password has a character that must be escaped")
    if host.startswith("[") and host.rfind("[") == 0:
        literal, bracket, port = host[1:].rpartition("]")
        if not bracket:
            raise ValueError(f"the bracket in `{host}` is not closed")
        if not is_ipv6(literal):
            raise ValueError(f"[{literal}] is not an IPv6 address")
    elif "[" in host:
        raise ValueError("an IPv6 address in a URL starts with its bracket")
    elif not compiled(HOST).fullmatch(host):
        raise ValueError(f"the host `{host}` has a character that no host name may have")
    else:
        # Colons before the last one are let through, as Go does for lists of hosts.
        port = "".join(host.rpartition(":")[1:]) if ":" in host else ""
    if not compiled(PORT).fullmatch(port):
        raise ValueError(f"the port {port.lstrip(':')!r} is not a number")


def is_ipv6(text: str) -> bool:
    """Whether the text between a host's brackets is an IPv6 address, perhaps with a zone (RFC 6874)."""
    address, escape, zone = text.partition("%25")
    if escape and (not compiled(ZONE).fullmatch(zone) or compiled(NOT_IN_ZONE).search(zone)):
        return False
    halves = address.split("::")
    groups = [group for half in halves if half for group in half.split(":")]
    width = len(groups)
    if groups and "." in groups[-1] and not address.endswith("::"):
        if not compiled(IPV4).fullmatch(groups.pop()):
            return False
        width += 1
    if not all(compiled(HEX_GROUP).fullmatch(group) for group in groups):
        return False
    return width == 8 if len(halves) == 1 else len(halves) == 2 and width <= 7


def source_fault(text: str, at: Spec) -> str | None:
    """Why the spec `at` can't fetch from a URL; None where it can."""
    if text.startswith("data:"):
        return data_fault(text)
    try:
        url = parse(text)
    except ValueError as reason:
        return str(reason)
    since = SCHEMES.get(url.scheme)
    if not url.scheme:
        return "the URL has no scheme"
    if since is None:
        return f"nothing fetches from {url.scheme}: URLs"
    if at < since:
        return f"{url.scheme}: URLs need Ignition {since[0]}.{since[1]}.0, this config is for {at[0]}.{at[1]}.0"
    if url.scheme == "data":
        return "the scheme of a data: URL is written in lower case"
    if url.scheme == "arn":
        return arn_fault(url) or version_fault(url)
    return version_fault(url) if url.scheme == "s3" else None


def arn_fault(url: Url) -> str | None:
    """Why an ARN names no S3 object: `arn:PARTITION:s3:REGION:ACCOUNT:BUCKET/KEY`."""
    if url.rest.startswith("/") or url.rest.count(":") < 4:
        return "the ARN has fewer than six parts: arn:PARTITION:s3:REGION:ACCOUNT:BUCKET/KEY"
    _, service, _, _, resource = url.rest.split(":", 4)
    if service != "s3":
        return f"the ARN names the service `{service}`; only s3 can be fetched from"
    # The slashes of the whole ARN count, as they do for Ignition.
    if url.rest.count("/") < (2 if resource.startswith("accesspoint/") else 1):
        return "the ARN names no object, only what holds it"
    return None


def version_fault(url: Url) -> str | None:
    """Why the object version of an S3 URL can't be used: `versionId` is there, but empty."""
    for pair in url.query.split("&"):
        key, _, value = pair.partition("=")
        if ";" not in pair and key == "versionId" and not compiled(BAD_ESCAPE).search(value):
            return None if value else "the query's versionId is empty"
    return None


# ---- data URLs (RFC 2397) ---------------------------------------------------------------------------------------

TOKEN = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]"
# A quoted value is read as a string literal of Go, which knows these escapes.
QUOTED = (
    r'"(?:[\x00-\x09\x0b-\x21\x23-\x5b\x5d-\x7f]|\\(?:[abfnrtv\\"]|[0-3][0-7]{2}|x[0-9A-Fa-f]{2}'
    r"|(?:u|U0000)(?![Dd][89A-Fa-f])[0-9A-Fa-f]{4}|U00(?:0[1-9A-Fa-f]|10)[0-9A-Fa-f]{4}))*\""
)
UNQUOTED = r"(?:[!#$&'*+\-.0-9A-Z^_`a-z{|}~]|%[0-9A-Fa-f]{2})+"
HEAD = (
    rf"data:(?:(?:[xX]-|text|image|audio|video|application|message|multipart){TOKEN}*/{TOKEN}*)?"
    rf"(?:;{TOKEN}+=(?:{QUOTED}|{UNQUOTED}))*(;base64)?,"
)
BASE64 = r"[A-Za-z0-9+/]*={0,2}"
NOT_IN_DATA = r"[^!$-;=?-Z_a-z~]"


class Head(NamedTuple):
    """A data URL up to the comma before its data."""

    text: str
    is_base64: bool


# As good as all that programs write: these are spared the pattern.
PLAIN, PLAIN_BASE64 = Head("data:,", False), Head("data:;base64,", True)


def data_head(text: str) -> Head | None:
    """What stands before the data of a data URL; None where it has no such part."""
    if text.startswith("data:,"):
        return PLAIN
    if text.startswith("data:;base64,"):
        return PLAIN_BASE64
    found = compiled(HEAD).match(text)
    return Head(found[0], bool(found[1])) if found else None


def data_fault(text: str) -> str | None:
    """Why a data URL can't be decoded; None where it can."""
    head = data_head(text)
    if head is None:
        return "the data: URL has no comma before its data, or something else than a media type before the comma"
    start = len(head.text)
    if "#" in head.text or compiled(CONTROL).search(head.text):
        # Before the data reader comes Go's URL parser, for which the media type is as good a place for a fragment.
        try:
            parse(text)
        except ValueError as reason:
            return str(reason)
    if head.is_base64:
        # 4 characters make 3 bytes; padding fills the last group.
        if (len(text) - start) % 4 == 0 and compiled(BASE64).fullmatch(text, start):
            return None
        return "the data after ;base64, is not base64 with its padding"
    if found := compiled(NOT_IN_DATA).search(text, start):
        return f"the data has the character {found[0]!r}, which must be escaped with %"
    if "%" in text and compiled(BAD_ESCAPE).search(text, start):
        return "the data has a % without two hex digits after it"
    return None
