"""MIME archives taken apart, every part with its place. Source: RFC 2045 and 2046; cloud-init 25, `user_data.py`."""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32

from provision.diagnostics import Span
from provision.transpile.user_data.parts import Archive, Lines, Part, Shift

MAX_DEPTH = 16
MAX_HEADERS = 64 * 1024
HEADERS_END = re.compile(r"\r?\n\r?\n|\A\r?\n|\r?\n\Z")
AS_IT_STANDS = ("", "7bit", "8bit", "binary")


def looks_like_mime(head: str) -> bool:
    """Whether a text begins with the headers of a MIME message."""
    start = head.lstrip("\ufeff\r\n")
    headers = re.split(r"\r?\n\r?\n", start, maxsplit=1)[0]
    first = re.match(r"(?:From |[A-Za-z][A-Za-z0-9-]*:)", start)
    return bool(first) and bool(re.search(r"^(?:mime-version:|content-type:\s*multipart/)", headers, re.I | re.M))


class Splitter:
    """Takes one text apart."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.text = archive.text
        self.lines = Lines(archive.text)
        self.count = 0

    def parts(self) -> Iterator[Part]:
        """All parts, those of inner archives in their place."""
        start = len(self.text) - len(self.text.lstrip("\ufeff\r\n"))
        yield from self.entity(start, len(self.text), 0)

    def entity(self, start: int, end: int, depth: int) -> Iterator[Part]:
        """A part with its headers, or the parts that it consists of."""
        headers, body = self.headers(start, end)
        if headers is None:
            return
        if headers.get_content_maintype() != "multipart":
            yield from self.leaf(headers, start, body, end)
            return
        boundary = headers.get_boundary()
        if boundary is None or depth >= MAX_DEPTH:
            said = (
                "a multipart archive names its `boundary`"
                if boundary is None
                else f"archives nest deeper than {MAX_DEPTH}"
            )
            self.archive.say("PV741", "error", self.lines.span(start), said)
            return
        yield from self.between(boundary, start, body, end, depth)

    def between(self, boundary: str, start: int, body: int, end: int, depth: int) -> Iterator[Part]:
        """What stands between the lines of a boundary."""
        line = re.compile(rf"^--{re.escape(boundary)}(?P<last>--)?[ \t]*\r?$", re.M)
        found = list(line.finditer(self.text, body, end))
        last = next((at for at, match in enumerate(found) if match["last"]), None)
        if not found or last == 0:
            said = f"no part begins with the line `--{boundary}`"
            self.archive.say("PV741", "error", self.lines.span(start), said, "is the file cut off?")
            return
        if last is None:
            said = f"the line `--{boundary}--` that ends the archive is missing"
            self.archive.say("PV741", "warning", self.lines.span(start), said, "is the file cut off?")
        ends = [match.start() for match in found[1:]] + ([end] if last is None else [])
        for match, stop in zip(found, ends, strict=False):
            if match["last"]:
                break
            yield from self.entity(min(match.end() + 1, stop), self.without_line_end(match.end() + 1, stop), depth + 1)

    def without_line_end(self, start: int, end: int) -> int:
        """The line end before a boundary belongs to the boundary."""
        piece = self.text[max(start, end - 2) : end]
        return end - (2 if piece == "\r\n" else 1 if piece.endswith("\n") else 0)

    def headers(self, start: int, end: int) -> tuple[Message | None, int]:
        """The headers at a place, and where the body begins."""
        blank = HEADERS_END.search(self.text[start : min(end, start + MAX_HEADERS)])
        text = self.text[start : start + blank.start()] if blank else self.text[start:end]
        try:
            message = HeaderParser(policy=compat32).parsestr(text)
            message.get_content_type(), message.get_boundary(), message.get_filename()
        except (MessageError, ValueError, TypeError, LookupError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            self.archive.say("PV741", "error", self.lines.span(start), f"the headers of a part can't be read: {reason}")
            return None, end
        return message, start + blank.end() if blank else end

    def leaf(self, headers: Message, start: int, body: int, end: int) -> Iterator[Part]:
        """A part that holds something."""
        self.count += 1
        encoding = str(headers.get("Content-Transfer-Encoding", "")).strip().lower()
        text = self.text[body:end]
        place = self.lines.span(start)
        shift = None
        if encoding in AS_IT_STANDS:
            data = text.encode("utf-8", "surrogateescape")
            shift = Shift(self.lines.number(body), 0)
        else:
            decoded = self.decoded(text, encoding, place)
            if decoded is None:
                return
            data = decoded
        merge = str(headers.get("Merge-Type") or headers.get("X-Merge-Type") or "")
        name = str(headers.get_filename() or f"part-{self.count:03}")
        yield Part(headers.get_content_type(), name, data, place, shift, merge, str(headers.get("Launch-Index") or ""))

    def decoded(self, text: str, encoding: str, place: Span) -> bytes | None:
        """The bytes of an encoded part."""
        data = text.encode("utf-8", "surrogateescape")
        try:
            if encoding == "base64":
                return base64.b64decode(b"".join(data.split()), validate=True)
            if encoding == "quoted-printable":
                return quopri.decodestring(data)
        except (binascii.Error, ValueError) as error:
            self.archive.say("PV741", "error", place, f"the part is no valid base64: {str(error).lower()}")
            return None
        self.archive.say(
            "PV741", "error", place, f"the part has the unknown Content-Transfer-Encoding {encoding[:40]!r}",
            "known are 7bit, 8bit, quoted-printable and base64",
        )  # fmt: skip
        return None
