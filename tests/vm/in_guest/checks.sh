# What scenarios look with: each function says what it found instead, and fails.

fail() {
  echo "$*" >&2
  return 1
}

# equal WHAT FOUND WANTED
equal() { [ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"; }

# partition DISK NUMBER [label=…] [start=SECTOR] [size=SECTORS] [start_mib=…] [size_mib=…] [type=GUID] [guid=GUID]
partition() {
  local disk=$1 number=$2 said sector want key found
  shift 2
  said=$(sgdisk --info="$number" "$disk")
  sector=$(blockdev --getss "$disk")
  [[ $said = *"First sector"* ]] || fail "$disk has no partition $number" || return
  for want in "$@"; do
    key=${want%%=*}
    case $key in
      label) found=$(sed -n "s/^Partition name: '\(.*\)'$/\1/p" <<<"$said") ;;
      type) found=$(sed -n 's/^Partition GUID code: \([^ ]*\).*/\1/p' <<<"$said") ;;
      guid) found=$(sed -n 's/^Partition unique GUID: //p' <<<"$said") ;;
      start) found=$(sed -n 's/^First sector: \([0-9]*\).*/\1/p' <<<"$said") ;;
      size) found=$(sed -n 's/^Partition size: \([0-9]*\).*/\1/p' <<<"$said") ;;
      start_mib) found=$(($(sed -n 's/^First sector: \([0-9]*\).*/\1/p' <<<"$said") * sector / 1048576)) ;;
      size_mib) found=$(($(sed -n 's/^Partition size: \([0-9]*\).*/\1/p' <<<"$said") * sector / 1048576)) ;;
      *) fail "partition knows no $key" || return ;;
    esac
    equal "$key of partition $number of $disk" "$found" "${want#*=}" || return
  done
}

# partitions DISK NUMBER…: these, and no others
partitions() {
  local disk=$1
  shift
  equal "the list of partitions of $disk" "$(sgdisk --print "$disk" | awk '/^ *[0-9]+ /{print $1}' | xargs)" "$*"
  equal "the kernel's list of partitions of $disk" \
    "$(lsblk --noheadings --raw --output NAME "$disk" | sed -n "s/^$(basename "$disk")p\{0,1\}\([0-9][0-9]*\)$/\1/p" | sort -n | xargs)" "$*"
}

# guid_of DISK NUMBER
guid_of() { sgdisk --info="$2" "$1" | sed -n 's/^Partition unique GUID: //p'; }

# holds DEVICE TYPE [LABEL=…] [UUID=…]: by blkid's own probing; `nothing` for no signature at all
holds() {
  local device=$1 type=$2 said want
  shift 2
  said=$(blkid --probe --output export "$device" || :)
  if [ "$type" = nothing ]; then
    equal "what blkid says of $device" "$(grep ^TYPE= <<<"$said" || :)" ""
    return
  fi
  for want in "TYPE=$type" "$@"; do
    equal "${want%%=*} of $device" "$(sed -n "s/^${want%%=*}=//p" <<<"$said")" "${want#*=}" || return
  done
}

# mark DEVICE: a file in the file system of a device; marked DEVICE: it is still there
mark() {
  mkdir -p /run/marked
  mount "$1" /run/marked
  echo kept > /run/marked/mark
  umount /run/marked
}
marked() {
  mkdir -p /run/marked
  mount "$1" /run/marked
  equal "the mark on $1" "$(cat /run/marked/mark 2>&1)" kept
  umount /run/marked
}
unmarked() {
  mkdir -p /run/marked
  mount "$1" /run/marked
  equal "what is left of the mark on $1" "$(cat /run/marked/mark 2>/dev/null)" ""
  umount /run/marked
}

# node PATH KIND MODE OWNER:GROUP, with numbers: node /sysroot/etc/x file 644 0:0
node() {
  local kind
  case "$(stat -c %F "$1")" in
    regular*) kind=file ;;
    directory) kind=directory ;;
    symbolic*) kind=link ;;
    *) kind=other ;;
  esac
  equal "$1" "$kind $(stat -c '%a %u:%g' "$1")" "$2 $3 $4"
}

# content PATH TEXT: with a newline behind it or not
content() { equal "the content of $1" "$(cat "$1")" "$2"; }

# absent PATH…
absent() {
  local path
  for path in "$@"; do
    if [ -e "$path" ] || [ -L "$path" ]; then fail "$path is there" || return; fi
  done
}

# array NAME LEVEL MEMBERS SPARES
array() {
  local said
  said=$(mdadm --detail "$1")
  equal "level of $1" "$(sed -n 's/^ *Raid Level : //p' <<<"$said")" "$2"
  equal "members of $1" "$(sed -n 's/^ *Raid Devices : //p' <<<"$said")" "$3"
  # A spare helps to build parity at first, and is counted as one of those that work; total less members are spares.
  equal "spares of $1" "$(($(sed -n 's/^ *Total Devices : //p' <<<"$said") - $3))" "$4"
}
