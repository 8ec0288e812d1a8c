"""Files, directories and links on real file systems, in a root that holds things already; and paths that try to leave it."""

from vm_guest import Guest
from vm_scenarios import FILES, ROOT, B, Json, Scenario, apply, check, play, rows, storage


def text(content: str) -> Json:
    """Contents of a file."""
    return {"contents": {"source": f"data:,{content}"}}


SCENARIOS = (
    Scenario(
        "nodes in folders that are not there yet",
        storage(
            files=[{"path": "/a/b/c/file", "mode": 0o640, **text("x")}],
            directories=[{"path": "/a/b", "mode": 0o700}, {"path": "/d/e"}],
            links=[
                {"path": "/l/soft", "target": "../a/b/c/file"},
                {"path": "/l/hard", "target": "/a/b/c/file", "hard": True},
            ],
        ),
        after=f"""
            node {ROOT}/a directory 755 0:0; node {ROOT}/a/b directory 700 0:0; node {ROOT}/a/b/c directory 755 0:0
            node {ROOT}/a/b/c/file file 640 0:0; content {ROOT}/l/soft x
            [ {ROOT}/l/hard -ef {ROOT}/a/b/c/file ]
        """,
    ),
    Scenario(
        "a file without contents is empty, and one that is there keeps its own",
        storage(files=[{"path": "/new"}, {"path": "/old", "mode": 0o600}]),
        before=f"echo kept > {ROOT}/old",
        after=f"content {ROOT}/new ''; node {ROOT}/new file 644 0:0; content {ROOT}/old kept; node {ROOT}/old file 600 0:0",
    ),
    Scenario(
        "a file, a folder and a link in place of others",
        storage(
            files=[{"path": "/file", "overwrite": True, **text("new")}],
            directories=[{"path": "/folder", "overwrite": True}],
            links=[{"path": "/link", "target": "file", "overwrite": True}],
        ),
        before=f"mkdir -p {ROOT}/file/deep; touch {ROOT}/file/deep/x; echo old > {ROOT}/folder; ln -s nowhere {ROOT}/link",
        after=f"content {ROOT}/file new; node {ROOT}/folder directory 755 0:0; content {ROOT}/link new",
    ),
    Scenario(
        "a folder that is there keeps what is in it",
        storage(directories=[{"path": "/folder", "mode": 0o1777}]),
        before=f"mkdir {ROOT}/folder; echo kept > {ROOT}/folder/x",
        after=f"node {ROOT}/folder directory 1777 0:0; content {ROOT}/folder/x kept",
    ),
    Scenario(
        "links that are so already are left alone",
        storage(links=[{"path": "/soft", "target": "./file"}, {"path": "/hard", "target": "/file", "hard": True}]),
        before=f"echo x > {ROOT}/file; ln -s file {ROOT}/soft; ln {ROOT}/file {ROOT}/hard",
        after=f"[ {ROOT}/hard -ef {ROOT}/file ]; [ -L {ROOT}/soft ]; content {ROOT}/soft x",
    ),
    Scenario(
        "a path through links of the root stays in the root",
        storage(files=[{"path": "/first/file", **text("x")}]),
        before=f"mkdir -p /tmp/outside {ROOT}/tmp; ln -s /second {ROOT}/first; ln -s /tmp/outside {ROOT}/second",
        after=f"absent /tmp/outside/file; content {ROOT}/tmp/outside/file x",
    ),
    Scenario(
        "a path through a link that climbs stays in the root",
        storage(files=[{"path": "/up/file", **text("x")}]),
        before=f"ln -s ../../../../../.. {ROOT}/up",
        after=f"absent /file; content {ROOT}/file x",
    ),
    Scenario(
        "special bits where the version of the config has them",
        storage(
            files=[{"path": "/suid", "mode": 0o4755, **text("x")}], directories=[{"path": "/sgid", "mode": 0o2775}]
        ),
        after=f"node {ROOT}/suid file 4755 0:0; node {ROOT}/sgid directory 2775 0:0",
    ),
    Scenario(
        "no special bits where it has not",
        {"ignition": {"version": "3.4.0"}, **storage(files=[{"path": "/suid", "mode": 0o4755, **text("x")}])},
        after=f"node {ROOT}/suid file 755 0:0",
    ),
    Scenario(
        "a thousand files",
        storage(files=[{"path": f"/many/{number % 10}/{number}", **text(str(number))} for number in range(1000)]),
        after=f'[ "$(find {ROOT}/many -type f | wc -l)" = 1000 ]; content {ROOT}/many/9/999 999',
    ),
)

REFUSED = (
    Scenario(
        "a file that is there",
        storage(files=[{"path": "/file", **text("new")}]),
        before=f"echo old > {ROOT}/file",
        after=f"content {ROOT}/file old",
        fails="/file: .*overwrite",
    ),
    Scenario(
        "a folder in the place of a file",
        storage(files=[{"path": "/file", **text("new")}]),
        before=f"mkdir {ROOT}/file",
        after=f"test -d {ROOT}/file",
        fails="/file: .*directory",
    ),
    Scenario(
        "a file in the place of a folder",
        storage(directories=[{"path": "/folder"}]),
        before=f"echo old > {ROOT}/folder",
        after=f"content {ROOT}/folder old",
        fails="/folder: .*(file|directory)",
    ),
    Scenario(
        "a link to elsewhere",
        storage(links=[{"path": "/link", "target": "here"}]),
        before=f"ln -s there {ROOT}/link",
        after=f'[ "$(readlink {ROOT}/link)" = there ]',
        fails="/link: .*link.*overwrite",
    ),
    Scenario(
        "a hard link to nothing",
        storage(links=[{"path": "/link", "target": "/nothing", "hard": True}]),
        after=f"absent {ROOT}/link",
        fails="/link|/nothing",
    ),
    Scenario(
        "two entries that are one node",
        storage(files=[{"path": "/first/file", **text("x")}, {"path": "/second/file", **text("y")}]),
        before=f"mkdir {ROOT}/first; ln -s first {ROOT}/second",
        after=f"absent {ROOT}/first/file",
        fails="/first/file.*/second/file|/second/file.*/first/file",
    ),
    Scenario(
        "a folder on the way that is a file",
        storage(files=[{"path": "/file/deep", **text("x")}]),
        before=f"echo old > {ROOT}/file",
        after=f"content {ROOT}/file old",
        fails="/file.*directory",
    ),
    Scenario(
        "links that go round",
        storage(files=[{"path": "/one/file", **text("x")}]),
        before=f"ln -s two {ROOT}/one; ln -s one {ROOT}/two",
        fails="/one.*(links|levels|loop|round)",
    ),
    Scenario(
        "an owner on a file system without owners",
        storage(
            filesystems=[{"device": B, "format": "vfat", "path": "/esp"}],
            files=[{"path": "/esp/file", "user": {"id": 1000}, **text("x")}],
        ),
        stages=("fetch", "disks", "mount", "files"),
        fails="/esp/file.*(permitted|owner)",
    ),
)


@rows(*(scenario._replace(stages=FILES) for scenario in SCENARIOS))
def test_files(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


@rows(*(scenario if scenario.stages != ("fetch", "disks") else scenario._replace(stages=FILES) for scenario in REFUSED))
def test_files_are_refused_for(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)


def test_a_second_run_completes_what_a_first_one_began(guest: Guest) -> None:
    """The root fills up half-way: what was begun is no hindrance once there is room."""
    config = storage(
        files=[{"path": f"/data/{number}", "contents": {"source": "data:," + "x" * 3000}} for number in range(300)]
    )
    guest.do(f"mount -t tmpfs -o size=600k root {ROOT}")
    applied = apply(guest, config, FILES)
    assert applied.failed == "files", applied.output
    assert "space" in applied.output or "room" in applied.output
    check(guest, f"find {ROOT} -type f -size -3000c -path '*/data/*' | wc -l | grep -qx 0", applied.output)
    guest.do(f"mount -o remount,size=100M {ROOT}")
    applied = apply(guest, config, ("files",))
    assert not applied.failed, applied.output
    check(guest, f'[ "$(find {ROOT}/data -type f -size 3000c | wc -l)" = 300 ]; [ "$(ls {ROOT}/data | wc -l)" = 300 ]')
