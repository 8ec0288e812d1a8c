#!/bin/bash
# shellcheck disable=SC2154  # dracut sets these
# dracut's module for the first boot: the agent with its Python, the programs that it calls, units and what starts them.
# Source: dracut.modules(7).

check() {
    [[ -x ${dracutsysrootdir:-}/usr/bin/provision-agent ]] || {
        derror "provision: /usr/bin/provision-agent is missing; run: provision initramfs install"
        return 1
    }
    return 0
}

depends() {
    echo systemd
    # NetworkManager only where there is nothing simpler; see provision-network.
    if [[ ! -x $dracutsysrootdir${systemdutildir:-/usr/lib/systemd}/systemd-networkd ]] &&
        [[ -d ${dracutbasedir:-/usr/lib/dracut}/modules.d/35network-manager ]]; then
        echo network-manager
    fi
}

installkernel() {
    # File systems, with the character sets that FAT asks for; RAID and encryption; where configs and keys come from.
    hostonly='' instmods btrfs ext4 xfs vfat nls_ascii nls_cp437 nls_iso8859-1 nls_utf8 isofs udf virtiofs \
        linear raid0 raid1 raid10 raid456 dm_mod dm_crypt dm_integrity \
        xts ecb cbc essiv aes aes_generic aesni_intel sha256 sha512 algif_hash algif_skcipher \
        qemu_fw_cfg hv_utils vboxguest vmw_vmci vmw_vsock_virtio_transport vsock virtio_rng tpm_crb tpm_tis \
        loop sr_mod virtio_blk virtio_scsi virtio_pci virtio_net af_packet \
        '=drivers/net/ethernet' '=drivers/net/mdio' '=drivers/net/phy'
}

install_programs() {
    local program own=${dracutsysrootdir:-}/usr/lib/provision lists
    lists=("$own/programs")
    find_binary clevis >/dev/null && lists+=("$own/programs.clevis")
    while read -r program; do
        case $program in
        "" | "#"*) ;;
        -*) inst_multiple -o "${program#-}" ;;
        *)
            find_binary "$program" >/dev/null ||
                dwarn "provision: $program is not installed, so configs cannot use it in a first boot"
            inst_multiple -o "$program"
            ;;
        esac
    done < <(cat "${lists[@]}")
    # The features of ext4, and the library without which threads cannot end.
    inst_simple /etc/mke2fs.conf
    inst_libdir_file "libgcc_s.so*" "libnss_dns.so*" "libnss_files.so*"
}

install_network() {
    local unit account file
    [[ -x $dracutsysrootdir$systemdutildir/systemd-networkd ]] || return 0
    inst_multiple -o ip \
        "$systemdutildir/systemd-networkd" \
        "$systemdutildir/systemd-networkd-wait-online" \
        "$systemdutildir/systemd-network-generator" \
        "$systemdsystemunitdir/systemd-networkd.service" \
        "$systemdsystemunitdir/systemd-networkd.socket" \
        "$systemdutildir/network/99-default.link"
    for file in passwd group; do
        account=$(grep '^systemd-network:' "${dracutsysrootdir:-}/etc/$file") || continue
        grep -qs '^systemd-network:' "$initdir/etc/$file" || echo "$account" >>"$initdir/etc/$file"
    done
}

install_unit() {
    local unit=$1 folder=$2
    inst_simple "$moddir/$unit" "$systemdsystemunitdir/$unit"
    mkdir -p "$initdir$systemdsystemunitdir/$folder"
    ln_r "$systemdsystemunitdir/$unit" "$systemdsystemunitdir/$folder/$unit"
}

install() {
    local unit folder file

    # These run in the initramfs, and its root is `/`: nothing of the agent's may come from elsewhere.
    "${dracutsysrootdir:-}/usr/bin/provision-agent" pack --destination "$initdir" ||
        dfatal "provision: the agent could not be packed; its message stands above"
    inst_multiple cat mkdir mount sed tr umount
    install_programs
    install_network

    for file in first-boot-asked leave-writable; do
        inst_simple "${dracutsysrootdir:-}/usr/lib/provision/$file" "/usr/lib/provision/$file"
    done
    inst_script "$moddir/provision-generator.sh" "$systemdutildir/system-generators/provision-generator"
    inst_script "$moddir/provision-begin.sh" /usr/lib/provision/begin
    inst_script "$moddir/provision-network.sh" /usr/lib/provision/network
    inst_hook emergency 99 "$moddir/provision-emergency.sh"
    inst_hook shutdown-emergency 99 "$moddir/provision-emergency.sh"

    inst_simple "$moddir/provision-complete.target" "$systemdsystemunitdir/provision-complete.target"
    for unit in begin fetch-offline network fetch disks mount files; do
        install_unit "provision-$unit.service" provision-complete.target.requires
    done
    install_unit provision-writable.service initrd.target.wants

    # Fragments and a config that the system itself brings.
    for folder in /usr/lib/ignition /etc/ignition; do
        [[ -d ${dracutsysrootdir:-}$folder ]] && inst_dir "$folder" && cp -a "${dracutsysrootdir:-}$folder/." "$initdir$folder/"
    done

    # A volume that is open and not formatted yet has to count as a device; discs need their labels.
    inst_simple "$moddir/99-provision-crypt.rules" /usr/lib/udev/rules.d/99-provision-crypt.rules
    inst_rules 60-cdrom_id.rules
    inst_multiple -o "${udevdir:-/usr/lib/udev}/cdrom_id"
}
