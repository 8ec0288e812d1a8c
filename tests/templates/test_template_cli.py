"""`provision template list|show|render|new`, and templates in the commands that take configs."""

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_console import COLUMNS, SCRIPT, on_terminal, provision
from jsonschema import Draft202012Validator

WEB = """\
{#
description: A web server with a token.
family: machines
parameters:
  hostname: {type: string, format: hostname, description: Its name.}
  port: {type: integer, minimum: 1, maximum: 65535, default: 8080, description: Where it listens.}
  token: {type: string, minLength: 8, secret: true, description: What callers show.}
#}
variant: fcos
version: 1.6.0
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents:
        inline: {{ hostname }}
    - path: /etc/web.env
      mode: 0600
      contents:
        inline: |
          PORT={{ port }}
          TOKEN={{ token }}
"""
TOKEN = "hunter2-hunter2"
VALUES = ("--set", "hostname=box", "--set", f"token={TOKEN}")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "web.bu.j2").write_text(WEB)
    return tmp_path


# ---- list and show ----------------------------------------------------------------------------------------------


def test_the_library_is_listed_by_family() -> None:
    ran = provision("template", "list")
    assert (ran.code, ran.err) == (0, "")
    assert re.search(r"^clusters$", ran.out, re.M)
    assert re.search(r"^  k3s-server +The server", ran.out, re.M)
    assert max(map(len, ran.out.splitlines())) <= COLUMNS
    rows = json.loads(provision("template", "list", "--json").out)
    assert len(rows) >= 24
    assert set(rows[0]) == {"name", "family", "description", "file", "output", "parameters"}


def test_a_library_of_ones_own_is_listed_with_ours(here: Path) -> None:
    rows = json.loads(provision("template", "list", "--json", "--path", here).out)
    assert rows[0] == {
        "name": "web", "family": "machines", "description": "A web server with a token.", "file": f"{here}/web.bu.j2",
        "output": "web.bu", "parameters": ["hostname", "port", "token"],
    }  # fmt: skip
    assert len(rows) > 24


def test_a_broken_template_is_told_and_the_others_are_listed(here: Path) -> None:
    (here / "bad.bu.j2").write_text("variant: fcos\n")
    ran = provision("template", "list", "--path", here)
    assert ran.code == 1
    assert "  web " in ran.out
    assert ran.err.startswith(f"{here}/bad.bu.j2:1:1: error[PV781]: the template has no header")


def test_a_path_that_is_not_there_is_told(here: Path) -> None:
    for command in (["list"], ["show", "web"], ["render", "web"], ["new", "web"]):
        ran = provision("template", *command, "--path", "nowhere", cwd=here)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("nowhere:1:1: error[PV789]: there is no such folder or zip")


def test_a_template_is_shown_with_its_parameters(here: Path) -> None:
    ran = provision("template", "show", "web", "--path", here)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:2] == ["web (machines)", "A web server with a token."]
    rows = [re.split(r" {2,}", line) for line in ran.out.splitlines() if line]
    assert ["port", "integer, 1 to 65535", "8080"] in [row[:3] for row in rows]
    assert ["token", "string, at least 8 characters (secret)", "required"] in [row[:3] for row in rows]
    assert "Where it listens." in ran.out
    assert max(map(len, ran.out.replace(str(here), "").splitlines())) <= COLUMNS
    wide = provision("template", "show", "web", "--path", here, env={"COLUMNS": "140"}).out
    assert re.search(r"^hostname +string, a host name +required +Its name\.$", wide, re.M)


def test_show_gives_the_schema_of_values(here: Path) -> None:
    shown = json.loads(provision("template", "show", here / "web.bu.j2", "--json").out)
    assert [row["name"] for row in shown["parameters"]] == ["hostname", "port", "token"]
    assert shown["parameters"][2]["secret"] is True
    assert "secret" not in shown["parameters"][2]["schema"]
    Draft202012Validator.check_schema(shown["schema"])
    assert Draft202012Validator(shown["schema"]).is_valid({"hostname": "a", "token": "12345678"})
    assert not Draft202012Validator(shown["schema"]).is_valid({"hostname": "a"})


def test_a_template_that_does_not_exist_is_wrong_usage() -> None:
    ran = provision("template", "show", "k3s-servre")
    assert (ran.code, ran.out, ran.err) == (
        2,
        "",
        "provision: there is no template k3s-servre; did you mean k3s-server?\n",
    )
    assert provision("template", "render", "zzzzzz").err.endswith("`provision template list` lists them\n")
    assert (
        "no such file" in provision("template", "render", "gone.bu.j2").err
        or provision("template", "render", "gone.bu.j2").code == 2
    )


# ---- render -----------------------------------------------------------------------------------------------------


def test_a_template_is_rendered_to_output_or_a_file(here: Path) -> None:
    ran = provision("template", "render", "web", "--path", here, *VALUES)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("variant: fcos\n")
    assert f"          TOKEN={TOKEN}\n" in ran.out
    assert provision("template", "render", "web", "--path", here, *VALUES, "-o", "out.bu", cwd=here).out == ""
    assert (here / "out.bu").read_text() == ran.out
    assert stat.S_IMODE((here / "out.bu").stat().st_mode) == 0o600
    assert provision("validate", "--strict", here / "out.bu").code == 0


def test_values_come_from_files_the_environment_and_set(here: Path) -> None:
    (here / "v.yaml").write_text("hostname: from-file\nport: 1\ntoken: 12345678\n")
    env = {"PROVISION_VAR_port": "2", "PROVISION_VAR_hostname": "from-env"}
    base = ("template", "render", "web.bu.j2")
    assert "PORT=1\n" in provision(*base, "--values", "v.yaml", cwd=here, env=env).out
    assert "from-file" in provision(*base, "--values", "v.yaml", cwd=here, env=env).out
    assert "PORT=2\n" in provision(*base, *VALUES, cwd=here, env=env).out
    assert "PORT=3\n" in provision(*base, "--set", "port=3", "--values", "v.yaml", cwd=here, env=env).out


def test_nothing_is_written_where_something_is_wrong(here: Path) -> None:
    ran = provision(
        "template", "render", "web.bu.j2", "--set", "port=a", "--set", "token=short", "-o", "out.bu", cwd=here
    )
    assert (ran.code, ran.out) == (1, "")
    assert [line.split(" ")[0] for line in ran.err.splitlines()] == ["--set:1:6:", "--set:2:7:", "web.bu.j2:5:3:", "3"]
    assert "short" not in ran.err
    assert not (here / "out.bu").exists()


def test_problems_are_framed_on_a_terminal(here: Path) -> None:
    ran = provision("template", "render", "web.bu.j2", "--set", "hostname=-", "--format", "full", *VALUES[2:], cwd=here)
    assert "--> --set:1:10\n" in ran.err
    assert " 1 | hostname=-\n   |          ^\n 2 | token=…\n" in ran.err


def test_every_format_of_reports_works(here: Path) -> None:
    for format in ("json", "sarif", "github", "gitlab", "junit", "concise"):
        ran = provision("template", "render", "web.bu.j2", "--format", format, cwd=here)
        assert ran.code == 1
        assert "hostname" in ran.err


# ---- new --------------------------------------------------------------------------------------------------------


def test_new_writes_a_file_of_values_without_asking_where_nobody_is(here: Path) -> None:
    ran = provision("template", "new", "web.bu.j2", *VALUES, cwd=here)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "web.yaml written; next: provision template render web.bu.j2 --values web.yaml -o web.bu\n"
    text = (here / "web.yaml").read_text()
    assert "# Its name. (string, a host name)\nhostname: box\n" in text
    assert "# Where it listens. (integer, 1 to 65535)\n# port: 8080\n" in text
    assert f"token: {TOKEN}\n" in text
    assert stat.S_IMODE((here / "web.yaml").stat().st_mode) == 0o600
    assert provision("template", "render", "web.bu.j2", "--values", "web.yaml", cwd=here).code == 0


def test_new_never_asks_without_a_terminal_and_writes_nothing_then(here: Path) -> None:
    ran = provision("template", "new", "web.bu.j2", "--set", "hostname=box", cwd=here, stdin="answer\nanswer\n")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("web.bu.j2:7:3: error[PV783]: `token` has no value and no default")
    assert not (here / "web.yaml").exists()


def test_new_leaves_a_file_that_is_there(here: Path) -> None:
    (here / "web.yaml").write_text("mine\n")
    ran = provision("template", "new", "web.bu.j2", *VALUES, cwd=here)
    assert (ran.code, ran.err) == (
        2,
        "provision: web.yaml is there already; name another file with -o, or move it away\n",
    )
    assert (here / "web.yaml").read_text() == "mine\n"
    assert provision("template", "new", "web.bu.j2", *VALUES, "-o", "other.yaml", cwd=here).code == 0


def test_new_does_not_take_what_does_not_fit(here: Path) -> None:
    ran = provision("template", "new", "web.bu.j2", "--set", "hostname=a b", "--set", "token=short", cwd=here)
    assert ran.code == 1
    assert "PV785" in ran.err
    assert "short" not in ran.err
    assert not (here / "web.yaml").exists()


def test_new_asks_on_a_terminal_with_defaults_and_checks(here: Path) -> None:
    def answer(wait_for: Callable[[str], None], press: Callable[[str], None]) -> None:
        wait_for("hostname: ")
        press("no name\n")
        wait_for("must be a host name")
        press("box\n")
        wait_for("port [8080]: ")
        press("\n")
        wait_for("token: What callers show.")
        wait_for("  token: ")
        press("\n")
        wait_for("without writing anything\r\n  token: ")
        press(f"{TOKEN}\n")

    out = str(here / "made.yaml")
    ran = on_terminal(SCRIPT, "template", "new", str(here / "web.bu.j2"), "-o", out, meanwhile=answer)
    assert ran.code == 0, ran.out
    assert TOKEN not in ran.out  # what is typed for a secret is not shown
    text = Path(out).read_text()
    assert "\nhostname: box\n" in text
    assert "\n# port: 8080\n" in text
    assert f"\ntoken: {TOKEN}\n" in text


def test_new_asks_only_for_what_is_not_given(here: Path) -> None:
    def answer(wait_for: Callable[[str], None], press: Callable[[str], None]) -> None:
        wait_for("port [8080]: ")
        press("99\n")

    out = str(here / "made.yaml")
    ran = on_terminal(SCRIPT, "template", "new", str(here / "web.bu.j2"), "-o", out, *VALUES, meanwhile=answer)
    assert ran.code == 0, ran.out
    assert "hostname: Its name" not in ran.out
    assert "\nport: 99\n" in Path(out).read_text()


def test_new_writes_nothing_where_answers_end(here: Path) -> None:
    def leave(wait_for: Callable[[str], None], press: Callable[[str], None]) -> None:
        wait_for("hostname: ")
        press("\x04")

    out = str(here / "made.yaml")
    ran = on_terminal(SCRIPT, "template", "new", str(here / "web.bu.j2"), "-o", out, meanwhile=leave)
    assert ran.code == 1
    assert "nothing was written" in ran.out
    assert not os.path.exists(out)


# ---- templates in other commands --------------------------------------------------------------------------------


def test_a_template_is_transpiled_in_one_step(here: Path) -> None:
    ran = provision("transpile", "web.bu.j2", *VALUES, cwd=here)
    assert (ran.code, ran.err) == (0, "")
    assert "data:,box" in ran.out
    assert ran == provision("transpile", stdin=provision("template", "render", "web.bu.j2", *VALUES, cwd=here).out)


def test_a_template_is_validated_with_its_values(here: Path) -> None:
    assert provision("validate", "--strict", "web.bu.j2", *VALUES, cwd=here).err == "1 file: no problems\n"
    ran = provision("validate", "web.bu.j2", "--set", "hostnam=box", cwd=here)
    assert ran.code == 1
    assert "--set:1:1: error[PV784]: the template has no parameter `hostnam` (did you mean `hostname`?)" in ran.out


def test_several_templates_are_validated_in_processes(here: Path) -> None:
    files = []
    for number in range(70):
        files.append(here / f"t{number}.bu.j2")
        files[-1].write_text(WEB.replace("0644", "644"))
    ran = provision("validate", "-j", "2", "--format", "json", *files, *VALUES)
    found = json.loads(ran.out)
    assert found["files"] == 70
    assert {(each["code"], each["line"]) for each in found["diagnostics"]} == {("PV605", 14)}
    assert len(found["diagnostics"]) == 70


def test_variables_of_a_format_go_on_to_what_is_rendered(here: Path) -> None:
    text = "{# {description: x, parameters: {name: {type: string, description: x}}} #}\n#cloud-config\nhostname: {{ name }}-$private_ipv4\n"
    (here / "old.yaml.j2").write_text(text)
    ran = provision("transpile", "old.yaml.j2", "--set", "name=a", "--set", "private_ipv4=10.0.0.5", cwd=here)
    assert ran.code == 0, ran.err
    assert "a-10.0.0.5" in ran.out
    ran = provision("transpile", "old.yaml.j2", "--set", "name=a", "--set", "private_ip=10.0.0.5", cwd=here)
    assert "error[PV784]: the template has no parameter `private_ip` (did you mean `private_ipv" in ran.err


def test_a_source_map_speaks_of_the_template(here: Path) -> None:
    assert provision("transpile", "web.bu.j2", *VALUES, "--source-map", "map.json", cwd=here).code == 0
    places = json.loads((here / "map.json").read_text())["places"]
    assert places["storage.files /etc/web.env"] == {"file": "web.bu.j2", "line": 17, "column": 7}


def test_a_secret_is_in_no_output_but_the_config(here: Path) -> None:
    (here / "root").mkdir()
    text = WEB.replace("/etc/web.env", "/etc/{{ token }}").replace("PORT=", "TOKEN2={{ token | b64 }}\n          PORT=")
    (here / "web.bu.j2").write_text(text)
    for command in (
        ("validate", "web.bu.j2", "--format", "full"), ("apply", "web.bu.j2", "--dry-run", "--root", "root"), ("inspect", "web.bu.j2"),
        ("inspect", "web.bu.j2", "--json"), ("plan", "web.bu.j2"), ("plan", "web.bu.j2", "--json"),
    ):  # fmt: skip
        ran = provision(*command, *VALUES, cwd=here)
        assert ran.code == 0, ran.err
        assert TOKEN not in ran.out + ran.err, command
    assert TOKEN in provision("transpile", "web.bu.j2", *VALUES, cwd=here).out


def test_values_or_templates_that_are_not_there_are_told(here: Path) -> None:
    ran = provision("validate", "web.bu.j2", "--values", "gone.yaml", cwd=here)
    assert (ran.code, ran.err.splitlines()[-1]) == (2, "provision: gone.yaml: no such file or directory")
    ran = provision("transpile", "gone.bu.j2", cwd=here)
    assert (ran.code, ran.err) == (2, "provision: gone.bu.j2: no such file or directory\n")
    assert provision("transpile", "web.bu.j2", "--set", "hostname", cwd=here).code == 2


def test_a_plain_config_takes_no_note_of_files_of_values(here: Path) -> None:
    (here / "plain.bu").write_text("variant: fcos\nversion: 1.6.0\n")
    (here / "v.yaml").write_text("a: 1\n")
    assert provision("validate", "plain.bu", "web.bu.j2", "--values", "v.yaml", cwd=here).code == 1
    assert provision("validate", "plain.bu", "--values", "v.yaml", cwd=here).code == 0
