#!/bin/sh
# Decides whether this is a first boot. What systemd will mount counts as root, for that is not always what root= says.
udevadm settle --timeout=30
device=$(systemctl show --property=What --value sysroot.mount 2>/dev/null)
/usr/lib/provision/first-boot-asked "$device" || exit 0
exec /usr/bin/provision-agent first-boot begin -device "$device" -wait 30
