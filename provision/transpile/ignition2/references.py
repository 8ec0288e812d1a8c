"""`ignition`: other configs, certificates, proxies and deadlines; and every resource that is fetched."""

from collections.abc import Iterable, Iterator
from typing import Any

from provision.ignition import (
    ConfigReference,
    ConfigReferences,
    FileContents,
    HttpHeader,
    Ignition,
    Proxy,
    Resource,
    Security,
    Timeouts,
    Tls,
    Verification,
)
from provision.record import R
from provision.schema import ignition2 as old
from provision.schema.rules.urls import parse
from provision.transpile.author import Author
from provision.transpile.ignition2.carrying import carried, left_out, refuse


def section(ignition: old.Ignition, author: Author) -> Ignition:
    """The section in Ignition 3: what was appended is merged."""
    return carried(
        Ignition, ignition,
        config=references(ignition.config, author),
        proxy=carried(Proxy, ignition.proxy, "http_proxy https_proxy no_proxy"),
        security=security(ignition.security, author),
        timeouts=carried(Timeouts, ignition.timeouts, "http_response_headers http_total"),
        version=author.target,
    )  # fmt: skip


def references(config: old.ConfigReferences, author: Author) -> ConfigReferences:
    """`append` and `replace` as `merge` and `replace`."""
    replaced = () if config.replace is None else (config.replace,)
    replace = next(fetchable(replaced, author, ConfigReference), ConfigReference())
    merge = tuple(fetchable(config.append, author, ConfigReference))
    return carried(ConfigReferences, config, merge=merge, replace=replace)


def security(security: old.Security, author: Author) -> Security:
    """The certificates to trust."""
    authorities = tuple(fetchable(security.tls.certificate_authorities, author, Resource))
    tls = carried(Tls, security.tls, certificate_authorities=authorities)
    return carried(Security, security, tls=tls)


def fetchable(fetched: Iterable[old.Reference], author: Author, cls: type[R]) -> Iterator[R]:
    """What can be fetched of references; of the others their other faults are told."""
    for each in fetched:
        new = resource(each, cls)
        if can_be_fetched(each, author):
            yield new
        else:
            left_out(author, new)


def resource(fetched: old.Reference | old.FileContents, cls: type[R], origin: object = None) -> R:
    """Something to fetch; an empty source stays an empty source, which is not the same as none."""
    made: dict[str, Any] = {"source": "" if is_from_oem(fetched) else fetched.source}
    if fetched.verification.hash is not None:
        made["verification"] = carried(Verification, fetched.verification, "hash")
    if fetched.http_headers:
        made["http_headers"] = tuple(carried(HttpHeader, each, "name value") for each in fetched.http_headers)
    names = "compression" if isinstance(fetched, old.FileContents) else ""
    return carried(cls, fetched, names, origin, **made)


def contents(file: old.File) -> FileContents:
    """The content of a file; one without any is empty."""
    return resource(file.contents, FileContents, file.origin)


def can_be_fetched(fetched: old.Reference | old.FileContents, author: Author) -> bool:
    """Whether Ignition 3 knows the scheme of a source; if not, that is told."""
    if not is_from_oem(fetched):
        return True
    refuse(
        author, "PV204", fetched, "source", "Ignition 3 can't fetch from oem: URLs",
        "put the content into the config as a data: URL; on Container Linux the file was /usr/share/oem/"
        + parse(fetched.source).rest.lstrip("/"),
    )  # fmt: skip
    return False


def is_from_oem(fetched: old.Reference | old.FileContents) -> bool:
    """Whether a source is on the OEM partition of Container Linux."""
    return fetched.source[:4].lower() == "oem:"
