"""What is fetched, in Ignition 2."""

from provision.ignition import ConfigReference, Resource
from provision.record import R
from provision.schema import ignition2 as old
from provision.transpile.author import Author
from provision.transpile.ignition2.carrying import carried, refuse


def reference(fetched: ConfigReference | Resource, cls: type[R], author: Author) -> R:
    """Another config, or a bundle of certificates: packed ones Ignition 2 can't read."""
    if fetched.compression:
        message = "Ignition 2 unpacks files only, no configs and certificates"
        refuse(author, "PV212", fetched, "compression", message, "give the URL of what is not packed")
    return resource(fetched, cls, author)


def resource(fetched: Resource, cls: type[R], author: Author, names: str = "") -> R:
    """Something to fetch."""
    for header in fetched.http_headers:
        if header.value is None:
            message = (
                f"the header {header.name} has no value, so that it takes a parent's away; Ignition 2 can't say that"
            )
            refuse(author, "PV213", header, "value", message, "give it a value, or take it away")
    return carried(
        cls, fetched, names,
        source=fetched.source or "",
        http_headers=tuple(carried(old.HttpHeader, each, "name value") for each in fetched.http_headers),
        verification=carried(old.Verification, fetched.verification, "hash"),
    )  # fmt: skip
