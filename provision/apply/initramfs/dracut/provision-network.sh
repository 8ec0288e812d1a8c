#!/bin/sh
# Brings the network up, for a config that needs it: by systemd-networkd, or NetworkManager where that is what the
# initramfs has. `ip=` and its companions on the kernel command line are respected; without them it is DHCP on every
# wired interface. Sources: systemd-network-generator(8), systemd.network(5), nm-initrd-generator(8).
set -u

networkd=/usr/lib/systemd/systemd-networkd
[ -x "$networkd" ] || networkd=/lib/systemd/systemd-networkd
programs=${networkd%/*}
limit_s=120

fail() {
    echo "provision: the network is needed, and $*" >&2
    exit 1
}

# Where the servers for names are kept: systemd-resolved does not run here.
write_resolv_conf() {
    [ -r /run/systemd/netif/state ] || return 0
    # shellcheck source=/dev/null
    . /run/systemd/netif/state
    for server in ${DNS:-}; do
        echo "nameserver ${server%%#*}"
    done >/etc/resolv.conf
    [ -z "${DOMAINS:-}" ] || echo "search $DOMAINS" >>/etc/resolv.conf
}

use_networkd() {
    mkdir -p /run/systemd/network
    [ ! -x "$programs/systemd-network-generator" ] || "$programs/systemd-network-generator"
    for file in /run/systemd/network/*.network; do
        [ -e "$file" ] && configured=yes
    done
    if [ -z "${configured:-}" ]; then
        printf '%s\n' '[Match]' 'Kind=!*' 'Type=ether' '[Network]' 'DHCP=yes' '[DHCPv4]' 'ClientIdentifier=mac' \
            >/run/systemd/network/zz-provision.network
    fi
    # It may run already, with nothing to do.
    systemctl restart systemd-networkd.service || fail "systemd-networkd does not start; look at its log"
    "$programs/systemd-networkd-wait-online" --any --timeout="$limit_s" ||
        fail "no interface came up in $limit_s s; is there a DHCP server, or is ip= right?"
    write_resolv_conf
}

use_network_manager() {
    # shellcheck disable=SC2046
    /usr/libexec/nm-initrd-generator -- $(cat /proc/cmdline) rd.neednet=1
    mkdir -p /run/NetworkManager/initrd
    : >/run/NetworkManager/initrd/neednet
    systemctl start nm-initrd.service nm-wait-online-initrd.service ||
        fail "NetworkManager brings no interface up; look at its log"
    [ -s /etc/resolv.conf ] || cp /run/NetworkManager/resolv.conf /etc/resolv.conf 2>/dev/null
}

# The interfaces that are up, or those that are not.
interfaces() {
    for interface in /sys/class/net/*; do
        [ "$(($(cat "$interface/flags") & 1))" != "$1" ] || echo "${interface##*/}"
    done
}

modprobe -q af_packet
udevadm settle --timeout=30
down=" $(interfaces 0 | tr '\n' ' ')"
if [ -x "$networkd" ]; then
    use_networkd
elif [ -x /usr/libexec/nm-initrd-generator ]; then
    use_network_manager
else
    fail "this initramfs has no tool for it: install systemd-networkd or NetworkManager and make it anew"
fi
# What is up now and was not before is switched off again at the end.
for interface in $(interfaces 1); do
    case $down in
    *" $interface "*) echo "$interface" ;;
    esac
done >/run/provision/network
