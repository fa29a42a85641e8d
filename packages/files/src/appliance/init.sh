#!/bin/busybox sh
# The first process of the machine that reads tenants' file systems. Modules are listed in the order in which they
# can be loaded; what disks may need besides is loaded when one needs it.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
$b mount -t tmpfs -o size=16m tmpfs /run
while read -r module; do $b insmod "/modules/$module" 2>/dev/null; done </modules/boot.order
/bin/perl -I/lib/perl /agent.pl
$b poweroff -f
