"""Units: their files, drop-ins, presets and masks, as the real systemctl of the root reads them."""

from vm_guest import Guest
from vm_scenarios import FILES, ROOT, Json, Scenario, play, rows

SERVICE = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
PRESET = f"{ROOT}/etc/systemd/system-preset/20-ignition.preset"


def units(*units: Json) -> Json:
    """A config with units."""
    return {"systemd": {"units": list(units)}}


SCENARIOS = (
    Scenario(
        "a unit that is enabled has a preset that systemctl follows",
        units({"name": "hello.service", "enabled": True, "contents": SERVICE}),
        after=f"""
            node {ROOT}/etc/systemd/system/hello.service file 644 0:0
            content {PRESET} 'enable hello.service'
            systemctl --root {ROOT} preset hello.service 2>/dev/null
            equal 'the state' "$(systemctl --root {ROOT} is-enabled hello.service)" enabled
        """,
    ),
    Scenario(
        "a unit that is enabled in the root is disabled",
        units({"name": "hello.service", "enabled": False}),
        before=f"printf '{SERVICE}' > {ROOT}/etc/systemd/system/hello.service; systemctl --root {ROOT} enable hello.service 2>/dev/null",
        after=f"""
            equal 'the state' "$(systemctl --root {ROOT} is-enabled hello.service || :)" disabled
            content {PRESET} 'disable hello.service'
        """,
    ),
    Scenario(
        "a mask and its end",
        units({"name": "a.service", "mask": True}, {"name": "b.service", "mask": False}),
        before=f"ln -s /dev/null {ROOT}/etc/systemd/system/b.service",
        after=f"""
            equal 'the state' "$(systemctl --root {ROOT} is-enabled a.service || :)" masked
            absent {ROOT}/etc/systemd/system/b.service
        """,
    ),
    Scenario(
        "drop-ins",
        units(
            {
                "name": "hello.service",
                "contents": SERVICE,
                "dropins": [{"name": "10-x.conf", "contents": "[Service]\nNice=5\n"}],
            }
        ),
        after=f"""
            content {ROOT}/etc/systemd/system/hello.service.d/10-x.conf "$(printf '[Service]\\nNice=5')"
            node {ROOT}/etc/systemd/system/hello.service.d/10-x.conf file 644 0:0
        """,
    ),
    Scenario(
        "instances of a template",
        units(
            {"name": "echo@.service", "contents": SERVICE},
            {"name": "echo@one.service", "enabled": True},
            {"name": "echo@two.service", "enabled": True},
        ),
        after=f"""
            systemctl --root {ROOT} preset echo@one.service echo@two.service 2>/dev/null
            test -L {ROOT}/etc/systemd/system/multi-user.target.wants/echo@one.service
            test -L {ROOT}/etc/systemd/system/multi-user.target.wants/echo@two.service
        """,
    ),
)


@rows(*(scenario._replace(root="debian", stages=FILES) for scenario in SCENARIOS))
def test_units(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)
