"""The agent in a tree that holds nothing but what it was packed with: the proof that nothing is missing."""

import gzip
import hashlib
import io
import json
import os
from base64 import b64encode
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from zipfile import ZipFile

import pytest
from agent_shared import (
    AGENT,
    PYTHON,
    agent_file,
    agent_in_tree,
    answer,
    applied,
    as_root,
    certificates,
    in_tree,
    packed,
    run,
    serving,
    with_python,
)

from provision.agent import sizes
from provision.agent.closure import ENTRY, ON_A_WHOLE_SYSTEM, reached, wanted_of_python
from provision.agent.stdlib import trace
from provision.apply import pack
from provision.apply.fetch.tls import BUNDLES
from provision.apply.pack import Listed, Tree, libraries_in
from provision.diagnostics import ProvisionError

pytestmark = with_python
BOTH = pytest.mark.parametrize("https", ["yes", "no"])
SPEC = "3.4.0"
CONTENT = b"content " * 1000


def config(*files: dict[str, object], **more: object) -> dict[str, object]:
    return {"ignition": {"version": SPEC, **more}, "storage": {"files": list(files)}}


def file(path: str, source: str, **contents: object) -> dict[str, object]:
    return {"path": path, "overwrite": True, "contents": {"source": source, **contents}}


# ---- nothing is missing -----------------------------------------------------------------------------------------------


@as_root
@BOTH
def test_every_module_of_the_agent_loads_and_finds_all_that_it_names(https: str) -> None:
    """Also what it imports late. Only what the initramfs has no use for is missing."""
    seen = trace(PYTHON)
    ours = reached(ENTRY, without=ON_A_WHOLE_SYSTEM)
    names = sorted({*ours, *(name for name in wanted_of_python() if name in seen.files)})
    code = (
        "import sys\n"
        f"sys.path.insert(0, {AGENT!r})\n"
        "from importlib import import_module\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        import_module(name)\n"
        "    except ImportError as error:\n"
        "        print(name, error, sep=': ')\n"
    )
    done = in_tree(packed(https), "-c", code, *names)
    assert (done.returncode, done.stderr) == (0, "")
    missing = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert missing == ({"ssl"} if https == "no" else set())


@as_root
@BOTH
def test_the_interpreter_finds_its_library_and_says_nothing(https: str) -> None:
    done = in_tree(packed(https), "-c", "import sys; print(sys.prefix, sys.exec_prefix, *sys.path)")
    assert (done.returncode, done.stderr) == (0, "")
    folder = f"/usr/lib/python{'.'.join(map(str, version()))}"
    assert done.stdout.split() == ["/usr", "/usr", f"{folder.replace('.', '')}.zip", folder, f"{folder}/lib-dynload"]


def version() -> list[int]:
    return json.loads(run(PYTHON, "-c", "import sys; print(list(sys.version_info[:2]))").stdout)  # type: ignore[no-any-return]


@as_root
@BOTH
def test_a_config_is_fetched_and_carried_out(https: str) -> None:
    """Over http, by name, redirected, packed, with hashes, from a data URL, and from a config that is referred to."""
    tree = packed(https)
    routes = {
        "/content": answer(200, CONTENT),
        "/packed": answer(200, gzip.compress(CONTENT)),
        "/base": answer(200, json.dumps(config(file("/etc/base", "data:,base"))).encode()),
        "/moved": answer(302, b"", Location="/content"),
    }
    with serving(routes) as server:
        here = f"http://localhost:{server.server_port}"
        sha256, sha512 = (f"{name}-{hashlib.new(name, CONTENT).hexdigest()}" for name in ("sha256", "sha512"))
        wanted = config(
            file("/etc/data", "data:;base64," + b64encode(CONTENT).decode()),
            file("/etc/fetched", f"{here}/content", verification={"hash": sha512}),
            file("/etc/packed", f"{here}/packed", compression="gzip", verification={"hash": sha256}),
            file("/etc/moved", f"{here}/moved"),
            config={"merge": [{"source": f"{here}/base"}]},
        )
        wanted["systemd"] = {"units": [{"name": "a.service", "enabled": True, "contents": "[Service]\nExecStart=/a\n"}]}
        done = applied(tree, wanted)
    assert done.returncode == 0, done.stdout + done.stderr
    etc = tree / "sysroot/etc"
    assert {(etc / name).read_bytes() for name in ("data", "fetched", "packed", "moved")} == {CONTENT}
    assert (etc / "base").read_text() == "base"
    assert (etc / "systemd/system/a.service").exists()


@as_root
def test_https_works_where_it_was_packed() -> None:
    tree = packed("yes")
    authority = "data:;base64," + b64encode(certificates().pem("ca")).decode()
    with serving({"/": answer(200, b"abc")}, certificates().context("good")) as server:
        wanted = file("/etc/safe", f"https://localhost:{server.server_port}/")
        done = applied(tree, config(wanted, security={"tls": {"certificateAuthorities": [{"source": authority}]}}))
        assert done.returncode == 0, done.stdout + done.stderr
        assert (tree / "sysroot/etc/safe").read_text() == "abc"
        done = applied(tree, config(wanted))
    assert done.returncode == 1
    assert "is signed by an authority that is not known here" in done.stderr


@as_root
def test_the_authorities_of_this_system_are_trusted_there() -> None:
    if not Path(BUNDLES[0]).exists():
        pytest.skip("this system has no certificate authorities")
    code = f"import sys; sys.path.insert(0, {AGENT!r})\nfrom provision.apply.fetch.tls import load\nprint(len(load(()).get_ca_certs()))"
    assert int(in_tree(packed("yes"), "-c", code).stdout) > 10


@as_root
def test_without_it_an_https_url_is_refused_with_the_reason() -> None:
    done = applied(packed("no"), config(file("/etc/safe", "https://127.0.0.1:1/")))
    assert done.returncode == 1
    assert "https: URLs need TLS, and this Python was built without it" in done.stderr
    assert "Traceback" not in done.stderr


@as_root
@BOTH
def test_hashes_are_computed_with_and_without_openssl(https: str) -> None:
    code = (
        "import hashlib, hmac\n"
        "for name in ('md5', 'sha1', 'sha256', 'sha512', 'ripemd160')[:4]:\n"
        "    print(hashlib.new(name, b'abc').hexdigest())\n"
        "print(hmac.digest(b'key', b'abc', 'sha256').hex(), hmac.new(b'key', b'abc', 'sha256').hexdigest())\n"
    )
    done = in_tree(packed(https), "-c", code)
    assert done.stdout.splitlines()[2] == hashlib.sha256(b"abc").hexdigest()
    assert done.stdout == run(PYTHON, "-c", code).stdout


@as_root
@BOTH
def test_a_config_is_judged(https: str) -> None:
    tree = packed(https)
    (tree / "bad.ign").write_text('{"ignition":{"version":"3.4.0"},"storge":{},"storage":{"files":[{"path":"a"}]}}')
    done = agent_in_tree(tree, "ignition-validate", "/bad.ign")
    assert (done.returncode, done.stderr) == (1, "")
    assert "storge" in done.stdout


@as_root
@BOTH
def test_the_plan_is_shown_with_its_differences(https: str) -> None:
    tree = packed(https)
    (tree / "new.ign").write_text(json.dumps(config(file("/etc/shown", "data:,new%0A"))))
    (tree / "sysroot/etc/shown").write_text("old\n")
    done = agent_in_tree(tree, "ignition-apply", "--root", "/sysroot", "--dry-run", "/new.ign")
    assert (done.returncode, done.stderr) == (0, "")
    assert "-old" in done.stdout


@as_root
@pytest.mark.parametrize(
    "program", ["", "ignition", "ignition-apply", "ignition-rmcfg", "ignition-validate", "first-boot"]
)
def test_help_is_there(program: str) -> None:
    done = agent_in_tree(packed("no"), *program.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")


@as_root
def test_a_file_of_one_s_own_encoding_is_shown() -> None:
    """Where no locale is set, and where one is that is not there."""
    for locale in ("", "C", "POSIX", "de_DE.ISO-8859-1", "C.UTF-8"):
        done = agent_in_tree(packed("no"), "f\xe4lsch", LC_ALL=locale)
        assert done.returncode == 2
        assert "is no program of the agent" in done.stderr


# ---- the tree ---------------------------------------------------------------------------------------------------------


def pack_into(tree: Path, *arguments: str) -> str:
    done = run(PYTHON, "-I", "-S", str(agent_file()), "pack", "--destination", str(tree), *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def names_in(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}


def test_two_trees_are_equal_and_a_second_time_nothing_is_written(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for tree in (first, second):
        tree.mkdir()
        pack_into(tree)
    assert names_in(first) == names_in(second)
    for name in names_in(first):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    before = {name: (first / name).lstat().st_ino for name in names_in(first)}
    assert ": 0 files, 0.0 MB into" in pack_into(first)
    assert before == {name: (first / name).lstat().st_ino for name in names_in(first)}


def test_what_the_tree_has_is_left_alone(tmp_path: Path) -> None:
    """As a hook that came before copied it, with the names that this system gives it."""
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    library = next(path for path in pack.libraries_of([PYTHON]) if "/libz.so" in path)
    real = os.path.realpath(library)
    place = tmp_path / real.lstrip("/")
    place.parent.mkdir(parents=True)
    place.write_bytes(Path(real).read_bytes())
    inode = place.stat().st_ino
    pack_into(tmp_path, "--https", "no")
    assert place.stat().st_ino == inode
    assert (tmp_path / library.lstrip("/")).read_bytes() == place.read_bytes()


def test_programs_can_be_run_and_nothing_is_open_to_others(tmp_path: Path) -> None:
    pack_into(tmp_path, "--https", "no")
    for name in ("usr/bin/python3", "usr/bin/provision-agent", "usr/lib/provision/agent.pyz"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o755
    for path in tmp_path.rglob("*"):
        assert path.is_symlink() or not path.stat().st_mode & 0o022
    assert (tmp_path / "usr/bin/provision-agent").read_text() == f'#!/bin/sh\nexec {PYTHON} -I -S {AGENT} "$@"\n'
    assert (tmp_path / AGENT.lstrip("/")).read_bytes() == agent_file().read_bytes()


def test_without_https_there_is_no_openssl(tmp_path: Path) -> None:
    pack_into(tmp_path, "--https", "no")
    assert not [name for name in names_in(tmp_path) if "ssl" in name or "crypto" in name or "_hashlib" in name]


def test_nothing_is_written_outside_of_the_tree(tmp_path: Path) -> None:
    """Where the tree has an absolute link, it means what it will mean in the initramfs."""
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    tree.mkdir()
    outside.mkdir()
    (tree / "usr").symlink_to(outside)
    pack_into(tree, "--https", "no")
    assert not names_in(outside)
    assert (tree / str(outside).lstrip("/") / "bin/python3").exists()


def test_a_file_of_the_tree_is_replaced_if_it_is_another(tmp_path: Path) -> None:
    tree = Tree(str(tmp_path))
    tree.put("/a/b", b"old")
    tree.put("/a/b", b"new", 0o755)
    tree.put("/a/b", b"new")
    assert (tree.files, tree.size) == (2, 6)
    assert (tmp_path / "a/b").read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    done = run(str(agent_file()), "pack", "--destination", str(tmp_path / "missing"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: --destination")


# ---- a system that lacks something ------------------------------------------------------------------------------------


def lacking(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    def find(name: str) -> ModuleSpec | None:
        return None if name in names else find_spec(name)

    monkeypatch.setattr(pack, "find_spec", find)


def test_a_module_that_is_missing_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lacking(monkeypatch, "json")
    with pytest.raises(ProvisionError, match=r"has no json; install .* libpython3\.\d+-stdlib") as caught:
        pack.pack(str(agent_file()), [Listed("json", False), Listed("os", False)], str(tmp_path), https="auto")
    assert caught.value.exit_code == 3
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("https", ["auto", "no", "yes"])
def test_a_python_without_tls(
    https: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking(monkeypatch, "_ssl")
    listed = [Listed("_ssl", True), Listed("json", False)]
    if https == "yes":
        with pytest.raises(ProvisionError, match="has no _ssl; install"):
            pack.pack(str(agent_file()), listed, str(tmp_path), https=https)
        return
    _, with_https = pack.pack(str(agent_file()), listed, str(tmp_path), https=https)
    assert not with_https
    told = "note: this Python has no _ssl; https: URLs will be refused in the initramfs\n"
    assert capsys.readouterr().err == (told if https == "auto" else "")
    assert not (tmp_path / "etc").exists()


def test_a_system_without_authorities_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pack, "BUNDLES", ())
    _, with_https = pack.pack(str(agent_file()), [Listed("ssl", True)], str(tmp_path), https="auto")
    assert with_https
    assert capsys.readouterr().err.startswith(
        "note: this system has no certificate authorities (on Debian the package ca-cert"
    )


def test_pack_outside_of_the_agent_s_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="make that with `provision agent build`"):
        pack.main(["--destination", str(tmp_path)])


def test_libraries_are_found_in_what_ldd_prints() -> None:
    text = (
        "/usr/bin/a:\n\tlinux-vdso.so.1 (0x00007ffc)\n\tlibm.so.6 => /lib/libm.so.6 (0x00007f)\n"
        "\t/lib64/ld-linux.so.2 (0x0000)\n/b:\n\tstatically linked\n"
    )
    assert list(libraries_in(text)) == ["/lib/libm.so.6", "/lib64/ld-linux.so.2"]
    with pytest.raises(ProvisionError, match=r"the shared library libq\.so\.1 is missing"):
        list(libraries_in("\tlibq.so.1 => not found\n"))


def test_a_static_interpreter_has_no_libraries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ldd = tmp_path / "ldd"
    ldd.write_text("#!/bin/sh\necho '\tnot a dynamic executable' >&2\nexit 1\n")
    ldd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert pack.libraries_of(["/usr/bin/a"]) == []
    ldd.write_text("#!/bin/sh\necho 'ldd: no such file' >&2\nexit 1\n")
    with pytest.raises(ProvisionError, match="ldd finds no libraries of /usr/bin/a: ldd: no such file"):
        pack.libraries_of(["/usr/bin/a"])


def test_a_library_without_sources_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bare.pyc"
    path.write_bytes(b"compiled")
    spec = spec_from_file_location("bare", path)
    assert spec is not None
    with ZipFile(io.BytesIO(pack.zipped({"bare": spec}))) as file:
        assert file.read("bare.pyc") == b"compiled"


# ---- size ---------------------------------------------------------------------------------------------------------------


def test_what_is_added_to_an_initramfs_keeps_to_its_limits() -> None:
    """Slow, because `zstd -19` is."""
    if not Path("/usr/bin/zstd").exists():
        pytest.skip("zstd is missing")
    if version() != [3, 11]:
        pytest.skip("the limits are for Debian 12 and its Python 3.11")
    for measured in sizes.measure(PYTHON):
        assert measured.total <= measured.case.limit, sizes.as_table([measured], None)
        assert measured.total >= measured.case.limit * 3 // 4, "lower the limit"
        assert set(measured.parts) >= {"interpreter", "modules", "agent", "libraries"}
