"""What a host gets from the inventory, its groups and itself, and what is said of values."""

import json
from pathlib import Path
from typing import Any

import pytest
from inventory_shared import HOST, PLAIN, build, told, write

from provision.contents import decode_data_url
from provision.report import render
from provision.templates.values import VARIABLE_PREFIX
from provision.transpile.author import Options


def config(folder: Path, host: str) -> dict[str, Any]:
    """The config of a host."""
    found: dict[str, Any] = json.loads((folder / "out" / f"{host}.ign").read_text())
    return found


def machine(folder: Path, host: str) -> str:
    """What the template of tests writes of a host: name, address, port, token, settings."""
    (file,) = [file for file in config(folder, host)["storage"]["files"] if file["path"] == "/etc/machine"]
    return decode_data_url(file["contents"]["source"]).decode()


def test_the_later_group_wins_and_then_the_host(tmp_path: Path) -> None:
    report = build(
        tmp_path,
        "variables: {port: 1, settings: {a: 1, b: 1}}\ntemplates: host.bu.j2\n"
        "groups:\n  one: {variables: {port: 2, settings: {b: 2, c: 2}}}\n  two: {groups: [one], variables: {port: 3}}\n"
        "hosts:\n  w: {}\n  x: {groups: [one]}\n  y: {groups: [two]}\n  z: {groups: [two, one], variables: {port: 4, settings: {c: 4}}}\n  v: {groups: [two, one]}\n",
    )
    assert not report.diagnostics
    assert machine(tmp_path, "w") == 'w 192.0.2.1/24 1 none {"a": 1, "b": 1}'
    assert machine(tmp_path, "x") == 'x 192.0.2.1/24 2 none {"a": 1, "b": 2, "c": 2}'
    assert machine(tmp_path, "y") == 'y 192.0.2.1/24 3 none {"a": 1, "b": 2, "c": 2}'
    assert machine(tmp_path, "z") == 'z 192.0.2.1/24 4 none {"a": 1, "b": 2, "c": 4}'
    assert machine(tmp_path, "v").split()[2] == "3"


def test_a_host_may_have_another_hostname_than_its_name(tmp_path: Path) -> None:
    build(tmp_path, "templates: host.bu.j2\nhosts:\n  a: {variables: {hostname: box.example.com}}\n")
    assert machine(tmp_path, "a").startswith("box.example.com ")


def test_files_of_values_and_set_win_over_the_inventory_and_that_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{VARIABLE_PREFIX}token", "from-environment")
    monkeypatch.setenv(f"{VARIABLE_PREFIX}port", "1")
    write(tmp_path, values_yaml="address: 192.0.2.7/24\nport: 3\n")
    options = Options(raw=True, values=(("port", "4"),), value_files=(str(tmp_path / "values.yaml"),))
    build(
        tmp_path, "templates: host.bu.j2\nhosts:\n  a: {variables: {port: 2, address: 192.0.2.9/24}}\n", options=options
    )
    assert machine(tmp_path, "a") == "a 192.0.2.7/24 4 from-environment {}"


def test_documents_are_merged_in_the_order_of_the_levels(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    write(folder, b_bu=PLAIN.replace("/etc/motd", "/b"), a_bu=PLAIN.replace("/etc/motd", "/a"))
    write(
        tmp_path,
        one_bu=PLAIN.replace("/etc/motd", "/one"),
        own_bu=PLAIN.replace("/etc/motd", "/own"),
        top_bu=PLAIN.replace("/etc/motd", "/top"),
    )
    (folder / "host.bu.j2").unlink()
    report = build(
        tmp_path,
        "fragments: top.bu\ngroups:\n  g: {templates: [host.bu.j2], fragments: [parts, one.bu]}\nhosts:\n  x: {groups: [g], fragments: [own.bu, top.bu]}\n",
    )
    assert not report.diagnostics
    assert [file["path"] for file in config(tmp_path, "x")["storage"]["files"]] == [
        "/top",
        "/etc/machine",
        "/a",
        "/b",
        "/one",
        "/own",
    ]


def test_templates_of_the_library_are_named(tmp_path: Path) -> None:
    report = build(
        tmp_path, "templates: [web]\nhosts: {a: {}}\n", libraries=(str(write(tmp_path / "lib", web_bu_j2=HOST)),)
    )
    assert not report.diagnostics
    assert machine(tmp_path, "a").startswith("a ")


def test_a_conflict_between_documents_of_a_host_is_told_and_may_be_overridden(tmp_path: Path) -> None:
    write(tmp_path, a_bu=PLAIN, b_bu=PLAIN.replace("0644", "0600"))
    text = "fragments: [a.bu, b.bu]\nhosts: {x: {}, y: {}}\n"
    report = build(tmp_path, text)
    assert (told(report), report.failed) == (["b.bu:6:13 PV790"], ("x", "y"))
    assert not build(tmp_path, text, override=True).diagnostics
    assert config(tmp_path, "x")["storage"]["files"][0]["mode"] == 0o600


WRONG = {
    "unfit": ("templates: host.bu.j2\nhosts:\n  a: {variables: {port: many}}\n", "hosts.yaml:3:25 PV785"),
    "unfit part": ("templates: host.bu.j2\nhosts:\n  a: {variables: {settings: {x: y}}}\n", "hosts.yaml:3:33 PV785"),
    "of a group": ("templates: host.bu.j2\ngroups: {g: {variables: {port: many}}}\nhosts:\n  a: {groups: [g]}\n", "hosts.yaml:2:32 PV785"),
    "duplicate in a value": ("templates: host.bu.j2\nhosts:\n  a: {variables: {settings: {x: 1, x: 2}}}\n", "hosts.yaml:3:36 PV003"),
    "no template": ("templates: [hots]\nhosts: {a: {}}\n", "hosts.yaml:1:13 PV799"),
    "no file": ("fragments: [a.bu]\nhosts: {a: {}}\n", "hosts.yaml:1:13 PV799"),
    "no file of a template": ("templates: [sub/a.bu.j2]\nhosts: {a: {}}\n", "hosts.yaml:1:13 PV799"),
    "no template but a document": ("templates: [hosts.yaml]\nhosts: {a: {}}\n", "hosts.yaml:1:13 PV799"),
    "nothing": ("hosts: {a: {}}\n", "hosts.yaml:1:9 PV799"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_host_is_told_where_it_stands(tmp_path: Path, case: str) -> None:
    text, place = WRONG[case]
    report = build(tmp_path, text)
    assert place in told(report)
    assert report.failed == ("a",)


def test_a_missing_value_says_where_to_set_it(tmp_path: Path) -> None:
    write(tmp_path, t_bu_j2=HOST.replace("default: 80, ", ""))
    report = build(tmp_path, "templates: t.bu.j2\nhosts:\n  a: {variables: {port: 3}}\n  b: {}\n  c: {}\n")
    (found,) = report.diagnostics
    assert (found.code, Path(found.file).name, found.span.line) == ("PV783", "t.bu.j2", 6)
    assert (
        found.hint
        == "set it under `variables`: of the host, of a group of it, or at the top of the inventory; hosts b, c"
    )
    assert (report.failed, report.written) == (("b", "c"), ("a",))


def test_a_problem_of_many_hosts_is_told_once_with_some_of_them(tmp_path: Path) -> None:
    write(tmp_path, t_bu_j2=HOST.replace("mode: 0644", "mode: {{ port }}"))
    hosts = "".join(f"  h{i}: {{variables: {{port: 644}}}}\n" for i in range(5))
    report = build(tmp_path, f"templates: t.bu.j2\nhosts:\n{hosts}  other: {{variables: {{port: 420}}}}\n")
    (found,) = [each for each in report.diagnostics if each.code == "PV605"]
    assert found.hint is not None
    assert found.hint.endswith("; hosts h0, h1 and 3 more")


def test_a_variable_that_no_template_takes_is_told_and_can_be_silenced(tmp_path: Path) -> None:
    text = "variables:\n  prot: 1\n  port: 2\ngroups:\n  g: {variables: {prt: 3}}\ntemplates: host.bu.j2\nhosts:\n  a: {variables: {x: 1}}\n"
    report = build(tmp_path, text)
    assert told(report) == ["hosts.yaml:2:3 PV794", "hosts.yaml:8:19 PV794"]  # nobody is in the group
    assert report.written == ("a",)
    silent = text.replace("  prot", "  # provision: ignore[PV794] for later\n  prot")
    assert told(build(tmp_path, silent)) == ["hosts.yaml:9:19 PV794"]


def test_a_variable_that_only_some_hosts_use_is_fine(tmp_path: Path) -> None:
    write(tmp_path, a_bu=PLAIN)
    report = build(tmp_path, "variables: {port: 2}\nhosts:\n  a: {templates: host.bu.j2}\n  b: {fragments: a.bu}\n")
    assert not report.diagnostics


def test_secrets_of_no_host_are_shown(tmp_path: Path) -> None:
    text = (
        "templates: host.bu.j2\nvariables:\n  token: >\n    geheim-one\n    geheim-two\nhosts:\n"
        "  a: {variables: {token: geheim-a, port: many}}\n  b: {variables: {token: 'geheim-b'}}\n  c:\n    variables:\n      token: |\n        geheim-c\n      port: none\n"
    )
    report = build(tmp_path, text)
    shown = render(report.diagnostics, report.sources, "full") + render(report.diagnostics, report.sources, "json")
    assert "port" in shown
    assert "geheim" not in shown
    assert "geheim-b" in (tmp_path / "out/b.ign").read_text()


def test_unsound_templates_and_fragments_are_told_once(tmp_path: Path) -> None:
    write(tmp_path, a_bu="variant: fcos\nversion: 1.5.0\nstorge: {}\nstorage: []\n", t_bu_j2=HOST + "{{ nmae }}\n")
    report = build(
        tmp_path, "hosts:\n  a: {templates: t.bu.j2}\n  b: {templates: t.bu.j2}\n  c: {templates: host.bu.j2}\n"
    )
    assert (told(report), report.failed) == (["t.bu.j2:18:4 PV782"], ("a", "b"))
    report = build(
        tmp_path, "groups: {g: {fragments: a.bu}}\nhosts:\n  a: {groups: g}\n  b: {groups: g}\n  c: {fragments: a.bu}\n"
    )
    assert (set(told(report)), report.failed) == ({"a.bu:3:1 PV101", "a.bu:4:10 PV102"}, ("a", "b", "c"))
