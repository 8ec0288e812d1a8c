"""Objects of S3 as HTTPS requests: which bucket, in which region, at which host. Source: Ignition, `fetchFromS3` and
`parseARN`; AWS, the endpoint rules of the `s3` service.
"""

import re

from provision.apply.fetch.settings import AwsKeys, Endpoints, Request
from provision.apply.fetch.urls import escaped, plain, scheme_of, split
from provision.apply.sources import shown_url
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

# Where to ask for the region of a bucket, by the partition of its ARN.
HINTS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
USUAL_REGION = "us-east-1"
# What the answer to the question for a bucket's region may be: it names the region to whoever asks.
LOOKUP_STATUSES = frozenset((200, 301, 307, 400, 403))
REGION_HEADER = "x-amz-bucket-region"

# A name that can be a part of a host name, under the certificate of all.
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")


class S3Object(NamedTuple):
    """An object; an access point instead of a bucket has an account, and its region is known. `hint` is a region of the
    partition, empty where that is unknown.
    """

    bucket: str
    key: bytes
    region: str = ""
    hint: str = ""
    version: bytes = b""
    account: str = ""


def parse(url: str) -> S3Object:
    """The object that an `s3:` or `arn:` URL names. Raises ProvisionError for one that names none."""
    rest, _, query = url.partition("#")[0].partition("?")
    found = from_arn(rest) if scheme_of(url) == "arn" else from_url(url, rest)
    if found is None or not found.key or not BUCKET.fullmatch(found.bucket):
        raise ProvisionError(f"{shown_url(url)} names no object of S3: s3://BUCKET/KEY or arn:aws:s3:::BUCKET/KEY")
    return found._replace(version=version_of(url, query))


def from_url(url: str, rest: str) -> S3Object:
    """`s3://bucket/key`; the key is percent-encoded."""
    bucket, _, key = rest.partition(":")[2].removeprefix("//").partition("/")
    return S3Object(bucket.rpartition("@")[2], plain(url, key).lstrip(b"/"))


def from_arn(rest: str) -> S3Object | None:
    """`arn:PARTITION:s3:REGION:ACCOUNT:RESOURCE`; the key stands as it is."""
    parts = rest.split(":", 5)
    if len(parts) < 6 or parts[2] != "s3":
        return None
    _, partition, _, region, account, resource = parts
    hint = HINTS.get(partition, "")
    if not resource.startswith("accesspoint/"):
        bucket, _, key = resource.partition("/")
        return S3Object(bucket.rpartition(":")[2], key.encode(), hint=hint)
    _, name, kind, key = [*resource.split("/", 3), "", ""][:4]
    known = all(LABEL.fullmatch(part) for part in (name, region, account))
    return S3Object(name, key.encode(), region, hint, account=account) if kind == "object" and known else None


def version_of(url: str, query: str) -> bytes:
    """The version of the object that a query asks for."""
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if key == "versionId":
            return plain(url, value.replace("+", " "))
    return b""


def lookup(wanted: S3Object, endpoints: Endpoints, here: str) -> tuple[str, Request]:
    """The request that asks in which region a bucket is, and the region that it is asked in."""
    region = wanted.hint or here or USUAL_REGION
    pattern = endpoints.lookup if LABEL.fullmatch(wanted.bucket) else endpoints.path_lookup
    return region, Request(place(pattern, wanted, region), method="HEAD", accept=LOOKUP_STATUSES)


def object_request(wanted: S3Object, endpoints: Endpoints, region: str, keys: AwsKeys | None, now_s: float) -> Request:
    """The request for the object itself, signed where there are keys."""
    pattern = endpoints.bucket if LABEL.fullmatch(wanted.bucket) else endpoints.path_bucket
    base = place(endpoints.access_point if wanted.account else pattern, wanted, region)
    url = f"{base}/{escaped(wanted.key, '/')}"
    if wanted.version:
        url += f"?versionId={escaped(wanted.version, '')}"
    if keys is None:
        return Request(url)
    from provision.apply.fetch.signing import signed

    return Request(url, headers=tuple(signed("GET", split(url), keys, region, now_s).items()))


def place(pattern: str, wanted: S3Object, region: str) -> str:
    """Where something is kept."""
    if not LABEL.fullmatch(region):
        raise ProvisionError("the region of S3 that was named is none")
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return pattern.format(
        bucket=wanted.bucket, name=wanted.bucket, account=wanted.account, region=region, domain=domain
    )
