"""Signature Version 4 of AWS, for requests without a body. Source: AWS, "Authenticating Requests: Using the
Authorization Header (AWS Signature Version 4)".
"""

import hashlib
import hmac
import time

from provision.apply.fetch.settings import AwsKeys
from provision.apply.fetch.urls import Target

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def signed(
    method: str, target: Target, keys: AwsKeys, region: str, now_s: float, more: dict[str, str] | None = None
) -> dict[str, str]:
    """The headers that make it a request of whoever has the keys; `more` are further ones to be signed."""
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    headers = {**(more or {}), "x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": at}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    request, names = canonical(method, target, headers)
    text = "\n".join([ALGORITHM, at, scope, hashlib.sha256(request.encode()).hexdigest()])
    signature = hmac.new(signing_key(keys.secret, scope), text.encode(), "sha256").hexdigest()
    credential = f"Credential={keys.access_key}/{scope}"
    return {**headers, "Authorization": f"{ALGORITHM} {credential},SignedHeaders={names},Signature={signature}"}


def canonical(method: str, target: Target, headers: dict[str, str]) -> tuple[str, str]:
    """The text of a request that both sides come to by themselves, and the names of its headers."""
    path, _, query = target.path.partition("?")
    values = {"host": target.authority, **{name.lower(): value for name, value in headers.items()}}
    parameters = sorted(pair if "=" in pair else f"{pair}=" for pair in query.split("&") if pair)
    names = ";".join(sorted(values))
    lines = [method, path, "&".join(parameters), *(f"{name}:{values[name].strip()}" for name in sorted(values))]
    return "\n".join([*lines, "", names, EMPTY_SHA256]), names


def signing_key(secret: str, scope: str) -> bytes:
    """The key for a day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
