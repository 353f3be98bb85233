#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./dev lint: what can be said about the sources without running them.
#   lint.sh [format|shell|names|tidy ...]   all four without arguments
set -euo pipefail
HEARTH_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export HEARTH_TOP LC_ALL=C.UTF-8
JOBS=${JOBS:-$(nproc)}
cd "$HEARTH_TOP"
# shellcheck source=tests/lib/packages.sh
. tests/lib/packages.sh
# shellcheck source=tests/lib/build.sh
. tests/lib/build.sh

# Prints which files clang-format would change.
lint_format() {
    c_files | xargs -r "$(clang_tool format)" --dry-run -Werror
}

lint_shell() {
    shell_files | xargs -r shellcheck -x -S warning
}

# House rules that a grep can see: the licence line, the lists of files, libraries in their layer only.
lint_names() {
    local file status=0
    for file in $(c_files) $(shell_files); do
        if ! head -n 3 "$file" | grep -q 'SPDX-License-Identifier: BSD-3-Clause'; then
            echo "$file: no SPDX line"
            status=1
        fi
    done
    # A header that no list names is missing from the tarball, and only distcheck would say so.
    for file in $(c_files); do
        if ! grep -qsF "${file%.c}" "${file%%/*}/local.mk"; then
            echo "$file: not in ${file%%/*}/local.mk"
            status=1
        fi
    done
    if grep -rnE '#include <(event2?/|event\.h)' --include='*.[ch]' base persist heap proto; then
        echo "libevent outside server/"
        status=1
    fi
    if grep -rnE '#include <libpmem' --include='*.[ch]' base heap proto server; then
        echo "libpmem outside persist/"
        status=1
    fi
    if grep -rn '__builtin_prefetch' --include='*.[ch]' base persist heap proto server | grep -v '^base/compiler\.h:'; then
        echo "a prefetch that gcc may drop: base/compiler.h has one that stays"
        status=1
    fi
    if grep -rnE '#include "(persist|heap|proto|server)/' --include='*.[ch]' base ||
        grep -rnE '#include "(heap|proto|server)/' --include='*.[ch]' persist ||
        grep -rnE '#include "(proto|server)/' --include='*.[ch]' heap ||
        grep -rnE '#include "(persist|heap|server)/' --include='*.[ch]' proto; then
        echo "an include against the order of the layers"
        status=1
    fi
    return $status
}

lint_tidy() {
    local flags=(-std=gnu11 -D_GNU_SOURCE -DHEARTH_DEBUG_CHECKS=1 '-DHEARTH_VERSION_STRING="lint"' -I.)
    c_files | grep '\.c$' | grep -v '^tests/' |
        xargs -r -P "$JOBS" -n 4 sh -c 'tool=$0; "$tool" --quiet "$@" 2>/dev/null -- '"${flags[*]@Q}" "$(clang_tool tidy)"
}

need_packages build test
status=0
for check in "${@:-all}"; do
    case $check in
    all) for each in format shell names tidy; do "lint_$each" || status=1; done ;;
    format | shell | names | tidy) "lint_$check" || status=1 ;;
    *)
        echo "lint: unknown check '$check'" >&2
        status=1
        ;;
    esac
done
exit $status
