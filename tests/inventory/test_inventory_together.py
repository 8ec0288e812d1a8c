"""What hosts of one inventory say of each other: addresses, names, clusters."""

from pathlib import Path

import pytest
from inventory_shared import build, told, write

NETWORK = """\
{#
description: A machine with an address.
parameters:
  address: {type: string, description: Address.}
  name: {type: string, default: "", description: Name.}
#}
variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/systemd/network/10-eth0.network
      mode: 0644
      contents:
        inline: "[Match]\\nName=eth0\\n[Network]\\nAddress={{ address }}\\n"
{% if name %}
    - path: /etc/hostname
      mode: 0644
      contents:
        inline: {{ name }}
{% endif %}
"""
ETCD = """\
{#
description: A member.
parameters:
  name: {type: string, description: Name.}
  members: {type: array, items: {type: string}, description: All members.}
  state: {type: string, default: new, description: State.}
#}
variant: fcos
version: 1.5.0
systemd:
  units:
    - name: etcd.service
      contents: |
        [Service]
        Environment=ETCD_NAME={{ name }}
        Environment=ETCD_INITIAL_ADVERTISE_PEER_URLS=http://{{ name }}:2380
        Environment=ETCD_INITIAL_CLUSTER={% for member in members %}{{ "," if not loop.first }}{{ member }}=http://{{ member }}:2380{% endfor %}

        Environment=ETCD_INITIAL_CLUSTER_STATE={{ state }}
        ExecStart=/usr/bin/etcd
"""


def inventory(folder: Path, template: str, **hosts: str) -> str:
    """An inventory in which each host has variables, in YAML's flow style."""
    write(folder, t_bu_j2=template)
    return "templates: t.bu.j2\nhosts:\n" + "".join(
        f"  {name}: {{variables: {{{text}}}}}\n" for name, text in hosts.items()
    )


def test_two_hosts_with_one_address_are_told_and_neither_is_written(tmp_path: Path) -> None:
    text = inventory(
        tmp_path,
        NETWORK,
        a="address: 10.0.0.5/24",
        b="address: 10.0.0.6/24",
        c="address: 10.0.0.5/16",
        d="address: 10.0.0.5/24",
    )
    report = build(tmp_path, text)
    (found,) = report.diagnostics
    assert told(report) == ["hosts.yaml:5:3 PV795"]
    assert found.message == "c has the address 10.0.0.5, as a and 1 other have"
    assert found.hint == "give each host an address of its own; this one is set by /etc/systemd/network/10-eth0.network"
    assert (report.written, report.failed) == (("b",), ("a", "c", "d"))


def test_two_hosts_with_one_name_are_told(tmp_path: Path) -> None:
    text = inventory(
        tmp_path,
        NETWORK,
        a="address: 10.0.0.5/24, name: B",
        b="address: 10.0.0.6/24",
        c="address: 10.0.0.7/24, name: x",
    )
    report = build(tmp_path, text)
    assert told(report) == ["hosts.yaml:4:3 PV796"]
    assert report.diagnostics[0].message == "b has the host name b, as a has"
    assert (report.written, report.failed) == (("c",), ("a", "b"))


def test_a_comment_at_the_host_says_that_it_is_meant(tmp_path: Path) -> None:
    text = inventory(tmp_path, NETWORK, a="address: 10.0.0.5/24", b="address: 10.0.0.5/24")
    silent = text.replace("  b:", "  # provision: ignore[PV795] it moves between the two\n  b:")
    report = build(tmp_path, silent)
    assert (told(report), report.written) == ([], ("a", "b"))
    useless = silent.replace("10.0.0.5/24}}\n  #", "10.0.0.6/24}}\n  #")
    assert told(build(tmp_path, useless)) == ["hosts.yaml:4:3 PV010"]
    assert not build(tmp_path, useless, only=("b",)).diagnostics


def members(folder: Path, *names: str, **lists: str) -> str:
    """An inventory of members, with the list of each."""
    return inventory(
        folder, ETCD, **{name: f"name: {name}, members: [{lists.get(name, ', '.join(names))}]" for name in names}
    )


def codes(report: object) -> list[str]:
    return [each for each in told(report) if "PV797" in each or "PV798" in each]  # type: ignore[arg-type]  # a report


def test_members_with_one_list_are_fine(tmp_path: Path) -> None:
    report = build(tmp_path, members(tmp_path, "one", "two", "three"))
    assert (told(report), report.written) == ([], ("one", "two", "three"))


def test_a_member_with_another_list_is_told_whichever_it_is(tmp_path: Path) -> None:
    for odd, line in (("one", 3), ("two", 4), ("three", 5)):
        report = build(
            tmp_path,
            members(
                tmp_path,
                "one",
                "two",
                "three",
                **{odd: f"{odd}, two, three, four" if odd == "one" else f"one, {odd}, four"},
            ),
        )
        assert codes(report) == [f"hosts.yaml:{line}:3 PV797"]
        assert report.failed == ("one", "two", "three")


def test_the_difference_is_named(tmp_path: Path) -> None:
    report = build(tmp_path, members(tmp_path, "one", "two", "three", three="one, three, four"))
    (found,) = [each for each in report.diagnostics if each.code == "PV797"]
    assert found.message == (
        "three and one are members of one cluster, and `initial_cluster` differs: "
        "three lacks two=http://two:2380 and has four=http://four:2380"
    )


def test_a_member_that_no_host_is_is_told(tmp_path: Path) -> None:
    report = build(tmp_path, members(tmp_path, "one", "two", one="one, two, three", two="one, two, three"))
    (found,) = report.diagnostics
    assert (found.code, found.message) == (
        "PV798",
        "`three` is a member of the cluster of one, and no host of the inventory is that",
    )
    assert report.written == ("one", "two")
    assert not build(tmp_path, members(tmp_path, "one", "two", "three"), only=("one", "two")).diagnostics


def test_an_even_number_is_told_as_for_each_config(tmp_path: Path) -> None:
    assert [each.rpartition(" ")[2] for each in told(build(tmp_path, members(tmp_path, "one", "two")))] == ["PV515"]


def test_two_clusters_are_two(tmp_path: Path) -> None:
    text = inventory(tmp_path, ETCD, **{name: f"name: {name}, members: [{name}]" for name in ("one", "two", "three")})
    assert not codes(build(tmp_path, text))


def test_a_cluster_that_grows_has_longer_lists(tmp_path: Path) -> None:
    text = (
        members(tmp_path, "one", "two", "three")
        + "  four: {variables: {name: four, members: [one, two, three, four], state: existing}}\n"
    )
    assert not codes(build(tmp_path, text))


def test_what_validate_compares_is_compared_here_too(tmp_path: Path) -> None:
    text = inventory(
        tmp_path,
        ETCD,
        a="name: one, members: [one, two, three]",
        b="name: one, members: [one, two, three]",
        c="name: two, members: [one, two, three]",
    )
    (first, second) = [each for each in build(tmp_path, text).diagnostics if each.code == "PV538"]
    assert (first.span.line, first.message) == (4, "b: http://one:2380 is the address of the member in a, too")
    assert second.message == "b: one is the name of the member in a, too"


@pytest.mark.parametrize("count", [3000])
def test_many_hosts_are_compared_in_no_time(count: int) -> None:
    """Each with an address of its own, all members of one cluster: what is quadratic would take minutes."""
    from provision.document import read
    from provision.inventory.facts import Address, Machine, Member
    from provision.inventory.reading import Reader
    from provision.inventory.together import Hosts

    found = Reader(read(("hosts:\n" + "".join(f"  h{i}:\n" for i in range(count))).encode(), "h.yaml")).read()
    cluster = frozenset(f"m{i}=http://m{i}" for i in range(7))
    machines = {
        f"h{i}": Machine((Address(str(i), "f"),), f"h{i}", (Member(f"m{i % 7}", cluster, True),)) for i in range(count)
    }
    assert not list(Hosts(found, machines, complete=True).misfits([]))
