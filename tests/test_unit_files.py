"""Unit files by themselves: what they become, what is said of several at once, and the second opinion of systemd."""

import json
import pickle
from pathlib import Path

import pytest

from provision.diagnostics import Diagnostic
from provision.schema.machine.facts import Fact, check_together, facts_of
from provision.transpile.analyze import second_opinion
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document
from provision.transpile.detect import text_dialect

HEAD = "variant: fcos\nversion: 1.6.0\n"


def compiled(text: str, name: str) -> Compiled:
    return compile_document(text.encode(), name, Options())


def codes_of(text: str, name: str) -> list[str]:
    return [found.code for found in compiled(text, name).diagnostics]


def facts_from(name: str, text: str) -> list[Fact]:
    result = compiled(text, name)
    assert result.config is not None
    assert result.author is not None
    return facts_of(result.config, name, result.author.locate)


def together(**files: str) -> list[Diagnostic]:
    """What is said of a set of files; `_` in a name is written for a dot, `__` for `@.`."""
    facts = [
        fact for name, text in files.items() for fact in facts_from(name.replace("__", "@.").replace("_", "."), text)
    ]
    again: list[Fact] = pickle.loads(pickle.dumps(facts))
    return check_together(again)


def placed(**wanted: str) -> str:
    """A fleet unit with these demands."""
    return "[Service]\nExecStart=/usr/bin/x\n[X-Fleet]\n" + "".join(f"{key}={value}\n" for key, value in wanted.items())


# ---- one file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "section", "written"),
    [
        ("web.service.d/10-limits.conf", "[Service]\nLimitNOFILE=1\n", "web.service"),
        ("a/b/eth0.network.d/dns.conf", "[Network]\nDNS=1.1.1.1\n", "/etc/systemd/network/eth0.network.d/dns.conf"),
        ("journald.conf.d/size.conf", "[Journal]\nSystemMaxUse=1G\n", "/etc/systemd/journald.conf.d/size.conf"),
        ("sysctl.d/swap.conf", "vm.swappiness = 1\n", "/etc/sysctl.d/swap.conf"),
        ("x/10-eth.network", "[Match]\nName=eth0\n", "/etc/systemd/network/10-eth.network"),
    ],
)
def test_a_file_goes_where_its_name_belongs(name: str, section: str, written: str) -> None:
    result = compiled(section, name)
    assert not result.diagnostics
    config = json.loads(result.output())
    units = config.get("systemd", {}).get("units", [])
    files = config.get("storage", {}).get("files", [])
    assert [unit["name"] for unit in units] + [file["path"] for file in files] == [written]


@pytest.mark.parametrize(
    ("name", "text", "unit"),
    [
        ("<stdin>", "[Service]\nExecStart=/x\n", "stdin.service"),
        ("backup", "[Timer]\nOnCalendar=daily\n", "backup.timer"),
        ("limits.conf", "[Service]\nExecStart=/x\n", "limits.service"),
        ("...", "[Unit]\nDescription=x\n[Service]\nExecStart=/x\n", "unit.service"),
    ],
)
def test_a_file_without_a_telling_name_is_taken_by_its_sections(name: str, text: str, unit: str) -> None:
    result = compiled(text, name)
    assert [found.code for found in result.diagnostics] == ["PV593"]
    assert result.config is not None
    assert [made.name for made in result.config.systemd.units] == [unit]


def test_what_is_for_fleet_is_left_out_wherever_it_stands() -> None:
    text = "[X-Fleet]\nGlobal=true\n[Service]\nExecStart=/x\n[X-Fleet]\nConflicts=a\n[Install]\nWantedBy=a.target\n"
    result = compiled(text, "a.service")
    assert result.config is not None
    (unit,) = result.config.systemd.units
    assert unit.contents == "[Service]\nExecStart=/x\n[Install]\nWantedBy=a.target\n"
    assert unit.enabled


def test_a_template_is_installed_but_not_enabled() -> None:
    template = "[Service]\nExecStart=/x %i\n[Install]\nWantedBy=a.target\n"
    for more, enabled in (("", None), ("DefaultInstance=one\n", True)):
        result = compiled(template + more, "a@.service")
        assert not result.diagnostics
        assert result.config is not None
        assert result.config.systemd.units[0].enabled is enabled


@pytest.mark.parametrize(
    "text", ["", "\n", "garbage", "[", "[]", "=", "[X-Fleet]", "[Unit]\n\\", "\ufeff[Service]\nA\x00=1"]
)
@pytest.mark.parametrize(
    "name", ["a.service", "a.mount", "a.timer", "a.socket", "10.network", "a.service.d/x.conf", "odd"]
)
def test_any_text_gets_a_verdict(text: str, name: str) -> None:
    assert compiled(text, name).document.text == text


def test_a_finding_stands_at_the_very_line_of_a_block() -> None:
    text = HEAD + (
        "systemd:\n  units:\n    - name: a.service\n      contents: |\n        [Service]\n        ExecStart=/x\n"
        "        Restarts=no\n      dropins:\n        - name: b.conf\n          contents: |\n            [Service]\n\n"
        "            Tpye=simple\n"
    )
    assert [(found.code, found.span.line, found.span.column) for found in compiled(text, "a.bu").diagnostics] == [
        ("PV507", 9, 9), ("PV507", 15, 13),
    ]  # fmt: skip


# ---- several files ----------------------------------------------------------------------------------------------


def test_a_unit_that_goes_where_an_unknown_one_goes_is_told() -> None:
    (found,) = together(a_service=placed(MachineOf="b.service"), c_service=placed())
    assert (found.code, found.file, found.span.line) == ("PV588", "a.service", 4)
    assert not together(a_service=placed(MachineOf="b.service"), b_service=placed())
    assert not together(a_service=placed(MachineOf="b@1.service"), b__service=placed())
    assert not together(a_service=placed(MachineOf="b.service"))


def test_units_that_go_where_each_other_goes_are_told_once() -> None:
    (found,) = together(
        a_service=placed(MachineOf="b.service"),
        b_service=placed(MachineOf="c.service"),
        c_service=placed(MachineOf="a.service"),
    )
    assert found.code == "PV588"
    assert "a.service → b.service → c.service → a.service" in found.message


def test_a_timer_without_its_service_in_the_set_is_told() -> None:
    timer = "[Timer]\nOnCalendar=daily\n"
    service = "[Service]\nExecStart=/x\n"
    (found,) = together(a_timer=timer, b_service=service)
    assert (found.code, found.file) == ("PV554", "a.timer")
    assert not together(a_timer=timer, a_service=service)
    assert not together(a_timer=timer + "Unit=b.service\n", b_service=service)


def test_fleet_units_that_take_one_port_are_kept_apart() -> None:
    def web(conflicts: str) -> str:
        return f"[Service]\nExecStart=/usr/bin/docker run -p 80:80 web\n[X-Fleet]\n{conflicts}\n"

    (found,) = together(web_1_service=web(""), web_2_service=web(""))
    assert (found.code, found.file) == ("PV557", "web.2.service")
    assert not together(web_1_service=web("Conflicts=web.*"), web_2_service=web(""))
    assert not together(web_1_service=web(""), web_2_service=web("X-Conflicts=web.*"))
    assert together(web_1_service=web("Conflicts=db.*"), web_2_service=web(""))


# ---- the second opinion -----------------------------------------------------------------------------------------

UNITS = (
    HEAD
    + """\
systemd:
  units:
    - name: a.service
      contents: |
        [Service]
        ExecStart=/bin/true
        Unheard=1
      dropins:
        - name: b.conf
          contents: |
            [Service]
            Unseen=2
    - name: c.service
      enabled: true
"""
)


def opinion_on(text: str) -> list[Diagnostic]:
    result = compiled(text, "a.bu")
    assert result.config is not None
    assert result.author is not None
    result.author.diagnostics.clear()
    second_opinion(result.config, result.author)
    return result.author.diagnostics


def test_systemd_is_asked_about_units_and_dropins() -> None:
    found = sorted(opinion_on(UNITS), key=Diagnostic.sort_key)
    assert [(one.code, one.severity, one.span.line) for one in found] == [
        ("PV595", "warning", 9), ("PV595", "warning", 14),
    ]  # fmt: skip
    assert "Unheard" in found[0].message
    assert "provision-units" not in found[0].message


def test_what_holds_of_this_machine_only_is_left_out() -> None:
    text = (
        UNITS.replace("/bin/true", "/usr/bin/not-installed-here").replace("Unheard", "User").replace("Unseen", "Nice")
    )
    assert not opinion_on(text)


def test_without_the_program_there_is_one_info(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = opinion_on(UNITS)
    assert (found.code, found.severity) == ("PV595", "info")


def test_a_program_that_cannot_be_run_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "systemd-analyze"
    program.write_text("no program")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = opinion_on(UNITS)
    assert "did not answer" in found.message


def test_many_comments_with_crlf_are_looked_through_once() -> None:
    comments = b"# a comment\r\n" * 200
    assert text_dialect(comments + b"variant: fcos\r\n", "config") is None
    assert text_dialect(comments + b"\r\n \t\r\n[Unit]\r\n", "config") == "unit"
