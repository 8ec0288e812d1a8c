"""Configs that refer to others: order, nesting, replacement, settings, loops and limits, over real servers."""

import gzip
import hashlib
import itertools
import time
from collections.abc import Mapping

import pytest
from stages_machine import Json, Machine, data_url, document, files, lines_with, machine, referring
from stages_shared import Route, Server, answer, by_turns, certificates, serving, short, stalling

from provision.apply.fetch import Refused
from provision.apply.references import MAX_DEPTH

__all__ = ["machine"]

BUTANE = b"""variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/butane
      contents:
        inline: from YAML
"""


def served(configs: Mapping[str, Json]) -> dict[str, Route]:
    """Routes to configs."""
    return {f"/{name}": answer(200, document(config)) for name, config in configs.items()}


def replace_routes(server: Server, configs: Mapping[str, Json]) -> None:
    """The same, once the server's own place is known."""
    server.routes = {**server.routes, **served(configs)}


def contents(machine: Machine) -> dict[str, str]:
    """What the files of the cached config hold."""
    return {each["path"]: each["contents"]["source"].partition(",")[2] for each in machine.cached()["storage"]["files"]}


def fetched(machine: Machine, config: Json) -> dict[str, str]:
    """Fetch and render; what the files hold."""
    ended = machine.run("fetch", config=config)
    assert ended.status == 0, ended.said
    return contents(machine)


def refused(machine: Machine, config: Json) -> str:
    """Fetch what must not succeed; the cause."""
    ended = machine.run("fetch", config=config)
    assert ended.status == 1, ended.said
    assert not machine.cache.exists()
    return ended.block["cause"]


# ---- order and nesting ----------------------------------------------------------------------------------------------


def test_later_children_win_over_earlier_ones_and_over_the_parent(machine: Machine) -> None:
    one, two = files("/a", "/b", text="one"), files("/b", text="two")
    with serving(served({"one": one, "two": two})) as server:
        parent = referring(f"{server.url}/one", f"{server.url}/two", **files("/a", "/b", "/c", text="parent"))
        assert fetched(machine, parent) == {"/a": "one", "/b": "two", "/c": "parent"}
        assert [seen.path for seen in server.seen] == ["/one", "/two"]


def test_grandchildren_are_merged_depth_first(machine: Machine) -> None:
    with serving({}) as server:
        replace_routes(server, {
            "one": referring(f"{server.url}/deep", **files("/a", "/b", text="one")),
            "deep": files("/a", "/c", text="deep"),
            "two": files("/c", text="two"),
        })  # fmt: skip
        parent = referring(f"{server.url}/one", f"{server.url}/two", **files("/a", text="parent"))
        assert fetched(machine, parent) == {"/a": "deep", "/b": "one", "/c": "two"}
        assert [seen.path for seen in server.seen] == ["/one", "/deep", "/two"]


def test_a_child_takes_fields_one_by_one(machine: Machine) -> None:
    child = {"storage": {"files": [{"path": "/a", "mode": 384, "append": [{"source": "data:,more"}]}]}}
    with serving(served({"child": child})) as server:
        machine.run("fetch", config=referring(f"{server.url}/child", **files("/a", mode=420, text="kept")))
    (found,) = machine.cached()["storage"]["files"]
    assert (found["mode"], found["contents"]["source"]) == (384, "data:,kept")
    assert [each["source"] for each in found["append"]] == ["data:,more"]


def test_lists_are_united_as_the_sheet_says(machine: Machine) -> None:
    parent: Json = {
        "kernelArguments": {"shouldExist": ["a", "b"]},
        "passwd": {"users": [{"name": "core", "groups": ["x", "y"], "sshAuthorizedKeys": ["k1"]}]},
        "systemd": {"units": [{"name": "a.service", "enabled": True}, {"name": "b.service", "enabled": True}]},
    }
    child = {
        "kernelArguments": {"shouldExist": ["c"], "shouldNotExist": ["a"]},
        "passwd": {"users": [{"name": "core", "groups": ["y", "z"], "sshAuthorizedKeys": ["k1", "k2"]}]},
        "systemd": {"units": [{"name": "c.service", "enabled": True}, {"name": "a.service", "mask": True}]},
    }
    with serving(served({"child": child})) as server:
        assert machine.run("fetch", config=referring(f"{server.url}/child", **parent)).status == 0
    found = machine.cached()
    assert found["kernelArguments"] == {"shouldExist": ["b", "c"], "shouldNotExist": ["a"]}
    (user,) = found["passwd"]["users"]
    assert (user["groups"], user["sshAuthorizedKeys"]) == (["x", "y", "z"], ["k1", "k2"])
    assert found["systemd"]["units"] == [
        {"name": "a.service", "enabled": True, "mask": True}, {"name": "b.service", "enabled": True},
        {"name": "c.service", "enabled": True},
    ]  # fmt: skip


def test_a_file_becomes_a_link_where_the_child_says_so(machine: Machine) -> None:
    child = {"storage": {"links": [{"path": "/a", "target": "/b"}]}}
    with serving(served({"child": child})) as server:
        assert machine.run("fetch", config=referring(f"{server.url}/child", **files("/a", "/b"))).status == 0
    assert machine.paths() == ["/b"]


def test_two_sound_halves_that_make_no_whole_are_refused(machine: Machine) -> None:
    child = {"storage": {"links": [{"path": "/a", "target": "/b"}]}}
    with serving(served({"child": child})) as server:
        cause = refused(machine, referring(f"{server.url}/child", **files("/a/b")))
    assert "merging resulted in an invalid config" in cause


def test_children_of_older_specs_are_understood(machine: Machine) -> None:
    child = {"ignition": {"version": "3.0.0"}, **files("/a", mode=0o7755)}
    with serving(served({"child": child})) as server:
        assert fetched(machine, referring(f"{server.url}/child")) == {"/a": "x"}
    assert machine.cached()["storage"]["files"][0]["mode"] == 0o755


def test_the_cache_refers_to_nothing_any_more(machine: Machine) -> None:
    with serving(served({"child": files("/a")})) as server:
        fetched(machine, referring(f"{server.url}/child"))
    assert "merge" not in machine.cached()["ignition"].get("config", {})
    assert machine.run("files").status == 0


def test_the_state_names_paths_of_urls_without_their_secrets(machine: Machine) -> None:
    with serving(served({"child": referring(data_url(document(files("/b"))))})) as server:
        url = server.url.replace("://", "://user:geheim@")
        machine.run("fetch", config=referring(f"{url}/child?token=geheim#geheim"))
    assert machine.kept()["fetchedConfigs"] == [
        {"kind": "user", "source": "file", "referenced": False},
        {"kind": "user", "source": "/child", "referenced": True},
        {"kind": "user", "source": "", "referenced": True},
    ]
    assert "geheim" not in machine.state.read_text()


# ---- replace --------------------------------------------------------------------------------------------------------


def test_a_replacement_discards_the_config_and_its_merges(machine: Machine) -> None:
    with serving(served({"new": files("/new")})) as server:
        old: Json = {
            "ignition": {
                "config": {"replace": {"source": f"{server.url}/new"}, "merge": [{"source": f"{server.url}/m"}]}
            },
            **files("/old"),
        }
        assert list(fetched(machine, old)) == ["/new"]
        assert [seen.path for seen in server.seen] == ["/new"]


def test_a_replacement_may_be_replaced_and_merge(machine: Machine) -> None:
    with serving({}) as server:
        replace_routes(server, {
            "one": referring(replace=f"{server.url}/two", **files("/one")),
            "two": referring(f"{server.url}/three", **files("/two")),
            "three": files("/three"),
        })  # fmt: skip
        assert list(fetched(machine, referring(replace=f"{server.url}/one"))) == ["/two", "/three"]


def test_a_child_may_be_replaced(machine: Machine) -> None:
    with serving({}) as server:
        replace_routes(server, {
            "child": referring(replace=f"{server.url}/new", **files("/child")), "new": files("/new"),
        })  # fmt: skip
        assert list(fetched(machine, referring(f"{server.url}/child", **files("/parent")))) == ["/parent", "/new"]


def test_a_replacement_does_not_inherit_timeouts(machine: Machine) -> None:
    def slow(handler: object) -> None:
        time.sleep(3.2)
        answer(200, document(files("/deep")))(handler)  # type: ignore[arg-type]

    with serving({"/deep": slow}) as server:
        replace_routes(server, {"new": referring(f"{server.url}/deep")})
        old = referring(replace=f"{server.url}/new", ignition={"timeouts": {"httpTotal": 3}})
        assert list(fetched(machine, old)) == ["/deep"]


def test_a_replacement_without_authorities_keeps_those_that_there_were(machine: Machine) -> None:
    with serving({}) as plain, serving(served({"deep": files("/deep")}), certificates().context("good")) as closed:
        replace_routes(plain, {"new": referring(f"{closed.url}/deep")})
        old = referring(replace=f"{plain.url}/new", ignition=trusting())
        assert list(fetched(machine, old)) == ["/deep"]


# ---- settings -------------------------------------------------------------------------------------------------------


def trusting(name: str = "ca") -> Json:
    """Settings that trust the authority of the tests."""
    return {"security": {"tls": {"certificateAuthorities": [{"source": data_url(certificates().pem(name))}]}}}


def test_children_are_fetched_by_the_settings_of_their_parent(machine: Machine) -> None:
    with serving(served({"child": files("/a")}), certificates().context("good")) as server:
        assert list(fetched(machine, referring(f"{server.url}/child", ignition=trusting()))) == ["/a"]


def test_grandchildren_are_fetched_by_the_settings_of_both(machine: Machine) -> None:
    with serving({}) as plain, serving(served({"deep": files("/deep")}), certificates().context("good")) as closed:
        replace_routes(plain, {"child": referring(f"{closed.url}/deep", ignition=trusting())})
        assert list(fetched(machine, referring(f"{plain.url}/child"))) == ["/deep"]
        replace_routes(plain, {"child": referring(f"{closed.url}/deep")})
        assert list(fetched(machine, referring(f"{plain.url}/child", ignition=trusting()))) == ["/deep"]


def test_later_children_are_fetched_by_the_settings_of_earlier_ones(machine: Machine) -> None:
    first: Json = {"ignition": trusting()}
    with (
        serving(served({"first": first})) as plain,
        serving(served({"second": files("/a")}), certificates().context("good")) as closed,
    ):
        assert list(fetched(machine, referring(f"{plain.url}/first", f"{closed.url}/second"))) == ["/a"]


def test_the_timeouts_of_the_newest_config_count(machine: Machine) -> None:
    with serving({"/slow": stalling(b"{")}) as server:
        replace_routes(server, {"child": referring(f"{server.url}/slow", ignition={"timeouts": {"httpTotal": 1}})})
        cause = refused(machine, referring(f"{server.url}/child"))
    assert "in time" in cause
    assert "in 1 s" in cause


def test_files_are_fetched_by_the_settings_of_the_whole(machine: Machine) -> None:
    with (
        serving(served({"child": {"ignition": trusting()}})) as plain,
        serving({"/a": answer(200, b"content")}, certificates().context("good")) as closed,
    ):
        wanted: Json = {"storage": {"files": [{"path": "/etc/a", "contents": {"source": f"{closed.url}/a"}}]}}
        ended = machine.run("fetch,files", config=referring(f"{plain.url}/child", **wanted))
    assert ended.status == 0, ended.said
    assert (machine.root / "etc/a").read_text() == "content"


def test_authorities_are_cached_with_their_content(machine: Machine) -> None:
    bundle = certificates().pem("ca")
    with serving({"/ca": by_turns(answer(200, gzip.compress(bundle)), answer(404))}) as server:
        authority = {
            "source": f"{server.url}/ca", "compression": "gzip", "httpHeaders": [{"name": "X-A", "value": "b"}],
        }  # fmt: skip
        wanted = {"security": {"tls": {"certificateAuthorities": [authority]}}}
        assert machine.run("fetch", config={"ignition": wanted}).status == 0
    (kept,) = machine.cached()["ignition"]["security"]["tls"]["certificateAuthorities"]
    assert kept == {"source": data_url(bundle)}
    assert machine.run("files").status == 0


# ---- loops, depth, size ---------------------------------------------------------------------------------------------


def test_a_config_that_merges_itself_is_refused(machine: Machine) -> None:
    with serving({}) as server:
        replace_routes(server, {"a": referring(f"{server.url}/a")})
        cause = refused(machine, referring(f"{server.url}/a"))
        assert len(server.seen) == 1
    assert "/a refers to itself" in cause


@pytest.mark.parametrize("key", ["merge", "replace"])
def test_configs_that_refer_to_each_other_are_refused(key: str, machine: Machine) -> None:
    with serving({}) as server:
        names = {"a": "b", "b": "c", "c": "a"}
        replace_routes(server, {
            name: referring(f"{server.url}/{other}") if key == "merge" else referring(replace=f"{server.url}/{other}")
            for name, other in names.items()
        })  # fmt: skip
        cause = refused(machine, referring(f"{server.url}/a"))
        assert [seen.path for seen in server.seen] == ["/a", "/b", "/c"]
    assert "/a refers to itself, by way of other configs" in cause


def test_one_config_may_be_merged_in_two_places(machine: Machine) -> None:
    with serving({}) as server:
        replace_routes(server, {
            "a": referring(f"{server.url}/shared"), "b": referring(f"{server.url}/shared"), "shared": files("/s"),
        })  # fmt: skip
        assert list(fetched(machine, referring(f"{server.url}/a", f"{server.url}/b"))) == ["/s"]


def test_a_chain_without_end_is_refused(machine: Machine) -> None:
    def endless(handler: object) -> None:
        server = handler.server  # type: ignore[attr-defined]  # the handler of the servers
        number = int(handler.path[1:]) + 1  # type: ignore[attr-defined]
        answer(200, document(referring(f"{server.url}/{number}")))(handler)  # type: ignore[arg-type]

    with serving({"*": endless}) as server:
        cause = refused(machine, referring(f"{server.url}/0"))
        assert len(server.seen) == MAX_DEPTH
    assert f"more than {MAX_DEPTH} configs refer to each other" in cause


def test_a_chain_as_long_as_it_may_be_is_followed(machine: Machine) -> None:
    with serving({}) as server:
        names = [f"c{number}" for number in range(MAX_DEPTH)]
        links = {name: referring(f"{server.url}/{other}") for name, other in itertools.pairwise(names)}
        replace_routes(server, {**links, names[-1]: files("/end")})
        assert list(fetched(machine, referring(f"{server.url}/{names[0]}"))) == ["/end"]


def test_a_chain_of_data_urls_needs_no_network(machine: Machine) -> None:
    inner = files("/inner")
    for _ in range(5):
        inner = referring(data_url(document(inner)))
    ended = machine.run("fetch-offline", config=inner)
    assert ended.status == 0, ended.said
    assert machine.paths() == ["/inner"]
    assert not machine.neednet.exists()


# ---- what is wrong with a child ---------------------------------------------------------------------------------------


CHILDREN = {
    "an empty one": (b"", "the config is empty"),
    "one of blanks": (b" \n", "the config is empty"),
    "truncated JSON": (b'{"ignition": {"version": "3.4.0"}, "sto', "not JSON"),
    "an unknown version": (document({"ignition": {"version": "2.3.0"}}), "'2.3.0' is not known"),
    "a broken rule": (document({"storage": {"files": [{"path": "a"}]}}), "storage.files[0].path"),
    "a list": (b"[1]", "a JSON object is due"),
    "no text": (b"{\xff}", "not UTF-8"),
    "HTML": (b"<html><body>Please log in</body></html>", "not JSON"),
}


@pytest.mark.parametrize("name", CHILDREN)
def test_a_bad_child_is_an_error_that_names_it(name: str, machine: Machine) -> None:
    content, message = CHILDREN[name]
    with serving({"/child": answer(200, content)}) as server:
        ended = machine.run("fetch", config=referring(f"{server.url}/child", **files("/parent")))
    assert ended.status == 1
    assert "ignition.config.merge[0]" in ended.block["cause"]
    assert "/child) is not a valid config" in ended.block["cause"]
    assert message in ended.stderr
    assert not machine.cache.exists()


def test_an_empty_child_in_a_data_url_is_an_error(machine: Machine) -> None:
    assert "merge[0] is not a valid config" in refused(machine, referring("data:,", **files("/parent")))


def test_an_empty_replacement_is_an_error(machine: Machine) -> None:
    with serving({"/new": answer(200, b"")}) as server:
        cause = refused(machine, referring(replace=f"{server.url}/new", **files("/parent")))
    assert "ignition.config.replace" in cause


def test_a_child_that_is_missing_is_an_error(machine: Machine) -> None:
    with serving({}) as server:
        cause = refused(machine, referring(f"{server.url}/child"))
    assert cause.startswith("ignition.config.merge[0]: ")
    assert f"{server.url}/child" in cause


@pytest.mark.parametrize("status", [400, 401, 403, 410])
def test_a_child_that_is_refused_is_an_error(status: int, machine: Machine) -> None:
    with serving({"/child": answer(status)}) as server:
        cause = refused(machine, referring(f"{server.url}/child"))
    assert cause.startswith("ignition.config.merge[0]: ")
    assert str(status) in cause


def test_a_child_may_be_compressed(machine: Machine) -> None:
    with serving({"/child": answer(200, gzip.compress(document(files("/a"))))}) as server:
        child: Json = {"source": f"{server.url}/child", "compression": "gzip"}
        assert list(fetched(machine, referring(child))) == ["/a"]


def test_a_child_that_is_no_gzip_is_an_error(machine: Machine) -> None:
    with serving({"/child": answer(200, document(files("/a")))}) as server:
        cause = refused(machine, referring({"source": f"{server.url}/child", "compression": "gzip"}))
    assert "not valid gzip" in cause


def test_a_child_s_hash_is_that_of_its_unpacked_bytes(machine: Machine) -> None:
    content = document(files("/a"))
    digest = "sha256-" + hashlib.sha256(content).hexdigest()
    with serving({"/child": answer(200, gzip.compress(content))}) as server:
        child: Json = {"source": f"{server.url}/child", "compression": "gzip", "verification": {"hash": digest}}
        assert list(fetched(machine, referring(child))) == ["/a"]


def test_a_wrong_hash_is_an_error(machine: Machine) -> None:
    with serving(served({"child": files("/a")})) as server:
        child: Json = {"source": f"{server.url}/child", "verification": {"hash": "sha512-" + "0" * 128}}
        cause = refused(machine, referring(child))
    assert "sha512 hash" in cause


def test_headers_are_sent_and_not_shown(machine: Machine) -> None:
    with serving(served({"child": files("/a")})) as server:
        child: Json = {"source": f"{server.url}/child", "httpHeaders": [{"name": "X-Token", "value": "geheim"}]}
        ended = machine.run("fetch", config=referring(child))
        assert server.seen[0].headers["x-token"] == "geheim"
    assert ended.status == 0
    assert "geheim" not in ended.said


def test_a_server_that_breaks_off_is_asked_again(machine: Machine) -> None:
    content = document(files("/a"))
    with serving({"/child": by_turns(short(content[:20], len(content)), answer(503), answer(200, content))}) as server:
        assert list(fetched(machine, referring(f"{server.url}/child"))) == ["/a"]
        assert len(server.seen) == 3


def test_a_warning_in_the_user_s_config_is_logged(machine: Machine) -> None:
    ended = machine.run("fetch", config={"colour": "red"})
    assert ended.status == 0
    assert lines_with("WARNING", ended.stdout) == [
        "WARNING  : warning: colour: the key is not known in this version and has no effect"
    ]


# ---- documents for authors ------------------------------------------------------------------------------------------


def test_butane_is_taken_where_the_author_s_package_is(machine: Machine) -> None:
    with serving({"/child": answer(200, BUTANE)}) as server:
        ended = machine.run("fetch", config=referring(f"{server.url}/child"), bare=False)
    assert ended.status == 0, ended.said
    assert machine.paths() == ["/etc/butane"]


def test_the_platform_s_config_may_be_butane_too(machine: Machine) -> None:
    assert machine.run("fetch,files", config=BUTANE, bare=False).status == 0
    assert (machine.root / "etc/butane").read_text() == "from YAML"


@pytest.mark.parametrize("place", ["platform", "child"])
def test_butane_is_refused_with_advice_by_a_bare_applier(place: str, machine: Machine) -> None:
    with serving({"/child": answer(200, BUTANE)}) as server:
        config = BUTANE if place == "platform" else document(referring(f"{server.url}/child"))
        for blocked in (False, True):
            ended = machine.run("fetch", config=config, blocked=blocked)
            assert ended.status == 1, ended.said
            assert "the config is YAML, not Ignition JSON" in ended.block["cause"]
            assert "`provision transpile`" in ended.stderr
            assert not machine.cache.exists()


def test_what_is_wrong_in_butane_is_told_with_its_line(machine: Machine) -> None:
    ended = machine.run("fetch", config=BUTANE.replace(b"/etc/butane", b"etc/butane"), bare=False)
    assert ended.status == 1
    assert ":5:" in ended.stderr


def test_butane_from_elsewhere_reads_no_files_of_this_machine(machine: Machine) -> None:
    (machine.folder / "secret").write_text("geheim")
    for local in ("secret", "../secret", str(machine.folder / "secret")):
        text = BUTANE.replace(b"inline: from YAML", b"local: " + local.encode())
        ended = machine.run("fetch,files", config=text, bare=False)
        assert ended.status == 1, ended.said
        assert not (machine.root / "etc/butane").exists()


def test_a_refusal_keeps_its_kind_when_it_is_told_which_reference_it_is_about() -> None:
    error = Refused("http://h/x: the server answers 400", 400).under("ignition.config.merge[0]")
    assert isinstance(error, Refused)
    assert (str(error), error.status) == ("ignition.config.merge[0]: http://h/x: the server answers 400", 400)
