# Answers questions about the file systems of the disks of this machine, one after the other, over a virtio
# port. It runs inside the machine, as root: whatever a hostile file system makes of it ends with the machine.
#
# A request is a line of words with tabs between; names are in hex, because they may hold any byte. A reply is
# a row of frames: a word, a length, a newline, the payload.
use strict;
use warnings;

my $LOOPS_MAX = 5_000_000;     # entries of directories that one request may look at
my $DATA_BYTES = 256 * 1024;
my $LVM = '/sbin/lvm';
my $ANY = '(?:[\xc0-\xf7][\x80-\xbf]{1,3}|.)';   # one character of UTF-8, or any byte

my $port = open_port();
my $left = 0;                  # entries that the request may still look at
sub open_port {
  for (1 .. 200) {
    for my $name (glob_names('/sys/class/virtio-ports')) {
      open(my $file, '<', "/sys/class/virtio-ports/$name/name") or next;
      my $called = <$file> // '';
      chomp $called;
      next unless $called eq 'cairn';
      open(my $found, '+<:raw', "/dev/$name") or next;
      return $found;
    }
    select(undef, undef, undef, 0.05);
  }
  die "no port\n";
}

sub read_line {
  my $line = '';
  while (length $line < 65536) {
    my $count = sysread($port, my $byte, 1);
    return undef unless $count;
    return $line if $byte eq "\n";
    $line .= $byte;
  }
  return undef;
}

sub frame {
  my ($word, $payload) = @_;
  my $bytes = "$word " . length($payload) . "\n" . $payload;
  my $at = 0;
  while ($at < length $bytes) {
    my $count = syswrite($port, $bytes, length($bytes) - $at, $at);
    exit 1 unless defined $count;
    $at += $count;
  }
}

sub glob_names {
  my ($folder) = @_;
  opendir(my $handle, $folder) or return ();
  return sort grep { $_ ne '.' && $_ ne '..' } readdir $handle;
}

# --- disks and file systems ------------------------------------------------------------------------------

# The disks of a snapshot: device here => device there. Serial numbers are `<snapshot's number>.<device>`.
sub disks_of {
  my ($tag) = @_;
  my %disks;
  for my $name (glob_names('/sys/block')) {
    open(my $file, '<', "/sys/block/$name/serial") or next;
    my $serial = <$file> // '';
    $serial =~ s/\s+$//;
    $disks{$name} = $1 if $serial =~ /^\Q$tag\E\.(.+)$/;
  }
  return %disks;
}

# All that may hold a file system: [label, path, kind].
sub volumes_of {
  my (%disks) = @_;
  my @volumes;
  for my $disk (sort { $disks{$a} cmp $disks{$b} } keys %disks) {
    my @parts = grep { -e "/sys/block/$disk/$_/partition" } glob_names("/sys/block/$disk");
    @parts = sort { number($disk, $a) <=> number($disk, $b) } @parts;
    if (@parts) {
      push @volumes, map { [$disks{$disk} . number($disk, $_), "/dev/$_"] } @parts;
    } else {
      push @volumes, [$disks{$disk}, "/dev/$disk"];
    }
  }
  $_->[2] = kind_of($_->[1]) for @volumes;
  return (@volumes, logical_volumes(map { $_->[1] } grep { $_->[2] eq 'lvm' } @volumes));
}

sub number { return $_[1] =~ /(\d+)$/ ? $1 : 0 }

# Only the snapshot's own devices are looked at: those of another snapshot of the same instance look the same.
sub lvm {
  my ($devices, @words) = @_;
  my $filter = join ',', (map { "\"a|^$_\$|\"" } @$devices), '"r|.*|"';
  my $config = "devices { filter=[$filter] use_devicesfile=0 } activation { udev_sync=0 udev_rules=0 }";
  open(my $out, '-|', $LVM, $words[0], '--config', $config, @words[1 .. $#words]) or return ();
  my @lines = <$out>;
  close $out;
  return @lines;
}

my @active;
sub logical_volumes {
  my @devices = @_;
  return () unless @devices && -x $LVM;
  load_modules('lvm');
  @active = @devices;
  lvm(\@devices, 'vgchange', '-ay', '-K', '--noudevsync');
  my @fields = ('--noheadings', '--separator', '|', '-o', 'vg_name,lv_name,lv_dm_path');
  my @found;
  for (lvm(\@devices, 'lvs', @fields)) {
    my ($group, $volume, $path) = /^\s*([^|]+)\|([^|]+)\|(\S+)/ or next;
    push @found, ["$group/$volume", $path, kind_of($path)];
  }
  return @found;
}

# What a snapshot's disks left in the kernel would be in the way of the next one's, whose ids are the same.
sub forget {
  lvm([@active], 'vgchange', '-an', '--noudevsync') if @active;
  @active = ();
  quietly('/bin/busybox', 'rmmod', 'btrfs') if -d '/sys/module/btrfs';
}

# [kind, offset, bytes], most certain first.
my @MAGIC = (
  ['ext4', 1080, "\x53\xef"], ['xfs', 0, 'XFSB'], ['btrfs', 65600, '_BHRfS_M'], ['lvm', 512, 'LABELONE'],
  ['luks', 0, "LUKS\xba\xbe"], ['ntfs', 3, 'NTFS    '], ['exfat', 3, 'EXFAT   '], ['iso9660', 32769, 'CD001'],
  ['squashfs', 0, 'hsqs'], ['swap', 4086, 'SWAPSPACE2'], ['raid', 4096, "\xfc\x4e\x2b\xa9"],
  ['vfat', 82, 'FAT32   '], ['vfat', 54, 'FAT16   '], ['vfat', 54, 'FAT12   '],
);

sub kind_of {
  my ($path) = @_;
  open(my $file, '<:raw', $path) or return 'unreadable';
  my $head = '';
  my $count = read($file, $head, 65664);
  return 'unreadable' unless defined $count;
  for (@MAGIC) {
    my ($kind, $offset, $bytes) = @$_;
    return $kind if length $head >= $offset + length $bytes && substr($head, $offset, length $bytes) eq $bytes;
  }
  return $head =~ /[^\0]/ ? 'unknown' : 'empty';
}

# The first options replay the journal, into the machine's own copy of what changes; the second do without.
my %OPTIONS = (
  ext4 => ['ro', 'ro,noload'],
  xfs => ['ro,nouuid', 'ro,nouuid,norecovery'],
  btrfs => ['ro,subvolid=5', 'ro,subvolid=5,rescue=nologreplay'],
  vfat => ['ro,utf8=1', 'ro'],
  iso9660 => ['ro'],
  squashfs => ['ro'],
);

# Modules are loaded when a disk has something for them: see `appliance.ts`. One that is there is no error.
sub load_modules {
  my ($group) = @_;
  open(my $order, '<', "/modules/$group.order") or return;
  while (my $name = <$order>) {
    chomp $name;
    quietly('/bin/busybox', 'insmod', "/modules/$name");
  }
}

# Whether a program ended well. Nobody is there to read what it says.
sub quietly {
  my @words = @_;
  my $child = fork() // die;
  if ($child == 0) {
    open(STDOUT, '>', '/dev/null');
    open(STDERR, '>', '/dev/null');
    exec { $words[0] } @words or exit 127;
  }
  waitpid($child, 0);
  return $? == 0;
}

sub is_mounted {
  my ($path, $kind) = @_;
  load_modules($kind);
  for my $options (@{$OPTIONS{$kind}}) {
    return 1 if quietly('/bin/busybox', 'mount', '-t', $kind, '-o', $options, $path, '/mnt');
  }
  return 0;
}

# Tells the volumes of a snapshot, and calls back with each that is wanted and could be mounted.
sub each_volume {
  my ($tag, $work, $only) = @_;
  for my $volume (volumes_of(disks_of($tag))) {
    my ($label, $path, $kind) = @$volume;
    next if $kind eq 'lvm';
    if (!$OPTIONS{$kind} || (defined $only && $only ne $label)) {
      frame('volume', join "\0", $label, $kind, $OPTIONS{$kind} ? 'readable' : 'other');
      next;
    }
    if (!is_mounted($path, $kind)) {
      frame('volume', join "\0", $label, $kind, 'damaged');
      next;
    }
    frame('volume', join "\0", $label, $kind, 'mounted');
    $work->($label);
    system('/bin/busybox', 'umount', '/mnt');
  }
  forget();
}

# Runs in a process whose root is the file system, so that links lead nowhere else; says how much it used.
sub inside {
  my ($work) = @_;
  pipe(my $from, my $to) or die;
  my $child = fork() // die;
  if ($child == 0) {
    chroot('/mnt') && chdir('/') or exit 1;
    my $told = $work->() // '';
    syswrite($to, "$left $told");
    exit 0;
  }
  close $to;
  my $said = <$from> // '';
  waitpid($child, 0);
  my ($rest, $told) = split / /, $said, 2;
  frame('broken', '') if $? != 0 || !defined $told;
  $left = $rest || 0;
  return $told;
}

# --- files -----------------------------------------------------------------------------------------------

# One file as a frame; what the file says of itself may be anything, and is all text.
sub show {
  my ($path) = @_;
  my @stat = lstat($path) or return 0;
  my ($inode, $mode, $links, $uid, $gid, $size) = @stat[1, 2, 3, 4, 5, 7];
  my $target = ($mode & 0170000) == 0120000 ? (readlink($path) // '') : '';
  frame('file', join "\0", $path, $mode, $size, $uid, $gid, $links, @stat[8, 9, 10], $inode, $target);
  return 1;
}

sub search {
  my ($tag, $pattern, $hits) = @_;
  my @parts = grep { $_ ne '' } split m{/}, pack('H*', $pattern);
  each_volume($tag, sub {
    $hits = inside(sub { walk('', \$hits, @parts); return $hits }) // $hits;
  });
  frame('more', '') if $hits <= 0 || $left <= 0;
}

# Goes through the parts of a pattern. `**` stands for any folders; it follows no links.
sub walk {
  my ($at, $hits, @parts) = @_;
  return if $$hits <= 0 || $left <= 0;
  if (!@parts) {
    $$hits -= 1 if show($at eq '' ? '/' : $at);
    return;
  }
  my $part = shift @parts;
  if ($part eq '**') { deep($at, $hits, @parts) }
  elsif ($part =~ /[*?]/) {
    my $wanted = join '', map { $_ eq '*' ? '.*' : $_ eq '?' ? $ANY : quotemeta } split //, $part;
    my @found = grep { /^$wanted$/s } entries($at);
    for (sort @found) { walk("$at/$_", $hits, @parts) if !@parts || -d "$at/$_" }
  }
  else {
    $left -= 1;
    walk("$at/$part", $hits, @parts) if !@parts || -d "$at/$part";
  }
}

sub deep {
  my ($at, $hits, @parts) = @_;
  my @open = ([$at, 0]);
  while (@open && $$hits > 0 && $left > 0) {
    my ($folder, $depth) = @{shift @open};
    walk($folder, $hits, @parts) if @parts;
    my @found = sort { $a cmp $b } entries($folder);
    for (@found) { $$hits -= 1 if !@parts && $$hits > 0 && show("$folder/$_") }
    next if $depth > 200;
    unshift @open, map { ["$folder/$_", $depth + 1] } grep { !-l "$folder/$_" && -d _ } @found;
  }
}

sub entries {
  my ($folder) = @_;
  opendir(my $handle, $folder eq '' ? '/' : $folder) or return ();
  my @names;
  while ($left > 0 && defined(my $name = readdir $handle)) {
    $left -= 1;
    push @names, $name unless $name eq '.' || $name eq '..';
  }
  return @names;
}

# Lists a folder, or sends files, of the volume of that label; without one, only the volumes are told.
sub in_file_system {
  my ($verb, $tag, $label, $path, $after, $most) = @_;
  my $wanted = pack 'H*', $label;
  my $where = pack 'H*', $path;
  each_volume($tag, sub {
    inside(sub {
      if ($verb eq 'list') { list($where, pack('H*', $after), $most) } else { get($where) }
      return '';
    });
  }, $wanted);
}

sub list {
  my ($path, $after, $most) = @_;
  return frame('absent', '') unless lstat $path;
  return show($path) unless -d $path;
  $path =~ s{/+$}{};
  frame('folder', '');
  for (sort { $a cmp $b } grep { $_ gt $after } entries($path)) {
    return frame('more', '') if $most-- <= 0;
    show("$path/$_");
  }
  frame('more', '') if $left <= 0;
}

sub get {
  my ($path) = @_;
  return frame('absent', '') unless lstat $path;
  $path =~ s{(?<=.)/+$}{};
  # Whoever names a link to a file wants the file.
  send_file($path) if -f $path;
  send_tree($path) if !-f $path;
}

sub send_tree {
  my ($top) = @_;
  my @open = ($top);
  while (defined(my $path = shift @open)) {
    my @stat = lstat $path or next;
    if (($stat[2] & 0170000) == 0100000) { send_file($path) } else { show($path) }
    next unless ($stat[2] & 0170000) == 0040000;
    my $folder = $path eq '/' ? '' : $path;
    unshift @open, map { "$folder/$_" } sort { $a cmp $b } entries($folder);
    frame('more', '') if $left <= 0;
  }
}

# The bytes of one file: as many as it says it has, or `broken`.
sub send_file {
  my ($path) = @_;
  open(my $file, '<:raw', $path) or return frame('broken', $path);
  my @stat = stat $file;
  my ($mode, $links, $size) = @stat[2, 3, 7];
  frame('file', join "\0", $path, $mode, $size, @stat[4, 5], $links, @stat[8, 9, 10], $stat[1], '');
  while ($size > 0) {
    my $count = sysread($file, my $bytes, $size < $DATA_BYTES ? $size : $DATA_BYTES);
    return frame('broken', $path) unless $count;
    frame('data', $bytes);
    $size -= $count;
  }
}

# --- the loop: last, when all tables above are filled -----------------------------------------------------

frame('ready', '');
while (defined(my $line = read_line())) {
  my ($verb, @words) = split /\t/, $line, -1;
  $left = $LOOPS_MAX;
  if ($verb eq 'search') { search(@words) }
  elsif ($verb eq 'list') { in_file_system('list', @words) }
  elsif ($verb eq 'get') { in_file_system('get', @words) }
  frame('done', '');
}
