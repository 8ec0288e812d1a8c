#!/bin/sh
# systemd's generator in an initramfs of dracut: has the first boot looked for, and says when.
#
# Mostly that is when the device of the root file system is there, and before it is mounted: a stamp may lie on it, and a
# journal, and whether the machine was provisioned already. Where the kernel command line asks for a first boot, and
# nothing has to be unlocked or assembled before, it is earlier, so that the config may make that very device.
# Source: systemd.generator(7).
set -f

units=${1:-/tmp}
[ -e "${PROVISION_INITRD_RELEASE:-/etc/initrd-release}" ] || exit 0

asked=${PROVISION_ASKED:-/usr/lib/provision/first-boot-asked}
command_line=${IGNITION_KERNEL_CMDLINE_PATH:-/proc/cmdline}

is_early() {
    "$asked" --command-line || return 1
    # shellcheck disable=SC2013
    for word in $(cat "$command_line"); do
        case $word in
        rd.luks* | rd.lvm* | rd.md* | resume=* | root=/dev/mapper/* | root=/dev/md*) return 1 ;;
        esac
    done
}

requires() {
    mkdir -p "$units/$2.requires"
    ln -sf "/usr/lib/systemd/system/$1" "$units/$2.requires/$1"
}

# Order for a unit, behind what it says itself.
order() {
    mkdir -p "$units/$1.d"
    shift_unit=$1
    shift
    printf '[Unit]\n' >"$units/$shift_unit.d/order.conf"
    printf '%s\n' "$@" >>"$units/$shift_unit.d/order.conf"
}

requires provision-complete.target initrd.target
if is_early; then
    order provision-begin.service "Before=dracut-initqueue.service initrd-root-device.target"
    order provision-disks.service "Before=dracut-initqueue.service initrd-root-device.target"
else
    order provision-begin.service "After=dracut-initqueue.service initrd-root-device.target local-fs-pre.target"
fi
