"""The form of an inventory: what is wrong in one is told where it stands, and nothing is built."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_shared import build, told

from provision.document import read
from provision.inventory.reading import Inventory, Reader

WRONG = {
    "no mapping": ("- a\n", "1:1 PV791", "an inventory is a mapping with `hosts`"),
    "empty": ("", "1:1 PV791", "an inventory is a mapping with `hosts`"),
    "no hosts": ("variables: {a: 1}\n", "1:1 PV791", "the inventory has no hosts"),
    "null hosts": ("hosts:\n", "1:1 PV791", "the inventory has no hosts"),
    "hosts are a list": ("hosts: [a, b]\n", "1:8 PV791", "`hosts` is a mapping of names to hosts"),
    "groups are a list": ("groups: [a]\nhosts: {a: {}}\n", "1:9 PV791", "`groups` is a mapping of names to groups"),
    "host is a text": ("hosts:\n  a: b\n", "2:6 PV791", "a host is a mapping, and may be empty"),
    "unknown key": ("hosts: {a: {}}\nvaraibles: {}\n", "2:1 PV791", "the inventory has no key `varaibles`"),
    "unknown key of a host": ("hosts:\n  a: {template: [x]}\n", "2:7 PV791", "a host has no key `template`"),
    "unknown key of a group": ("groups:\n  g: {hosts: [x]}\nhosts: {a: {}}\n", "2:7 PV791", "a group has no key `hosts`"),
    "top has no groups of its own": ("groups: {g: {}}\nhosts: {a: {groups: [h]}}\n", "2:22 PV793", "there is no group `h`"),
    "variables are a list": ("variables: [a]\nhosts: {a: {}}\n", "1:12 PV791", "`variables` is a mapping of names to values"),
    "templates are a mapping": ("templates: {a: b}\nhosts: {a: {}}\n", "1:12 PV791", "`templates` is a list of names"),
    "a template is a number list": ("templates: [[1]]\nhosts: {a: {}}\n", "1:13 PV791", "`templates` is a list of names"),
    "a group is null": ("groups: {g: {}}\nhosts: {a: {groups: [~]}}\n", "2:22 PV791", "`groups` is a list of names"),
    "host twice": ("hosts:\n  a: {}\n  b: {}\n  a: {}\n", "4:3 PV003", "`a` is set twice in one mapping; the first is on line 2"),
    "group twice": ("groups:\n  a: {}\n  a: {}\nhosts: {a: {}}\n", "3:3 PV003", "`a` is set twice"),
    "key twice": ("hosts: {a: {}}\nhosts: {b: {}}\n", "2:1 PV003", "`hosts` is set twice"),
    "variable twice": ("hosts: {a: {variables: {x: 1, x: 2}}}\n", "1:31 PV003", "`x` is set twice"),
    "capitals": ("hosts:\n  web: {}\n  Web: {}\n", "3:3 PV791", "`Web` and `web` on line 2 differ only in capitals"),
    "name with a slash": ("hosts:\n  ../web: {}\n", "2:3 PV791", "`../web` is no name of a host"),
    "hidden name": ("hosts:\n  .web: {}\n", "2:3 PV791", "`.web` is no name of a host"),
    "long name": (f"hosts:\n  {'a' * 201}: {{}}\n", "2:3 PV791", f"`{'a' * 60}` is no name of a host"),
    "group in itself": ("groups:\n  g: {groups: [g]}\nhosts: {a: {}}\n", "2:16 PV793", "the group `g` includes itself: g → g"),
    "circle": (
        "groups:\n  a: {groups: [b]}\n  b: {groups: [c]}\n  c: {groups: [a]}\nhosts: {x: {groups: [a]}}\n", "4:16 PV793",
        "the group `a` includes itself: a → b → c → a",
    ),
    "unknown group in a group": ("groups:\n  web: {}\n  a: {groups: [wbe]}\nhosts: {x: {}}\n", "3:16 PV793", "there is no group `wbe`"),
    "yaml": ("hosts: {a: [\n", "2:1 PV002", ""),
    "second document": ("hosts: {a: {}}\n---\nhosts: {b: {}}\n", "3:1 PV004", "a second document"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_where_it_stands(tmp_path: Path, case: str) -> None:
    text, place, words = WRONG[case]
    report = build(tmp_path, text)
    assert f"hosts.yaml:{place}" in told(report)
    assert len(report.diagnostics) == 1
    assert report.diagnostics[0].message.startswith(words)
    assert report.is_wrong
    assert not (tmp_path / "out").exists()


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    report = build(tmp_path, "foo: 1\nhosts:\n  a: {groups: [x], bar: 2}\n  b: 3\n")
    assert [each.rpartition(" ")[2] for each in told(report)] == ["PV791", "PV793", "PV791", "PV791"]


def test_a_misspelt_name_comes_with_the_right_one(tmp_path: Path) -> None:
    report = build(tmp_path, "groups: {web: {}}\nhosts:\n  a: {groups: [wbe], variabels: {}}\n")
    assert [each.hint for each in report.diagnostics] == ["did you mean `web`?", "did you mean `variables`?"]


def test_a_missing_inventory_is_refused(tmp_path: Path) -> None:
    from inventory_shared import wanted

    from provision.diagnostics import ProvisionError
    from provision.inventory.building import build_inventory

    with pytest.raises(ProvisionError, match=r"hosts\.yaml: no such file or directory"):
        build_inventory(wanted(tmp_path))


def inventory(text: str) -> Inventory:
    found = Reader(read(text.encode(), "hosts.yaml")).read()
    assert not found.diagnostics
    return found


def order(text: str, host: str) -> list[str]:
    found = inventory(text)
    return found.order(found.hosts[host])


def test_groups_come_after_those_that_they_include_and_once() -> None:
    text = "groups: {base: {}, a: {groups: [base]}, b: {groups: [base, c]}, c: {}}\nhosts: {x: {groups: [a, b]}, y: {groups: [c, b]}, z: ~}\n"
    assert order(text, "x") == ["base", "a", "c", "b"]
    assert order(text, "y") == ["c", "base", "b"]
    assert order(text, "z") == []


def test_groups_may_be_nested_deep_and_meet_often() -> None:
    """Two ways to each of 60 levels are 2^60 ways in all; a chain of 3000 is deeper than Python's calls may be."""
    wide = "".join(
        f"  g{i}: {{groups: [l{i}, r{i}]}}\n  l{i}: {{groups: [g{i + 1}]}}\n  r{i}: {{groups: [g{i + 1}]}}\n"
        for i in range(60)
    )
    assert len(order(f"groups:\n{wide}  g60: {{}}\nhosts: {{x: {{groups: [g0]}}}}\n", "x")) == 181
    deep = "".join(f"  g{i}: {{groups: g{i + 1}}}\n" for i in range(3000))
    assert order(f"groups:\n{deep}  g3000: {{}}\nhosts: {{x: {{groups: g0}}}}\n", "x")[0] == "g3000"


NAMES = st.sampled_from(["hosts", "groups", "variables", "templates", "fragments", "a", "b", "web", "1", "~", ""])
TREES = st.recursive(
    NAMES | st.none() | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, TREES, max_size=5) | TREES)
def test_whatever_stands_in_an_inventory_is_read_or_told(tree: object) -> None:
    import json

    found = Reader(read(json.dumps(tree).encode(), "hosts.yaml")).read()
    assert found.failed or all(isinstance(found.levels(host), list) for host in found.hosts.values())
    assert found.hosts or found.failed


@given(st.text(alphabet="hosts:groups {}[]&*-a\n ", max_size=60))
def test_whatever_a_text_is_it_is_read_or_told(text: str) -> None:
    found = Reader(read(text.encode(), "hosts.yaml")).read()
    assert found.failed or found.hosts
