# Run by mmdebstrap with the new root as $1: adds the kernel, without an initramfs of Debian's own (its making takes
# longer than all the rest), and lays out what the boot loader is for: the folder /boot-files.
set -eu
root=$1

export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: *//p' | head -n 1)
mkdir "$root/kernel"
(cd "$root/kernel" && apt-get download -qq -o APT::Sandbox::User=root "$package")
dpkg-deb --fsys-tarfile "$root/kernel/"*.deb | tar -x -C "$root" --keep-directory-symlink ./boot ./lib
rm -r "$root/kernel"
version=$(basename "$root"/lib/modules/*)
chroot "$root" depmod "$version"

mkdir "$root/boot-files"
mv "$root/boot/vmlinuz-$version" "$root/boot-files/vmlinuz"
cp "$root/bin/busybox" "$root/boot-files/busybox"
# In the order in which they need each other.
number=0
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk overlay; do
  number=$((number + 1))
  cp "$(find "$root/lib/modules/$version" -name "$module.ko")" "$root/boot-files/$number-$module.ko"
done

# A machine that was never booted, and whose SELinux is configured by those scenarios that want it.
rm -f "$root/etc/selinux/config" "$root/etc/machine-id" "$root/etc/resolv.conf"
mkdir -p "$root/vm" "$root/sysroot"
