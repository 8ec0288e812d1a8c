"""Hypothesis strategies that follow the rows: records of any spec, as a person could have written them."""

import string
from typing import Any

from hypothesis import strategies as st

from provision.ignition import NEWEST, Config, Storage
from provision.record import R, Row, Spec, encode

# Few letters, so that two configs of one test often speak of the same thing; some that JSON or a URL must escape.
NAMES = st.text("abc", min_size=1, max_size=2)
TEXTS = st.one_of(
    NAMES,
    st.just(""),
    st.text(string.printable, max_size=8),
    st.text(st.characters(codec="utf-8"), max_size=8),
)
NUMBERS = st.one_of(st.integers(0, 10), st.integers(-(2**63), 2**63 - 1))
SECRET = "S3CRET!"


def records(
    cls: type[R], at: Spec = NEWEST, *, canonical: bool = True, secret: str | None = None
) -> st.SearchStrategy[R]:
    """Records of a class in one spec; `canonical` ones have no empty section where none would mean the same.

    `secret` is the value of every secret row.
    """
    rows = [row for row in cls.rows.values() if row.shown(at)]
    needed = {row.name: values(row, at, canonical, secret) for row in rows if must_be_given(row, at)}
    free = {row.name: values(row, at, canonical, secret) for row in rows if row.name not in needed}

    def make(given: dict[str, Any]) -> R:
        made = cls(**given)
        return disjoint(made) if isinstance(made, Storage) else made  # type: ignore[return-value]  # the same class

    return st.fixed_dictionaries(needed, optional=free).map(make)


def must_be_given(row: Row, at: Spec) -> bool:
    """Whether a row has no null in a spec, so that one left out would come back as a zero."""
    return row.keep or row.required <= at or (row.nullable and at < row.plain_until)


def values(row: Row, at: Spec, canonical: bool, secret: str | None) -> st.SearchStrategy[Any]:
    """Values for one row."""
    if secret is not None and row.secret:
        return st.just(secret)
    if row.kind == "record":
        inner: st.SearchStrategy[Any] = records(row.item, at, canonical=canonical, secret=secret)
        return (
            inner.filter(lambda made: bool(encode(made, at)))
            if canonical and row.nullable and at >= row.plain_until
            else inner
        )
    if row.kind == "records":
        item = records(row.item, at, canonical=canonical, secret=secret)
        return (
            st.lists(item, max_size=3, unique_by=row.item_key).map(tuple)
            if row.item_key
            else st.lists(item, max_size=2).map(tuple)
        )
    if row.kind == "strs":
        return st.lists(NAMES, max_size=3, unique=row.item_key is not None).map(tuple)
    plain: dict[str, st.SearchStrategy[Any]] = {"str": TEXTS, "int": NUMBERS, "bool": st.booleans()}
    found = NAMES if row.name in ("name", "path", "device", "url", "label") else plain[row.kind]
    return found if must_be_given(row, at) or not row.nullable else st.none() | found


def disjoint(storage: Storage) -> Storage:
    """The section without entries of one path in two lists: no config may have them."""
    taken: set[str] = set()
    lists: dict[str, Any] = {}
    for name in ("directories", "files", "links"):
        kept = [node for node in getattr(storage, name) if node.path not in taken]
        taken.update(node.path for node in kept)
        lists[name] = tuple(kept)
    given = {name: kept for name, kept in lists.items() if name in storage.__dict__}
    return storage.changed(**given)


def configs(at: Spec = NEWEST, *, canonical: bool = True, secret: str | None = None) -> st.SearchStrategy[Config]:
    """Whole configs of a spec."""
    return records(Config, at, canonical=canonical, secret=secret)


def apart(config: Config) -> Config:
    """The config with files, directories and links in folders of their own, arguments of their own kind, and no null header.

    Only of such configs is the merge associative: a file that gives way to a link does not come back.
    """

    def moved(nodes: tuple[Any, ...], folder: str) -> tuple[Any, ...]:
        return tuple(node.changed(path=f"/{folder}/{node.path}") for node in nodes)

    storage, arguments = config.storage, config.kernel_arguments
    return without_null_headers(
        config.changed(
            storage=storage.changed(
                directories=moved(storage.directories, "d"),
                files=moved(storage.files, "f"),
                links=moved(storage.links, "l"),
            ),
            kernel_arguments=arguments.changed(
                should_exist=tuple("+" + name for name in arguments.should_exist),
                should_not_exist=tuple("-" + name for name in arguments.should_not_exist),
            ),
        )
    )


def without_null_headers(record: R) -> R:
    """The record in which every header has a value."""
    new: dict[str, Any] = {}
    for row, value in record.given():
        if row.kind == "record" and value is not None:
            new[row.name] = without_null_headers(value)
        elif row.kind == "records":
            new[row.name] = tuple(
                item.changed(value=item.value or "x") if row.name == "http_headers" else without_null_headers(item)
                for item in value
            )
    return record.changed(**new)
