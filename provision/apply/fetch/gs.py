"""Objects of Google Cloud Storage as HTTPS requests to its JSON interface. Source: Ignition, `fetchFromGCS`."""

from provision.apply.fetch.settings import Endpoints, Request
from provision.apply.fetch.urls import escaped, plain
from provision.apply.sources import shown_url
from provision.diagnostics import ProvisionError

# What stays as it is in one component of a path. Source: Go, `net/url`, `PathEscape`.
IN_COMPONENT = "$&+=:@"


def object_request(url: str, endpoints: Endpoints, token: str) -> Request:
    """The request for `gs://bucket/object`, of whoever has the token. Raises ProvisionError for what names no object."""
    bucket, _, path = url.partition("#")[0].partition("?")[0].partition(":")[2].removeprefix("//").partition("/")
    name = plain(url, path).lstrip(b"/")
    if not bucket or not name:
        raise ProvisionError(f"{shown_url(url)} names no object: gs://BUCKET/OBJECT")
    place = f"/storage/v1/b/{escaped(bucket.encode(), '')}/o/{escaped(name, IN_COMPONENT)}?alt=media"
    return Request(endpoints.storage + place, headers=(("Authorization", f"Bearer {token}"),) if token else ())
