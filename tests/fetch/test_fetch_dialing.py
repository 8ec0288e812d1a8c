"""Connecting to hosts with several addresses."""

import socket
import time
from contextlib import ExitStack

import pytest

from provision.apply.fetch import dialing
from provision.apply.fetch.clock import Clock
from provision.apply.fetch.dialing import Place, alternating, dial, shuffled
from provision.apply.fetch.faults import Broken
from provision.diagnostics import ProvisionError

FOUR = [Place(socket.AF_INET, (f"192.0.2.{n}", 80)) for n in range(3)]
SIX = [Place(socket.AF_INET6, (f"2001:db8::{n}", 80, 0, 0)) for n in range(2)]


def test_addresses_of_both_families_take_turns_from_the_systems_first_choice_on() -> None:
    assert alternating([*SIX, *FOUR]) == [SIX[0], FOUR[0], SIX[1], FOUR[1], FOUR[2]]
    assert alternating([*FOUR, *SIX]) == [FOUR[0], SIX[0], FOUR[1], SIX[1], FOUR[2]]
    assert alternating(FOUR) == FOUR


def test_an_address_that_does_not_answer_holds_up_the_next_one_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ExitStack() as stack:
        good = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        # A listener whose queue is full: the kernel drops what else would connect.
        mute = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(mute.getsockname())
        places = [Place(socket.AF_INET, listener.getsockname()) for listener in (mute, good)]
        monkeypatch.setattr(dialing, "resolve", lambda *_: places)
        start = time.monotonic()
        with dial("both.test", 80, Clock(20)) as connection:
            assert connection.getpeername() == good.getsockname()
            assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert time.monotonic() - start < 10
        monkeypatch.setattr(dialing, "resolve", lambda *_: places[:1])
        with pytest.raises(Broken, match="no connection in time"):
            dial("mute.test", 80, Clock(0.5))


def test_name_servers_that_do_not_answer_are_waited_for_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = dialing.look_up

    def slow(host: str, port: int, kind: int, flags: int) -> list[Place]:
        if not flags:
            time.sleep(1)
        return look_up(host, port, kind, flags)

    monkeypatch.setattr(dialing, "look_up", slow)
    with pytest.raises(Broken, match="the name servers did not answer in time"):
        dial("localhost", 80, Clock(0.2))


def test_each_port_of_a_range_is_tried_once() -> None:
    assert sorted(shuffled(range(1000, 1100))) == list(range(1000, 1100))
    assert len({next(shuffled(range(1000, 1100))) for _ in range(200)}) > 1


def test_a_range_without_a_free_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(Broken, match="all ports from"):
            dial("127.0.0.1", port, Clock(5), range(port, port + 1))


def test_a_port_that_takes_root_is_refused_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        """A socket as the kernel gives it to somebody else than root."""

        def bind(self, _: object) -> None:
            raise PermissionError

    with pytest.raises(ProvisionError, match="a connection from port 7 is refused by the kernel; run this as root"):
        dialing.bind(Refusing(), range(7, 8))  # type: ignore[arg-type]  # a fake at the kernel's edge
