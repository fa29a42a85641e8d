# Mounts the file systems on copies of disks in a guest, or unmounts them. The guest's agent runs it as root; shell
# and tools may be busybox's. Nothing but its environment tells it what to do:
#   CAIRN_TASK    mount or unmount
#   CAIRN_BASE    /mnt/cairn/<snapshot id>
#   CAIRN_COPIES  to mount: SERIAL:FOLDER:DEVICE of each copy, with blanks between
#   CAIRN_WAIT_S  how long disks may take to appear, and another run of this to end
# It says, with tabs between the words, and with - as the serial of what is about no copy:
#   mounted SERIAL FILESYSTEM FOLDER/NAME.mnt
#   problem SERIAL WORDS
#   done
# Either task may run again at any time, also after one that was cut off. Nothing is removed but empty folders.

umask 022
lock=/run/cairn-mount
[ -d /run ] || lock=/tmp/cairn-mount

plain() { printf %s "$1" | tr '\n\t' '  ' | tr -cd ' -~' | cut -c 1-300; }

problem() { printf 'problem\t%s\t%s\n' "$1" "$(plain "$2")"; }

# One run at a time. A link is made at once, and names its maker: one that was killed holds up nobody.
take_turn() {
  tries=0
  until ln -s "$$" "$lock" 2>/dev/null; do
    if ! kill -0 "$(readlink "$lock")" 2>/dev/null; then
      rm -f "$lock"
    elif [ "$tries" -ge "$CAIRN_WAIT_S" ]; then
      problem - "an earlier run of this is still at work in the guest"
      return 1
    else
      sleep 1
    fi
    tries=$((tries + 1))
    [ "$tries" -le $((CAIRN_WAIT_S + 5)) ] || return 0
  done
  trap 'rm -f "$lock"' EXIT
}

# --- disks -----------------------------------------------------------------------------------------------------

split() {
  serial=${1%%:*}
  device=${1##*:}
  folder=${1#*:}
  folder=${folder%:*}
}

# The kernel's name for the disk with a serial. virtio tells the first 20 characters, SCSI a page of bytes with it.
disk_of() {
  for block in /sys/block/*; do
    said=$(cat "$block/serial" 2>/dev/null)
    if [ -z "$said" ] && [ -r "$block/device/vpd_pg80" ]; then
      said=$(tr -cd 'A-Za-z0-9-' 2>/dev/null <"$block/device/vpd_pg80")
    fi
    case $said in
      *"$1"*) echo "${block##*/}" && return ;;
    esac
  done
  for link in /dev/disk/by-id/*"$1"*; do
    [ -e "$link" ] || continue
    disk=$(readlink -f "$link")
    [ ! -e "/sys/block/${disk##*/}" ] || { echo "${disk##*/}" && return; }
  done
  return 1
}

# A kernel that was not told of a new device is asked to look.
await_disks() {
  waited=0
  awaited=$CAIRN_COPIES
  while [ "$waited" -lt "$CAIRN_WAIT_S" ]; do
    missing=
    for copy in $awaited; do
      split "$copy"
      disk_of "$serial" >/dev/null || missing="$missing $copy"
    done
    awaited=$missing
    [ -n "$awaited" ] || break
    [ "$waited" -ne 5 ] || echo 1 2>/dev/null >/sys/bus/pci/rescan
    sleep 1
    waited=$((waited + 1))
  done
  # Partitions and nodes come right after the disk.
  [ "$waited" -eq 0 ] || sleep 1
}

# NAME:NUMBER of each partition of a disk; NAME: of a disk without.
parts_of() {
  parts=
  for part in /sys/block/"$1"/"$1"*; do
    [ -e "$part/partition" ] || continue
    parts="$parts ${part##*/}:$(cat "$part/partition")"
  done
  echo "${parts:-$1:}"
}

# What is on a device, as blkid calls it; nothing if nothing is known to be on it.
kind_of() {
  # Of busybox's there is only the second, or none.
  facts=$(blkid -p "$1" 2>/dev/null) || facts=$(blkid "$1" 2>/dev/null)
  kind=$(printf '%s\n' "$facts" | sed -n 's/.* TYPE="\([^"]*\)".*/\1/p')
  echo "${kind:-$(kind_by_mark "$1")}"
}

# By the text at an offset that makes it what it is.
kind_by_mark() {
  for mark in XFSB:0:xfs LUKS:0:crypto_LUKS LABELONE:512:LVM2_member SWAPSPACE2:4086:swap _BHRfS_M:65600:btrfs \
    FAT:54:vfat FAT:82:vfat NTFS:3:ntfs CD001:32769:iso9660; do
    text=${mark%%:*}
    at=${mark#*:}
    found=$(dd if="$1" bs=1 skip="${at%:*}" count="${#text}" 2>/dev/null | tr -cd '!-~')
    [ "$found" != "$text" ] || { echo "${mark##*:}" && return; }
  done
  # Two bytes that are no text; its driver reads ext2 and ext3, too.
  [ "$(dd if="$1" bs=1 skip=1080 count=2 2>/dev/null | tr '\123\357' EX)" != EX ] || echo ext4
}

# --- mounting --------------------------------------------------------------------------------------------------

# Device number and file system of what is mounted on a folder.
mounted_on() {
  found=
  while read -r _ _ number _ where _ rest; do
    [ "$where" != "$1" ] || found="$number ${rest#*- }"
  done </proc/self/mountinfo
  set -- $found
  echo "$1 $2"
}

# DEVICE KIND PLACE: read-only. Journals are recovered: it is a copy. What cannot be recovered is read as it is.
attach() {
  choices=ro
  kinds=$2
  case $2 in
    ext3 | ext4) choices='ro ro,noload' ;;
    # The guest may have the very file system that this is a copy of.
    xfs) choices='ro,nouuid ro,nouuid,norecovery' ;;
    btrfs) choices='ro ro,rescue=nologreplay' ;;
    ntfs) kinds='ntfs3 ntfs-3g ntfs' ;;
  esac
  reason=
  for try in $kinds; do
    for options in $choices; do
      said=$(mount -t "$try" -o "$options,nosuid,nodev" "$1" "$3" 2>&1) && return
      reason=${reason:-$said}
    done
  done
  return 1
}

# BLOCK KIND LABEL: mounts what is on a block device, or says why not.
mount_block() {
  case $2 in
    '' | swap) return ;;
    crypto_LUKS) problem "$serial" "$3 is encrypted (LUKS): open it by hand" && return ;;
    linux_raid_member) problem "$serial" "$3 is a part of a RAID: assemble it by hand" && return ;;
    zfs_member) problem "$serial" "$3 is a part of a ZFS pool: import it by hand" && return ;;
    LVM2_member) problem "$serial" "$3 is a volume group in a logical volume: open it by hand" && return ;;
  esac
  path=$folder/$3.mnt
  place=$CAIRN_BASE/$path
  read -r number kind <<EOF
$(mounted_on "$place")
EOF
  case $number in
    # btrfs has numbers of its own.
    "$(cat "/sys/class/block/$1/dev")" | 0:*) ;;
    *)
      # Of a disk that was there before.
      [ -z "$number" ] || umount -l "$place"
      reason=
      if ! mkdir -p "$place" || ! attach "/dev/$1" "$2" "$place"; then
        rmdir "$place" 2>/dev/null
        problem "$serial" "$3 ($2) cannot be mounted: ${reason:-its folder cannot be made}"
        return
      fi
      read -r number kind <<EOF
$(mounted_on "$place")
EOF
      ;;
  esac
  printf 'mounted\t%s\t%s\t%s\n' "$serial" "$kind" "$path"
}

mount_disk() {
  seen=
  for part in $(parts_of "$1"); do
    block=${part%%:*}
    kind=$(kind_of "/dev/$block")
    seen=$seen$kind
    case $kind in
      LVM2_member) members="$members $serial:$block" ;;
      *) mount_block "$block" "$kind" "$device${part##*:}" ;;
    esac
  done
  [ -n "$seen" ] || problem "$serial" "no file system was found on $device"
}

# The copies of one instance: volume groups may lie on several of its disks.
mount_instance() {
  members=
  for copy in $CAIRN_COPIES; do
    split "$copy"
    [ "$folder" = "$1" ] || continue
    if disk=$(disk_of "$serial"); then
      mount_disk "$disk"
    else
      problem "$serial" "the guest does not see the disk of $device"
    fi
  done
  folder=$1
  [ -z "$members" ] || open_groups
}

mount_copies() {
  await_disks
  folders=
  for copy in $CAIRN_COPIES; do
    split "$copy"
    case " $folders " in
      *" $folder "*) ;;
      *) folders="$folders $folder" ;;
    esac
  done
  for each in $folders; do mount_instance "$each"; done
}

# --- logical volumes -------------------------------------------------------------------------------------------

# BLOCK NAME...: whether a block device is one of these, or lies on one of them.
lies_on() (
  block=$1
  shift
  case " $* " in
    *" $block "*) exit 0 ;;
  esac
  for below in /sys/class/block/"$block"/slaves/*; do
    [ -e "$below" ] && lies_on "${below##*/}" "$@" && exit 0
  done
  exit 1
)

is_open() {
  for mapped in /sys/block/dm-*; do
    [ -e "$mapped" ] && lies_on "${mapped##*/}" "$@" && return 0
  done
  return 1
}

block_called() {
  for mapped in /sys/block/dm-*; do
    [ "$(cat "$mapped/dm/name" 2>/dev/null)" != "$1" ] || { echo "${mapped##*/}" && return; }
  done
  return 1
}

# lvm sees nothing but these copies: a group of the guest's own may have the same name and the same ids.
open_groups() {
  if ! command -v lvm >/dev/null; then
    for member in $members; do problem "${member%%:*}" "logical volumes stay closed: the guest has no lvm2"; done
    return
  fi
  accepted=
  for member in $members; do accepted="$accepted\"a|^/dev/${member#*:}\$|\","; done
  only="devices { filter=[$accepted\"r|.*|\"] use_devicesfile=0 }"
  groups=
  owned=
  for member in $members; do
    group=$(lvm pvs --config "$only" --noheadings -o vg_name "/dev/${member#*:}" 2>/dev/null | tr -d ' ')
    [ -n "$group" ] || continue
    owned="$owned $group=$member"
    case " $groups " in
      *" $group "*) ;;
      *) groups="$groups $group" ;;
    esac
  done
  for group in $groups; do open_group "$group"; done
}

# A group gets a name and ids of its own before it is opened. One that is open already was opened by the guest as it
# saw the disks, or by an earlier run.
open_group() {
  serial=
  blocks=
  nodes=
  for each in $owned; do
    [ "${each%%=*}" = "$1" ] || continue
    member=${each#*=}
    serial=${serial:-${member%%:*}}
    blocks="$blocks ${member#*:}"
    nodes="$nodes /dev/${member#*:}"
  done
  called=$1
  said=
  if ! is_open $blocks; then
    case $called in
      cairn_*) ;;
      *)
        called=cairn_$(printf %.8s "$serial")_$1
        said=$(lvm vgimportclone --config "$only" -n "$called" $nodes 2>&1) || called=
        ;;
    esac
    [ -z "$called" ] || said=$(lvm vgchange --config "$only" -ay "$called" 2>&1)
  fi
  if ! is_open $blocks; then
    problem "$serial" "the volume group ${1#cairn_????????_} cannot be opened: $said"
    return
  fi
  lvm lvs --config "$only" --noheadings -o lv_name,lv_dm_path "$called" 2>/dev/null | while read -r volume node; do
    block=$(block_called "${node##*/}") || continue
    # The guest's own of the same name is not the copy.
    lies_on "$block" $blocks || continue
    label=$(printf %s "${1#cairn_????????_}-$volume" | tr -c 'A-Za-z0-9._-' _)
    mount_block "$block" "$(kind_of "/dev/$block")" "$label"
  done
}

# --- unmounting ------------------------------------------------------------------------------------------------

unmount_copies() {
  places=
  below=
  while read -r _ _ number _ where _; do
    case $where in
      "$CAIRN_BASE"/*) places="$where $places" ;;
      *) continue ;;
    esac
    block=$(readlink "/sys/dev/block/$number")
    for under in /sys/class/block/"${block##*/}"/slaves/*; do
      [ ! -e "$under" ] || below="$below ${under##*/}"
    done
  done </proc/self/mountinfo
  set -f
  # The newest first. The kernel writes blanks as \040.
  for each in $places; do
    place=$(printf %b "$each")
    said=$(umount "$place" 2>&1) && continue
    if umount -l "$place" 2>/dev/null; then
      problem - "$place was in use: it is gone when nobody uses it any more"
    else
      problem - "$place cannot be unmounted: $said"
    fi
  done
  set +f
  close_volumes $below
  remove_folders
}

# Those that we gave their names, and those on the same disks as what was mounted here. One may lie on another.
close_volumes() {
  for pass in 1 2 3 4; do
    left=
    for mapped in /sys/block/dm-*; do
      [ -e "$mapped" ] || continue
      name=$(cat "$mapped/dm/name")
      case $name in
        cairn_*) ;;
        *) lies_on "${mapped##*/}" "$@" || continue ;;
      esac
      dmsetup remove "$name" >/dev/null 2>&1 || lvm lvchange -an "/dev/mapper/$name" >/dev/null 2>&1 ||
        left="$left $name"
    done
    [ -n "$left" ] || return
  done
  problem - "logical volumes stay open:$left"
}

remove_folders() {
  for each in "$CAIRN_BASE"/*/*.mnt "$CAIRN_BASE"/.[!.]*/*.mnt "$CAIRN_BASE"/* "$CAIRN_BASE"/.[!.]* "$CAIRN_BASE"; do
    [ ! -d "$each" ] || rmdir "$each" 2>/dev/null
  done
  [ ! -d "$CAIRN_BASE" ] || problem - "$CAIRN_BASE stays, because something else is in it"
  # Of other snapshots there may be more.
  [ ! -d "${CAIRN_BASE%/*}" ] || rmdir "${CAIRN_BASE%/*}" 2>/dev/null
}

main() {
  if take_turn; then "${CAIRN_TASK}_copies"; fi
  echo done
}
# Nothing that it runs may read on in it.
main </dev/null
