"""What is known of units' options and values, told from what systemd, docker and fleet themselves take."""

import subprocess

import pytest

from provision.diagnostics import CODES
from provision.schema.machine.calendar import calendar_fault
from provision.schema.machine.commands import Command
from provision.schema.machine.containers import call_of
from provision.schema.machine.directives import SECTIONS, options_of, sections_for
from provision.schema.machine.fleet_demands import matches
from provision.schema.machine.ssh_keys import fault_of as fault_of_key
from provision.schema.machine.values import KINDS, fault_of, span_fault
from provision.transpile.author import Options
from provision.transpile.compile import compile_document
from provision.units import Option, split_words

HEAD = "variant: fcos\nversion: 1.6.0\n"

CALENDARS = [
    "daily", "semi-annually", "yearly UTC", "Mon", "Mon,Tue *-*-* 10:00", "Mon-Fri 10:00", "Wed, 17:48", "2030-10-15",
    "*:0/15", "*:*:0/10", "*-*-1 4", "Mon *-*-~03", "*-*~07/1", "12..14:10,20,30", "05:40:23.42/3.17", "10-15", "@12345",
    "mon,fri *-1/2-1,3 *:30:45", "*-*-* 0..23/2:00", "0 4 * * *", "every day", "25:00", "10:61", "*-13-01", "Foo 10:00",
    "10min", "4", "4:5:6:7", "weekdays", "*-*-32", "00:00:60", "Sun..Mon 1:00", "2200-01-01", "Mon *", "Mon 1:00 UTC x",
]  # fmt: skip
SPANS = [
    "5", "5s", "1min 30s", "1min30s", "infinity", "1.5h", ".5s", "5 min", "1d12h", "3M", "0", "2h 5", "5 foo", "abc", "-5",
    "1e3", "5S", "1..5", "5min,", "5µs",
]  # fmt: skip


def systemd_takes(*arguments: str) -> bool:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("text", CALENDARS)
def test_a_calendar_expression_gets_the_verdict_of_systemd(text: str) -> None:
    assert (calendar_fault(text) is None) == systemd_takes("calendar", "--", text)


@pytest.mark.parametrize("text", SPANS)
def test_a_length_of_time_gets_the_verdict_of_systemd(text: str) -> None:
    assert (span_fault(text) is None) == systemd_takes("timespan", "--", text)


def test_every_option_of_the_installed_systemd_is_known() -> None:
    dump = subprocess.run(
        ["/usr/lib/systemd/systemd", "--dump-configuration-items"], capture_output=True, check=True, text=True
    ).stdout
    section, missing = "", []
    for line in dump.splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif "=" in line and line.partition("=")[0] not in options_of(section):
            missing.append((section, line))
    assert section in SECTIONS
    assert missing == []


def test_every_kind_of_value_has_its_check() -> None:
    used = {kind for section in SECTIONS for kind in options_of(section).values()}
    assert used - set(KINDS) == {"any", "exec"}
    assert set(KINDS) <= used


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("boolean", "Yes", "perhaps"),
        ("number", "0", "many"),
        ("mode", "01777", "0888"),
        ("path", "%t/app", "run/app"),
        ("paths", "-/a +/b", "/a b"),
        ("condition-path", "|!/a", "!a"),
        ("directory", "-~", "~root"),
        ("environment-file", "-/etc/%i.env", '"/etc/a"'),
        ("unit", "a@%i.service", "a"),
        ("units", "a.service %i b@x.target", "a.service # why"),
        ("units", "a.service b.target", "a.service,b.service"),
        ("units", "a.service", '"a.service"'),
        ("calendar", "0/2:00", "*/2:00"),
        ("calendar", "Thu *:10..20", "Thurs *:10..20"),
        ("calendar", "10..20:00", "20..10:00"),
        ("listen", "[::1]:80", "::1:80"),
        ("listen", "127.0.0.1:80", "localhost:80"),
        ("nice", "-20", "20"),
        ("documentation", "man:x(1) https://example.com", "example.com"),
        ("private", "disconnected", "si"),
        ("collect", "inactive-or-failed", "failed"),
        ("bind-ipv6", "both", "all"),
        ("environment", '"A=1 2" B=3', "A=1 2"),
        ("environment", "%i=3", "1A=3"),
        ("listen", "127.0.0.1:80", "127.0.0.1"),
        ("listen", "/run/a.sock", "70000"),
        ("listen", "65535", "9" * 5000),
        ("type", "oneshot", "Oneshot"),
        ("output", "append:/var/log/a", "file"),
        ("protect-system", "strict", "stricter"),
        ("protect-home", "True", "tmpfs,true"),
        ("seconds", "${TIMEOUT}", "soon"),
        ("calendar", "{{ when }}", "now"),
    ],
)
def test_a_value_of_a_kind_is_told_from_others(kind: str, good: str, bad: str) -> None:
    assert fault_of(kind, good) is None
    assert fault_of(kind, bad) is not None
    assert fault_of(kind, "") is None


def test_a_unit_has_the_sections_of_its_type() -> None:
    assert sections_for("a.target") == ("Unit", "Install")
    assert sections_for("a.service") == ("Unit", "Install", "Service")
    assert set(sections_for("a")) == set(SECTIONS)


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("docker run --rm --name web -p 80:80 img -d", {"--rm": "", "--name": "web", "-p": "80:80"}),
        ("docker run -it -p80:80 -e=A=1 img", {"-i": "", "-t": "", "-p": "80:80", "-e": "A=1"}),
        ("docker run -rm -name x -d=false img", {"-rm": "", "-name": "x", "-d": "false"}),
        ("docker run --publish=80:80 --privileged=true img -p 1:1", {"--publish": "80:80", "--privileged": "true"}),
        ("podman --log-level warn container run --replace -d img", {"--replace": "", "-d": ""}),
        ("docker -H unix:///x run -- -d", {}),
        ("docker run", {}),
    ],
)
def test_options_of_a_container_end_at_its_image(line: str, options: dict[str, str]) -> None:
    call = call_of(Command(Option("Service", "ExecStart", line, 1, 1), "", split_words(line)))
    assert call is not None
    assert call.verb == "run"
    assert dict(call.options) == options


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("web.*.service", "web.1.service", True),
        ("web.*.service", "web.service", False),
        ("web@*", "web@1.service", True),
        ("?.service", "a.service", True),
        ("[a-c].service", "b.service", True),
        ("[^a-c].service", "b.service", False),
        (r"\*.service", "*.service", True),
        (r"\*.service", "a.service", False),
        ("[]a].service", "a.service", False),
        (r"[&&\]x-z[].service", "].service", True),
        (r"[&&\]x-z[].service", "y.service", True),
        ("[^[].service", "[.service", False),
        ("[^].service", "a.service", False),
        ("*a" * 40, "a" * 250 + "b", False),
        ("a*b*", "axxbyy", True),
        ("[a", "a", False),
        ("a\\", "a", False),
        ("", "", True),
    ],
)
def test_patterns_match_as_in_go(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


def said_of(units: str, more: str = "") -> list[tuple[str, int]]:
    text = f"{HEAD}systemd:\n  units:\n{units}{more}"
    return [(found.code, found.span.line) for found in compile_document(text.encode(), "a.bu", Options()).diagnostics]


def service(name: str, command: str, more: str = "") -> str:
    return f"    - name: {name}\n{more}      contents: |\n        [Service]\n        ExecStart=/usr/bin/{command}\n"


@pytest.mark.parametrize(
    ("first", "second", "collide"),
    [
        ("docker run -p 80:1 a", "podman run --publish 80:2 b", True),
        ("docker run -p 127.0.0.1:80:1 a", "docker run -p 80:2 b", True),
        ("docker run -p 127.0.0.1:80:1 a", "docker run -p 127.0.0.2:80:2 b", False),
        ("docker run -p 53:53/udp a", "docker run -p 53:53 b", False),
        ("docker run -p 80 a", "docker run -p 80 b", False),
        (f"docker run -p {'9' * 1000}:80 a", f"docker run -p {'9' * 1000}:80 b", False),
        ('sh -c "exec docker run -p 80:1 a"', "docker run -p 80:2 b", True),
    ],
)
def test_ports_collide_on_the_same_address_and_protocol(first: str, second: str, collide: bool) -> None:
    found = said_of(service("a.service", first), service("b.service", second))
    assert found == ([("PV557", 12)] if collide else [])


def test_every_port_of_an_address_is_held_against_others() -> None:
    commands = ("127.0.0.1:80:1 a", "127.0.0.2:80:1 b", "127.0.0.2:80:1 c")
    units = [service(f"{name}.service", f"docker run -p {said}") for name, said in zip("abc", commands, strict=True)]
    assert said_of(units[0], units[1] + units[2]) == [("PV557", 16)]


def test_quotes_that_nothing_closes_take_no_time_in_a_key() -> None:
    assert fault_of_key('"' + '\\"' * 200) is None


def test_units_that_never_run_together_may_share_a_port() -> None:
    one, other = service("a.service", "docker run -p 80:1 a"), "docker run -p 80:1 b"
    assert said_of(one, service("b.service", other, "      enabled: false\n")) == []
    assert said_of(one, service("b@.service", other)) == []
    apart = service("b.service", other).replace("[Service]", "[Unit]\n        Conflicts=a.service\n        [Service]")
    assert said_of(one, apart) == []


TIMER = (
    "    - name: a.timer\n      enabled: true\n      contents: |\n        [Timer]\n        OnCalendar=daily\n"
    "        [Install]\n        WantedBy=timers.target\n"
)


@pytest.mark.parametrize(
    "path", ["/etc/systemd/system/a.service", "/etc/containers/systemd/a.container", "/etc/containers/systemd/x/a.kube"]
)
def test_the_service_of_a_timer_may_be_a_file(path: str) -> None:
    assert said_of(TIMER) == [("PV554", 7)]
    assert said_of(TIMER, f"storage:\n  files:\n    - path: {path}\n      contents:\n        inline: x\n") == []


@pytest.mark.parametrize(
    ("name", "place", "fault"),
    [
        ("var-lib-a.mount", "Where=/var/lib/a/", False),
        ("var-lib-a.mount", "Where=/var/lib/./a", False),
        ("var-lib-b.mount", "Where=/var/lib/a", True),
        ("'var-my\\x2ddata.mount'", "Where=/var/my-data", False),
        ("'var-my\\x2Ddata.mount'", "Where=/var/my-data", True),
        ("var-%i.mount", "Where=/var/%i", False),
        ("'dev-disk-by\\x2dlabel-data.swap'", "What=LABEL=data", False),
        ("dev-vdb.swap", "What=/dev/vdb", False),
        ("dev-vdb.swap", "What=/dev/vdc", True),
    ],
)
def test_a_mount_is_called_after_its_path(name: str, place: str, fault: bool) -> None:
    section = "Swap" if ".swap" in name else "Mount"
    more = "        What=/dev/vdb\n" if section == "Mount" else ""
    found = said_of(f"    - name: {name}\n      contents: |\n        [{section}]\n{more}        {place}\n")
    assert [code for code, _ in found if code == "PV553"] == (["PV553"] if fault else [])


def test_the_codes_of_units_speak_of_their_source() -> None:
    own = [row for code, row in CODES.items() if "PV560" <= code <= "PV599"]
    assert len(own) > 20
    assert all("Source: " in row.doc for row in own if row.code not in ("PV594",))
