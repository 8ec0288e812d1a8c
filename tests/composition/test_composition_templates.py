"""Templates in a build: their values, their places, and their secrets."""

from pathlib import Path

from composition_shared import built, config_of, told

from provision.transpile.author import Options

FILE = """\
{{#
description: A file.
parameters:
  path: {{type: string, format: path, description: x}}
  text: {{type: string, secret: true, description: x}}
  mode: {{type: string, default: "0640", description: x}}
#}}
variant: fcos
version: 1.5.0
storage:
  files:
    - path: {{{{ path }}}}
      mode: {{{{ mode }}}}
      contents:
        inline: {text}
"""
TEMPLATE = FILE.format(text="{{ text }}")
PLAIN = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/motd\n      mode: 0644\n      contents:\n        inline: hello\n"


def options(*values: str) -> Options:
    return Options(values=tuple((name, value) for name, _, value in (text.partition("=") for text in values)))


def test_a_template_takes_part(tmp_path: Path) -> None:
    done = built(tmp_path, options=options("path=/etc/a", "text=geheim"), a_bu=PLAIN, b_bu_j2=TEMPLATE)
    assert [file["path"] for file in config_of(done)["storage"]["files"]] == ["/etc/motd", "/etc/a"]


def test_a_conflict_is_told_at_the_line_of_the_template(tmp_path: Path) -> None:
    done = built(tmp_path, options=options("path=/etc/motd", "text=geheim", "mode=0600"), a_bu=PLAIN, b_bu_j2=TEMPLATE)
    assert told(done) == ["b.bu.j2:13:13 PV790", "b.bu.j2:15:17 PV790"]
    reverse = built(
        tmp_path, options=options("path=/etc/motd", "text=geheim", "mode=0600"), b_bu_j2=TEMPLATE, c_bu=PLAIN
    )
    assert reverse.diagnostics[0].message.endswith(f"{tmp_path}/b.bu.j2:13:13")


def test_secrets_of_one_document_are_in_no_problem_of_another(tmp_path: Path) -> None:
    user = "variant: fcos\nversion: 1.5.0\npasswd:\n  users: [{name: core, home_dir: /home/other}]\n"
    template = TEMPLATE + "passwd:\n  users: [{name: core, home_dir: '/home/{{ text }}'}]\n"
    done = built(tmp_path, options=options("path=/etc/a", "text=geheim"), b_bu_j2=template, c_bu=user)
    (found,) = done.diagnostics
    assert found.message.startswith("`home_dir` of passwd.users core is /home/other here and /home/… at ")


def test_a_value_for_one_template_is_no_mistake_for_another(tmp_path: Path) -> None:
    other = "{#\ndescription: x\nparameters:\n  name: {type: string, description: x}\n#}\nvariant: fcos\nversion: 1.5.0\npasswd:\n  users: [{name: '{{ name }}'}]\n"
    values = options("path=/etc/a", "text=geheim", "name=core")
    assert config_of(built(tmp_path, options=values, a_bu_j2=other, b_bu_j2=TEMPLATE))["passwd"]["users"] == [
        {"name": "core"}
    ]


def test_a_value_that_no_template_takes_is_told_once(tmp_path: Path) -> None:
    values = options("path=/etc/a", "text=geheim", "nmae=core")
    assert told(built(tmp_path, options=values, a_bu_j2=TEMPLATE, b_bu_j2=TEMPLATE)) == ["--set:3:1 PV784"]


def test_a_comment_in_a_template_takes_the_later_value(tmp_path: Path) -> None:
    template = TEMPLATE.replace("      mode:", "      # provision: ignore[PV790] ours is right\n      mode:").replace(
        "      contents:\n        inline",
        "      contents:\n        # provision: ignore[PV790] ours is right\n        inline",
    )
    values = options("path=/etc/motd", "text=geheim", "mode=0600")
    config = config_of(built(tmp_path, options=values, a_bu=PLAIN, b_bu_j2=template))
    assert config["storage"]["files"][0]["mode"] == 0o600


def test_a_template_that_gives_nothing_fails_the_build(tmp_path: Path) -> None:
    done = built(tmp_path, options=options("path=relative"), a_bu=PLAIN, b_bu_j2=TEMPLATE)
    assert done.failed
    assert {each.code for each in done.diagnostics} == {"PV783", "PV785"}
    assert f"{tmp_path}/b.bu.j2" in done.sources
