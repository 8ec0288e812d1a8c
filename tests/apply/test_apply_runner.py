"""The runner against a machine in memory: order, what is skipped, what is said, and runs that are cut off."""

import pytest
from apply_fakes import FakeSystem, Killed, config, data, planned

from provision.apply.directory import Plan
from provision.apply.facts import Facts
from provision.apply.runner import Step, run, say
from provision.diagnostics import ProvisionError

WANTED = config(
    passwd={
        "groups": [{"name": "staff"}],
        "users": [{"name": "web", "passwordHash": "$6$h", "sshAuthorizedKeys": ["k"]}],
    },
    storage={
        "directories": [{"path": "/srv/d", "mode": 0o750, "user": {"name": "web"}}, {"path": "/etc", "mode": 0o700}],
        "files": [
            {"path": "/srv/d/a", "contents": data("a"), "mode": 0o600},
            {"path": "/srv/d/b", "contents": data("b"), "append": [data("c")], "overwrite": True},
            {"path": "/home/web/x/y", "group": {"name": "staff"}},
        ],
        "links": [{"path": "/srv/l", "target": "d/a"}, {"path": "/srv/h", "target": "/srv/d/a", "hard": True}],
    },
    systemd={
        "units": [
            {
                "name": "a.service",
                "enabled": True,
                "contents": "[Unit]\n",
                "dropins": [{"name": "x.conf", "contents": ""}],
            },
            {"name": "b.service", "mask": True, "enabled": False},
        ]
    },
)


def plan_for(system: FakeSystem) -> Plan:
    plan = planned(WANTED, system.facts())
    system.blobs.update(plan.blobs)
    return plan


def applied(system: FakeSystem) -> int:
    """Plan and apply; the answer is the number of operations that were executed."""
    return len(run(plan_for(system).operations, system, lambda step: None).executed)


def state(system: FakeSystem) -> object:
    """What is left on the machine; inode numbers are the machine's own affair."""
    nodes = {path: found._replace(identity=None) for path, found in system.nodes.items()}
    return nodes, system.files, sorted(system.users), sorted(system.groups), system.users["web"].password


def test_a_plan_is_carried_out_and_a_second_one_has_nothing_to_do() -> None:
    system = FakeSystem()
    assert applied(system) > 15
    before = state(system)
    assert applied(system) == 0
    assert state(system) == before
    assert system.files["/srv/d/b"] == b"bc"
    assert system.files["/home/web/.ssh/authorized_keys.d/ignition"] == b"k\n"
    assert system.nodes["/home/web/.ssh"].mode == 0o700
    assert system.nodes["/srv/d"].owner == f"{system.users['web'].uid}:0"


def changes_of_a_whole_run() -> int:
    system = FakeSystem()
    system.writes_left = 1000
    applied(system)
    return 1000 - system.writes_left


@pytest.mark.parametrize("survived", range(changes_of_a_whole_run()))
def test_a_run_that_was_killed_is_completed_by_the_next(survived: int) -> None:
    whole = FakeSystem()
    applied(whole)
    system = FakeSystem()
    system.writes_left = survived
    with pytest.raises(Killed):
        applied(system)
    system.writes_left = None
    applied(system)
    assert state(system) == state(whole)
    assert applied(system) == 0


def test_the_same_plan_can_be_carried_out_again() -> None:
    system = FakeSystem()
    plan = plan_for(system)
    first = run(plan.operations, system, lambda step: None)
    second = run(plan.operations, system, lambda step: None)
    assert first.executed == plan.operations
    assert second.skipped == plan.operations


def test_no_secret_is_an_argument_of_a_program() -> None:
    system = FakeSystem()
    applied(system)
    assert system.users["web"].password == "$6$h"
    assert "$6$h" not in str(system.runs)


def test_each_operation_is_said_before_it_starts(capsys: pytest.CaptureFixture[str]) -> None:
    system = FakeSystem()
    plan = plan_for(system)
    run(plan.operations[:2], system, say)
    run(plan.operations[:1], system, say)
    assert capsys.readouterr().out.splitlines() == [
        "[1/2] add group staff",
        "[2/2] add user web: --create-home",
        "[1/1] add group staff (is so already)",
    ]


def test_progress_counts_and_tells_what_became_of_each() -> None:
    system = FakeSystem()
    steps: list[Step] = []
    plan = plan_for(system)
    run(plan.operations, system, steps.append)
    assert [step.state for step in steps] == ["started", "executed"] * len(plan.operations)
    assert [step.number for step in steps[::2]] == list(range(1, len(plan.operations) + 1))


class FullDisk(FakeSystem):
    """A machine that takes no more files."""

    def replace(self, path: str, content: bytes, mode: int, owner: str) -> None:
        raise OSError(28, "No space left on device")


def test_a_refusal_names_the_act_the_cause_and_the_remedy() -> None:
    system = FullDisk()
    with pytest.raises(ProvisionError) as caught:
        run(plan_for(system).operations, system, lambda step: None)
    assert caught.value.exit_code == 3
    message = str(caught.value)
    assert message.startswith("could not write 1 authorized key of web")
    assert "No space left on device" in message
    assert "apply again" in message


def test_a_fake_machine_knows_what_a_survey_knows() -> None:
    assert isinstance(FakeSystem().facts(), Facts)
