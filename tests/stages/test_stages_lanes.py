"""The runner's lanes, and what a person sees of a run, at a terminal and without one."""

import os
import pty
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from stages_machine import LIMIT_S, SOURCE, Machine, as_root, document, lines_with, machine
from stages_shared import answer, serving, stalling

from provision.apply import console as console_module
from provision.apply import log
from provision.apply.console import Console, Running
from provision.apply.operations import Act
from provision.apply.runner import OperationError, Step, groups, run
from provision.diagnostics import ProvisionError
from provision.record import field

__all__ = ["machine"]

# What an act waits for that waits for another; only a runner that lets them not overlap gets there.
MEETING_S = 10.0


class Floor:
    """What acts of these tests are for: it notes who is on it, and with whom."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.here: set[str] = set()
        self.met: set[frozenset[str]] = set()
        self.began: list[str] = []
        self.ended: list[str] = []
        self.meetings: dict[str, threading.Barrier] = {}
        self.errors: dict[str, Exception] = {}
        self.threads: dict[str, str] = {}

    def visit(self, name: str) -> None:
        """Come, meet those who are waited for, and go."""
        with self.lock:
            self.began.append(name)
            self.threads[name] = threading.current_thread().name
            self.met |= {frozenset((name, other)) for other in self.here}
            self.here.add(name)
        try:
            if name in self.meetings:
                self.meetings[name].wait(MEETING_S)
            else:
                time.sleep(0.002)
            if name in self.errors:
                raise self.errors[name]
        finally:
            with self.lock:
                self.here.discard(name)
                self.ended.append(name)


class Visit(Act[Floor]):
    """An act that keeps lanes busy; all letters of `on`."""

    name: str = field(doc="Who comes.")
    on: str = field(default="", doc="The lanes.")
    is_done: bool = field(default=False, doc="Whether there is nothing to do.")

    @property
    def lanes(self) -> tuple[str, ...]:
        return tuple(self.on)

    def describe(self) -> str:
        return f"visit {self.name}: on {self.on}"

    def done(self, reader: Floor) -> bool:
        return self.is_done

    def execute(self, system: Floor) -> None:
        system.visit(self.name)


def visits(*given: str) -> list[Visit]:
    """Acts from `name:lanes`."""
    return [Visit(name=name, on=lanes) for name, _, lanes in (each.partition(":") for each in given)]


def silent(step: Step) -> None:
    """Nobody is told."""


# ---- lanes ----------------------------------------------------------------------------------------------------------


def test_acts_without_lanes_run_alone_and_in_their_order() -> None:
    floor = Floor()
    run(visits("a", "b", "c", "d"), floor, silent)
    assert floor.began == floor.ended == ["a", "b", "c", "d"]
    assert floor.met == set()


def test_acts_on_different_lanes_overlap() -> None:
    floor = Floor()
    together = threading.Barrier(4)
    floor.meetings = dict.fromkeys("abcd", together)
    run(visits("a:1", "b:2", "c:3", "d:4"), floor, silent)
    assert sorted(floor.ended) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("attempt", range(3))
def test_acts_that_share_a_lane_never_overlap_and_keep_their_order(attempt: int) -> None:
    floor = Floor()
    acts = [Visit(name=f"{lane}{number}", on=lane) for number in range(12) for lane in "xyz"]
    run(acts, floor, silent)
    for lane in "xyz":
        own = [f"{lane}{number}" for number in range(12)]
        assert [name for name in floor.began if name[0] == lane] == own
        assert not [pair for pair in floor.met if len({name[0] for name in pair}) == 1]


def test_an_act_on_two_lanes_waits_for_both_and_holds_both_up() -> None:
    floor = Floor()
    run(visits("a:1", "b:2", "both:12", "c:1", "d:2"), floor, silent)
    assert set(floor.began[:2]) == {"a", "b"}
    assert floor.began[2] == "both"
    assert set(floor.began[3:]) == {"c", "d"}
    assert not [pair for pair in floor.met if "both" in pair]


def test_an_act_overtakes_those_that_wait_for_a_lane_of_their_own() -> None:
    floor = Floor()
    # `a` goes only when `far` is there, which stands behind one that waits for `a`.
    floor.meetings = dict.fromkeys(("a", "far"), threading.Barrier(2))
    run(visits("a:1", "b:1", "far:2"), floor, silent)
    assert floor.began.index("far") < floor.began.index("b")


def test_acts_without_lanes_wait_for_all_before_them_and_hold_up_all_behind_them() -> None:
    floor = Floor()
    run(visits("a:1", "b:2", "alone", "c:1", "d:2"), floor, silent)
    assert set(floor.ended[:2]) == {"a", "b"}
    assert floor.began[2] == "alone"
    assert not [pair for pair in floor.met if "alone" in pair]


def test_stretches_of_acts_that_may_overlap_end_at_those_that_may_not() -> None:
    assert [list(each) for each in groups(visits("a:1", "b:2", "c", "d", "e:1"))] == [[0, 1], [2], [3], [4]]
    assert list(groups([])) == []


def test_what_is_done_is_skipped_in_lanes_too() -> None:
    floor = Floor()
    acts = [Visit(name="a", on="1", is_done=True), Visit(name="b", on="2")]
    result = run(acts, floor, silent)
    assert (result.executed, result.skipped) == ((acts[1],), (acts[0],))
    assert floor.began == ["b"]


# ---- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ProvisionError("refused")])
def test_the_first_failure_lets_what_is_under_way_end_and_starts_nothing_more(error: Exception) -> None:
    floor = Floor()
    together = threading.Barrier(2)
    floor.meetings = {"a": together, "b": together}
    floor.errors = {"a": error}
    acts = visits("a:1", "b:2", "c:1", "d:1", "e")
    with pytest.raises(OperationError) as caught:
        run(acts, floor, silent)
    assert caught.value.act is acts[0]
    assert caught.value.cause in ("No space left on device", "refused")
    assert caught.value.__cause__ is error
    assert "b" in floor.ended
    assert not {"c", "d", "e"}.intersection(floor.began)


def test_a_failure_alone_stops_all_behind_it() -> None:
    floor = Floor()
    floor.errors = {"b": ProvisionError("refused")}
    steps: list[tuple[str, str]] = []
    with pytest.raises(OperationError):
        run(visits("a", "b", "c"), floor, lambda step: steps.append((step.operation.describe()[6:7], step.state)))
    assert steps == [("a", "started"), ("a", "executed"), ("b", "started"), ("b", "failed")]


def test_a_mistake_of_ours_in_a_lane_is_not_swallowed() -> None:
    floor = Floor()
    floor.errors = {"a": ZeroDivisionError()}
    with pytest.raises(ZeroDivisionError):
        run(visits("a:1", "b:2"), floor, silent)


def test_every_step_is_told_once_with_its_number() -> None:
    steps: list[Step] = []
    run(visits(*(f"{number}:{number % 3}" for number in range(9))), Floor(), steps.append)
    for number in range(1, 10):
        assert [step.state for step in steps if step.number == number] == ["started", "executed"]
    assert {step.total for step in steps} == {9}


def test_lanes_speak_behind_the_prefixes_of_their_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(log.State, "sink", staticmethod(lambda level, text: said.append(text)))
    with log.prefixed("files"):
        run(visits("a:1", "b:2"), Floor(), lambda step: log.info(f"{step.state} {step.number}"))
    assert len(said) == 4
    assert all(line.startswith("files: ") for line in said)
    log.info("afterwards")
    assert said[-1] == "afterwards"


def test_fetches_run_side_by_side_and_their_lines_have_the_stage(machine: Machine) -> None:
    together = threading.Barrier(3)

    def meeting(handler: Any) -> None:
        together.wait(MEETING_S)
        answer(200, b"x")(handler)

    with serving({"*": meeting}) as server:
        wanted = [{"path": f"/etc/{name}", "contents": {"source": f"{server.url}/{name}"}} for name in "abc"]
        ended = machine.run("fetch,files", config={"storage": {"files": wanted}})
    assert ended.status == 0, ended.said
    assert len(lines_with("files: op(", ended.stdout)) >= 8
    assert not [line for line in lines_with("attempt #1", ended.stdout) if "files: " not in line]


def test_file_systems_of_one_disk_are_made_one_after_another(machine: Machine) -> None:
    """Two fetches into one path cannot be planned; one disk with two file systems can."""
    from provision.apply.operations.filesystems import MakeFilesystem

    floor: list[str] = []
    here: set[str] = set()
    lock = threading.Lock()

    class Disks:
        """A fake machine on which making a file system takes a moment."""

        def wait_for(self, path: str) -> str:
            return path

        def run(self, program: str, *arguments: str) -> None:
            if program != "mkfs.ext4":
                return
            disk = arguments[-1][:8]
            with lock:
                assert disk not in here
                here.add(disk)
            time.sleep(0.01)
            with lock:
                here.discard(disk)
                floor.append(arguments[-1])

        def settle(self, path: str) -> None:
            pass

        def flush(self, path: str) -> None:
            pass

    acts = [
        MakeFilesystem(device=f"/dev/vd{letter}{number}", format="ext4", busy=(f"/dev/vd{letter}",))
        for number in (1, 2, 3) for letter in "ab"
    ]  # fmt: skip
    run(acts, Disks(), silent)
    assert sorted(floor) == sorted(act.device for act in acts)


# ---- what a person sees ---------------------------------------------------------------------------------------------


@as_root
def test_without_a_terminal_there_are_only_lines(machine: Machine) -> None:
    with serving({"/a": answer(200, b"x" * 100_000)}) as server:
        wanted = [{"path": "/etc/a", "contents": {"source": f"{server.url}/a"}}, {"path": "/etc/b"}]
        ended = machine.call(
            "ignition-apply", "--root", str(machine.root), "-", stdin=document({"storage": {"files": wanted}})
        )
    assert ended.stderr == ""
    assert [line.partition(":")[0] for line in ended.stdout.splitlines()] == [
        "[1/2] write /etc/b", "[2/2] write /etc/a", str(machine.root),
    ]  # fmt: skip
    assert "\r" not in ended.stdout
    assert "\x1b" not in ended.stdout


def at_terminal(
    words: list[str], machine: Machine, enough: Callable[[str], bool] = lambda said: False
) -> tuple[int, str]:
    """Run a program at a terminal; its status, and all that was written on the screen. `enough` ends it."""
    controller, terminal = pty.openpty()
    said = b""
    try:
        with subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal, env=machine.environ, cwd=machine.folder
        ) as process:
            os.close(terminal)
            deadline = time.monotonic() + LIMIT_S
            while time.monotonic() < deadline:
                if not select.select([controller], [], [], 0.05)[0]:
                    continue
                with suppress(OSError):  # the terminal is closed at the other end
                    piece = os.read(controller, 65536)
                    said += piece
                    if piece:
                        if enough(said.decode(errors="replace")):
                            process.terminate()
                        continue
                break
            process.wait(LIMIT_S)
    finally:
        os.close(controller)
    return process.returncode, said.decode(errors="replace")


def test_at_a_terminal_what_takes_long_has_a_bar_that_goes_away(machine: Machine) -> None:
    with serving({"/a": stalling(b"x" * 500_000, 1_000_000), "/b": answer(200, b"b")}) as server:
        wanted = [{"path": f"/etc/{name}", "contents": {"source": f"{server.url}/{name}"}} for name in "ab"]
        machine.config.write_bytes(document({"ignition": {"timeouts": {"httpTotal": 4}}, "storage": {"files": wanted}}))
        words = [str(machine.called("ignition-apply")), "--root", str(machine.root), str(machine.config)]
        status, said = at_terminal(words, machine)
    assert status == 1
    assert f"  {server.url}/a [########" in said
    # The last bar is taken off before the failure is told.
    assert said.rindex("%") < said.rindex("\r\x1b[K") < said.index("provision: failed")
    assert "[1/2] write /etc/a" in said


def test_at_a_terminal_the_log_of_stages_and_the_bar_share_the_screen(machine: Machine) -> None:
    with serving({"/a": stalling(b"x" * 250_000, 1_000_000)}) as server:
        wanted = {"storage": {"files": [{"path": "/etc/a", "contents": {"source": f"{server.url}/a"}}]}}
        machine.config.write_bytes(document(wanted))
        words = [str(machine.called("ignition")), *machine.arguments("fetch,files")]
        _, said = at_terminal(words, machine, lambda said: " %" in said)
    assert "INFO     : files: op(1): [started]  write /etc/a" in said
    assert f"  {server.url}/a [" in said


def test_quick_work_shows_no_bar_at_a_terminal(machine: Machine) -> None:
    machine.config.write_bytes(document({"storage": {"files": [{"path": "/etc/a"}]}}))
    words = [str(machine.called("ignition-apply")), "--root", str(machine.root), str(machine.config)]
    status, said = at_terminal(words, machine)
    assert status == 0
    assert "\x1b" not in said


def shown_by(console: Console) -> list[str]:
    """The labels of all that a console would show."""
    return [each.label for each in (*console.fetches.values(), *console.running.values())]


def test_a_fetch_of_unknown_length_is_shown_until_it_ends(machine: Machine) -> None:
    from provision.apply.fetching import Fetching
    from provision.ignition import Config, Resource

    console = Console(silent)
    seen: list[list[str]] = []
    fetching = Fetching(Config())
    with serving({"/a": chunked(b"abc", b"def")}) as server, (machine.folder / "fetched").open("wb") as file:

        def tell(name: str, done: int, total: int | None) -> None:
            console.fetched(name, done, total)
            seen.append(shown_by(console))

        fetching.tell = tell
        fetching.save(Resource(source=f"{server.url}/a"), file)
        assert [f"{server.url}/a"] in seen
    assert shown_by(console) == []


def chunked(*pieces: bytes) -> Callable[[Any], None]:
    """An answer that does not say how long it is."""

    def route(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in (*pieces, b""):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    return route


@pytest.mark.parametrize(
    ("done", "total", "line"),
    [
        (0, 100, "  a [........................]   0 %"), (50, 100, "  a [############............]  50 %"),
        (99, 100, "  a [#######################.]  99 %"), (100, 100, "  a [########################] 100 %"),
        (5 << 20, 0, "  a: 5.0 MiB, 0 s"), (0, 0, "  a: 0 s"),
    ],
)  # fmt: skip
def test_a_bar_tells_how_far_it_is(done: int, total: int, line: str) -> None:
    running = Running("a")
    running.done, running.total = done, total
    assert running.line() == line


def test_a_bar_is_never_as_wide_as_a_screen() -> None:
    running = Running("write /" + "x" * 200)
    running.done, running.total = 1 << 40, 1 << 40
    assert len(running.line()) < 80
    running.total = 0
    assert len(running.line()) < 80


def test_a_long_act_is_shown_by_its_name_and_not_after_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen:
        """Standard error as a terminal that keeps what is written."""

        def __init__(self) -> None:
            self.said: list[str] = []

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> None:
            self.said.append(text)

        def flush(self) -> None:
            pass

    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(console_module, "PATIENCE_S", 0.01)
    monkeypatch.setattr(console_module, "REFRESH_S", 0.01)
    (act,) = visits("a:1")
    with Console(silent) as console:
        console.step(Step(1, 1, act, "started"))
        deadline = time.monotonic() + MEETING_S
        while not any("visit a" in text for text in screen.said) and time.monotonic() < deadline:
            time.sleep(0.01)
        console.step(Step(1, 1, act, "executed"))
        shown = len(screen.said)
        time.sleep(0.05)
        assert not any("visit a" in text for text in screen.said[shown:])
    assert any(text.startswith("  visit a: ") for text in screen.said)
    assert [text for text in screen.said if text == "\r\x1b[K"]
    assert console.running == {}


def test_the_applier_s_own_threads_do_not_outlive_a_run() -> None:
    script = (
        f"import sys, threading; sys.path.insert(0, {str(SOURCE)!r})\n"
        "from provision.apply.console import Console\n"
        "with Console() as console: pass\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True, timeout=LIMIT_S)
