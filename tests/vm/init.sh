#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# First process of the guest: busybox, a file system in memory, the virtual NVDIMM as /dev/pmem0.
#
# run=setup  makes the namespace and the file system on the blank NVDIMM, once; the image is kept as a golden copy
# run=serve  mounts it and runs hearthd until the machine dies
#
# It never makes a file system because a mount failed: that would hide the very loss that is looked for.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev

fatal() {
    echo "GUEST FATAL: $*"
    poweroff -f
}

while read -r module; do
    insmod "/modules/$module" || echo "insmod $module failed"
done </modules/order
ifconfig lo 127.0.0.1
ifconfig eth0 10.0.2.15
route add default gw 10.0.2.2

run=$(sed -n 's/.*run=\([a-z]*\).*/\1/p' /proc/cmdline)
case $run in
setup)
    ndctl create-namespace -f -e namespace0.0 -m fsdax -M dev || fatal "no namespace"
    [ "$(cat /sys/block/pmem0/queue/dax)" = 1 ] || fatal "pmem0 is not dax"
    # 4 KB blocks: smaller ones do not support DAX. By its own path: busybox has a mke2fs too.
    /hearth/mke2fs -F -q -t ext4 -b 4096 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard /dev/pmem0 ||
        fatal "no file system"
    echo "GUEST SETUP DONE"
    ;;
serve)
    [ -b /dev/pmem0 ] || fatal "no /dev/pmem0"
    mkdir -p /pmem
    mount -t ext4 -o dax=always /dev/pmem0 /pmem || fatal "the file system does not mount"
    echo "GUEST MOUNTED"
    # shellcheck disable=SC2046 # the arguments are words
    /hearth/hearthd $(cat /hearth/arguments)
    echo "GUEST hearthd ended with status $?"
    umount /pmem
    ;;
*) fatal "run=$run?" ;;
esac
sync
poweroff -f
