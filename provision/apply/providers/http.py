"""Metadata servers: the platforms that hand out configs by HTTP."""

from collections.abc import Callable, Iterable, Mapping

from provision.apply import log
from provision.apply.fetch import Fetcher, NotFound, Request
from provision.apply.providers.host import MAX_CONFIG_BYTES, Host
from provision.apply.providers.provider import Provider
from provision.apply.sources import shown_url
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

Decode = Callable[[bytes], bytes]

# What a server may say besides configs: tokens, names, small JSON.
MAX_ANSWER_BYTES = 1 << 20


class Token(NamedTuple):
    """What a metadata server wants to see in the header `shown_in` of each request. Got with PUT.

    `optional`: a server that knows no tokens (404) is asked without one.
    """

    url: str
    headers: Mapping[str, str]
    shown_in: str
    optional: bool = False


class Http(Provider):
    """A URL. Not found (404) means that the user gave no config."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        token: Token | None = None,
        decode: Iterable[Decode] = (),
        retry: Iterable[int] = (),
        local_ports: range | None = None,
    ) -> None:
        self.url = url
        self.what = f"the metadata server's {shown_url(url)}"
        self.headers = headers or {}
        self.token = token
        self.decode = tuple(decode)
        self.retry = frozenset(retry)
        self.local_ports = local_ports

    def fetch(self, host: Host) -> bytes | None:
        headers = {**self.headers, **self.token_header(host)}
        try:
            content = self.get(host, self.url, headers, limit=MAX_CONFIG_BYTES)
        except NotFound:
            return None
        for decode in self.decode:
            content = decode(content)
        return content

    def get(
        self,
        host: Host,
        url: str,
        headers: Mapping[str, str],
        *,
        limit: int = MAX_ANSWER_BYTES,
        fetcher: Fetcher | None = None,
    ) -> bytes:
        """What is at a URL of the metadata server."""
        request = Request(
            host.address(url), headers=tuple(headers.items()), retry=self.retry, local_ports=self.local_ports
        )
        return (fetcher or host.fetcher).request(request, limit=limit).body

    def token_header(self, host: Host, fetcher: Fetcher | None = None) -> dict[str, str]:
        """The header with a fresh token, none where the server has no tokens."""
        if self.token is None:
            return {}
        request = Request(host.address(self.token.url), method="PUT", headers=tuple(self.token.headers.items()))
        try:
            answer = (fetcher or host.fetcher).request(request, limit=MAX_ANSWER_BYTES)
        except NotFound:
            if not self.token.optional:
                raise ProvisionError(f"{shown_url(self.token.url)} is not found; it has to give a token") from None
            log.info("the metadata server knows no tokens; asking without one")
            return {}
        return {self.token.shown_in: as_header(answer.body)}


def as_header(token: bytes) -> str:
    """A token as the value of a header; refuses what would end the header."""
    text = token.strip().decode("latin-1")
    if not text or not text.isprintable():
        raise ProvisionError("the metadata server gave an empty or unreadable token")
    return text


def parse_json(content: bytes, what: str) -> dict[str, object]:
    """A JSON object from a metadata server."""
    import json

    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProvisionError(f"{what} is not a JSON object")
    return found


def text_of(found: Mapping[str, object], key: str) -> str:
    """The string at a key; empty for all else."""
    value = found.get(key)
    return value if isinstance(value, str) else ""
