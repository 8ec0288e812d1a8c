"""`ignition`: other configs, certificates, proxies and deadlines; and every resource that is fetched."""

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
from provision.transpile.ignition2.carrying import carried, refuse


def section(ignition: old.Ignition, author: Author) -> Ignition:
    """The section in Ignition 3: what was appended is merged."""
    return carried(
        author, Ignition, ignition,
        config=references(ignition.config, author),
        proxy=carried(author, Proxy, ignition.proxy, "http_proxy https_proxy no_proxy"),
        security=security(ignition.security, author),
        timeouts=carried(author, Timeouts, ignition.timeouts, "http_response_headers http_total"),
        version=author.target,
    )  # fmt: skip


def references(config: old.ConfigReferences, author: Author) -> ConfigReferences:
    """`append` and `replace` as `merge` and `replace`."""
    merge = tuple(
        resource(each, author, ConfigReference) for each in config.append if can_be_fetched(each, author)
    )  # fmt: skip
    kept = config.replace if config.replace is not None and can_be_fetched(config.replace, author) else None
    replace = ConfigReference() if kept is None else resource(kept, author, ConfigReference)
    return carried(author, ConfigReferences, config, merge=merge, replace=replace)


def security(security: old.Security, author: Author) -> Security:
    """The certificates to trust."""
    authorities = security.tls.certificate_authorities
    kept = tuple(resource(each, author, Resource) for each in authorities if can_be_fetched(each, author))
    return carried(
        author, Security, security, tls=carried(author, Tls, security.tls, certificate_authorities=kept)
    )  # fmt: skip


def resource(
    fetched: old.Reference | old.FileContents, author: Author, cls: type[R], origin: object = None
) -> R:  # fmt: skip
    """Something to fetch; an empty source stays an empty source, which is not the same as none."""
    hashed = fetched.verification
    verification = carried(author, Verification, hashed, "hash") if hashed.hash or hashed.broken else Verification()
    headers = tuple(carried(author, HttpHeader, header, "name value") for header in fetched.http_headers)
    names = "compression" if isinstance(fetched, old.FileContents) else ""
    return carried(
        author, cls, fetched, names, origin=origin,
        source=fetched.source, http_headers=headers, verification=verification,
    )  # fmt: skip


def contents(file: old.File, author: Author) -> FileContents:
    """The content of a file; one without any is empty."""
    return resource(file.contents, author, FileContents, file.origin)


def can_be_fetched(fetched: old.Reference | old.FileContents, author: Author) -> bool:
    """Whether Ignition 3 knows the scheme of a source; if not, that is told."""
    try:
        url = parse(fetched.source)
    except ValueError:
        return True  # the rules of Ignition 3 say what is wrong
    if url.scheme != "oem":
        return True
    refuse(
        author, "PV204", fetched, "source", "Ignition 3 can't fetch from oem: URLs",
        "put the content into the config as a data: URL; on Container Linux the file was /usr/share/oem/"
        + url.rest.lstrip("/"),
    )  # fmt: skip
    return False
