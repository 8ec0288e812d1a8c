"""Kernel arguments: handed to the distribution's helper, which is a stub here that notes what it was given."""

from vm_guest import Guest
from vm_scenarios import Scenario, play, rows

HELPER = "/scenario/helper"
ENVIRON = {"PROVISION_IGNITION_KARGS_HELPER": HELPER}
STUB = f"printf '#!/bin/sh\\necho \"$@\" >> /scenario/given\\nexit ${{STATUS:-0}}\\n' > {HELPER}; chmod +x {HELPER}"
CONFIG = {"kernelArguments": {"shouldExist": ["console=ttyS0", "quiet"], "shouldNotExist": ["rhgb"]}}
STAGES = ("fetch", "kargs")

SCENARIOS = (
    Scenario(
        "the helper gets all of them at once",
        CONFIG,
        before=STUB,
        environ=ENVIRON,
        stages=STAGES,
        after="content given '--should-exist console=ttyS0 --should-exist quiet --should-not-exist rhgb'",
    ),
    Scenario("no arguments, no helper", {}, before=STUB, environ=ENVIRON, stages=STAGES, after="absent given"),
    Scenario(
        "a helper that fails",
        CONFIG,
        before=STUB,
        environ={**ENVIRON, "STATUS": "1"},
        stages=STAGES,
        fails="helper.*status 1",
    ),
    Scenario("a helper that is not there", CONFIG, stages=STAGES, fails="ignition-kargs-helper.*not found"),
)


@rows(*SCENARIOS)
def test_kernel_arguments(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)
