# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs the Debian packages that a command needs, when they are missing. Sourced by ./dev.

packages_of() {
    case $1 in
    build) echo autoconf automake pkg-config gcc libc6-dev make libevent-dev libpmem-dev libxxhash-dev ;;
    test)
        echo libcmocka-dev libhiredis-dev redis-server redis-tools memcached libmemcached-tools \
            clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 shellcheck python3 python3-redis \
            python3-pymemcache procps valgrind
        ;;
    bench) echo gnuplot-nox linux-perf ;;
    vm) echo qemu-system-x86 linux-image-amd64 busybox-static ndctl e2fsprogs kmod cpio ;;
    esac
}

# Runs apt-get as root, and keeps the services of what it installs (redis, memcached) from starting:
# invoke-rc.d asks /usr/sbin/policy-rc.d, which answers "forbidden" (101) meanwhile.
apt_install() {
    local sudo='' policy=/usr/sbin/policy-rc.d own_policy=no status=0
    if [ "$(id -u)" -ne 0 ]; then
        sudo=sudo
    fi
    $sudo apt-get -qq update || echo "dev: apt-get update failed; trying with the lists that are here" >&2
    if [ ! -e $policy ]; then
        own_policy=yes
        printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
        $sudo chmod 755 $policy
    fi
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" \
        </dev/null >/dev/null || status=$?
    if [ $own_policy = yes ]; then
        $sudo rm -f $policy
    fi
    return $status
}

# need_packages SET...: see that all packages of these sets are installed.
need_packages() {
    local set missing=()
    for set in "$@"; do
        for package in $(packages_of "$set"); do
            if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$'; then
                missing+=("$package")
            fi
        done
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    if ! command -v apt-get >/dev/null || [ "${HEARTH_NO_INSTALL:-0}" = 1 ]; then
        echo "dev: not installed by Debian's package manager, going on without: ${missing[*]}" >&2
        return 0
    fi
    echo "dev: installing ${missing[*]}" >&2
    apt_install "${missing[@]}"
}
