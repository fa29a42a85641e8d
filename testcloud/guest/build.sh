#!/bin/bash
# build.sh WORK IMAGE: makes a guest that boots in seconds without KVM.
# Debian's cloud kernel, busybox, qemu-guest-agent, dropbear and e2fsprogs; an initramfs of its own, extlinux,
# one ext4 file system with the label "root", as qcow2. It finds its root on any kind of disk.
set -euo pipefail
work=$1
image=$2
here=$(cd -- "$(dirname -- "$0")" && pwd)
SUITE=bookworm
PACKAGES=busybox,qemu-guest-agent,dropbear-bin,linux-image-cloud-amd64,e2fsprogs,util-linux
SIZE_MIB=256
PROGRAMS="usr/sbin/qemu-ga usr/sbin/dropbear usr/bin/dropbearkey sbin/mke2fs sbin/blkid sbin/fstrim sbin/e2fsck
  sbin/resize2fs sbin/fsfreeze"
ROOT_MODULES="virtio_pci virtio_blk virtio_scsi sd_mod ext4 crc32c_generic crc32c-intel"
MODULES="$ROOT_MODULES virtio_net virtio_console virtio-rng virtio_balloon isofs vfat nls_ascii nls_cp437 xfs sr_mod
  pci-hotplug acpiphp shpchp af_packet"
ARCH_LIBRARIES=lib/x86_64-linux-gnu

umask 022
debian=$work/debian
root=$work/root
initramfs=$work/initramfs
disk=$work/disk.raw
loop=
mounted=

leave() {
  [ -z "$mounted" ] || umount "$mounted"
  [ -z "$loop" ] || losetup -d "$loop"
  rm -rf "$debian" "$root" "$initramfs" "$disk" "$work/mounted"
}
trap leave EXIT
leave

mmdebstrap --quiet --variant=extract --include=$PACKAGES $SUITE "$debian"
kernel=$(basename "$debian"/lib/modules/*)

# copy_program PATH TO: a program of Debian's with the libraries that it needs, below TO.
copy_program() {
  mkdir -p "$2/$(dirname "$1")" "$2/$ARCH_LIBRARIES"
  cp -L "$debian/$1" "$2/$1"
  LD_LIBRARY_PATH=$debian/$ARCH_LIBRARIES:$debian/usr/$ARCH_LIBRARIES ldd "$debian/$1" |
    grep -o '^[[:space:]]*lib[^ ]*' | while read -r library; do
    found=$(find "$debian/lib" "$debian/usr/lib" -name "$library" -print -quit)
    [ -z "$found" ] || cp -Lu "$found" "$2/$ARCH_LIBRARIES/"
  done
}

# module_files MODULES FOLDER: the files of these and of all that they need, in the order of loading.
module_files() {
  for module in $1; do
    # Some are built into the kernel and have no file.
    modprobe -d "$2" -S "$kernel" --show-depends "$module" 2>/dev/null || true
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

make_root() {
  mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,lib64,etc,dev,proc,sys,run,tmp,root,var/lib,var/log,boot/extlinux,mnt,data}
  ln -s ../run "$root/var/run"
  cp -L "$debian/lib64/ld-linux-x86-64.so.2" "$root/lib64/"
  copy_program bin/busybox "$root"
  for applet in $("$debian/bin/busybox" --list); do ln -sf /bin/busybox "$root/bin/$applet"; done
  rm "$root/bin/busybox"
  cp "$debian/bin/busybox" "$root/bin/busybox"
  ln -s /bin/busybox "$root/sbin/init"
  for program in $PROGRAMS; do
    rm -f "$root/bin/$(basename "$program")"
    copy_program "$program" "$root"
  done
  ln -s mke2fs "$root/sbin/mkfs.ext4"
  cp -L "$debian/$ARCH_LIBRARIES/libnss_files.so.2" "$root/$ARCH_LIBRARIES/"
  cp "$debian/etc/mke2fs.conf" "$root/etc/"
  cp -r "$here/root/." "$root/"
  chmod 755 "$root"/etc/{rcS,rcK,udhcpc.sh,qemu/fsfreeze-hook} "$root/sbin/shutdown"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  # The password is "root": the console is reached by the machine's own root only.
  echo "root:$(openssl passwd -6 -salt cairn root):19000:0:99999:7:::" >"$root/etc/shadow"
  chmod 600 "$root/etc/shadow"
  printf '/bin/sh\n/bin/ash\n' >"$root/etc/shells"
  echo guest >"$root/etc/hostname"
  echo '127.0.0.1 localhost' >"$root/etc/hosts"
  cp "$debian/boot/vmlinuz-$kernel" "$root/boot/vmlinuz"
  cp "$here/extlinux.conf" "$root/boot/extlinux/"
}

copy_modules() {
  mkdir -p "$root/lib/modules/$kernel"
  cp "$debian/lib/modules/$kernel"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$kernel/"
  depmod -b "$debian" "$kernel"
  module_files "$MODULES" "$debian" | while read -r file; do
    to=$root/lib/modules/$kernel/${file##*"/lib/modules/$kernel/"}
    mkdir -p "$(dirname "$to")"
    cp "$file" "$to"
  done
  depmod -b "$root" "$kernel"
}

# Not compressed: unpacking it would take a guest without KVM longer than reading it.
make_initramfs() {
  mkdir -p "$initramfs"/{bin,dev,proc,sys,new,lib64}
  copy_program bin/busybox "$initramfs"
  cp -L "$debian/lib64/ld-linux-x86-64.so.2" "$initramfs/lib64/"
  for applet in sh mount insmod findfs sleep switch_root; do ln -s busybox "$initramfs/bin/$applet"; done
  module_files "$ROOT_MODULES" "$root" | while read -r file; do
    cp "$file" "$initramfs/lib/"
    echo "/lib/$(basename "$file")"
  done >"$initramfs/modules"
  cp "$here/initramfs-init" "$initramfs/init"
  chmod 755 "$initramfs/init"
  (cd "$initramfs" && find . | cpio -o -H newc --quiet --owner 0:0) >"$root/boot/initrd"
}

make_disk() {
  truncate -s ${SIZE_MIB}M "$disk"
  echo '2048,,83,*' | sfdisk -q "$disk"
  # extlinux reads neither 64-bit nor checksummed ext4.
  mke2fs -q -t ext4 -L root -O '^64bit,^metadata_csum' -d "$root" \
    -E offset=1048576,root_owner=0:0 "$disk" $(((SIZE_MIB - 1) * 1024))k
  loop=$(losetup -f --show -o 1048576 "$disk")
  mounted=$work/mounted
  mkdir -p "$mounted"
  mount "$loop" "$mounted"
  chown -R 0:0 "$mounted"
  # mke2fs leaves holes, and extlinux cannot read them ("I/O error").
  for file in vmlinuz initrd; do
    cp --sparse=never "$mounted/boot/$file" "$mounted/boot/$file.whole"
    mv "$mounted/boot/$file.whole" "$mounted/boot/$file"
  done
  extlinux --install "$mounted/boot/extlinux"
  umount "$mounted"
  mounted=
  losetup -d "$loop"
  loop=
  dd if=/usr/lib/syslinux/mbr/mbr.bin of="$disk" bs=440 count=1 conv=notrunc status=none
  qemu-img convert -O qcow2 -c "$disk" "$image.next"
  mv "$image.next" "$image"
}

make_root
copy_modules
make_initramfs
make_disk
