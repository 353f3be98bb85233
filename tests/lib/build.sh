# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Out-of-tree builds, one folder a flavour: build/FLAVOUR. Sourced by ./dev and the scripts beside this.

# configure's arguments for a flavour.
flavour_options() {
    case $1 in
    opt) echo "--enable-werror" ;;
    debug) echo "--enable-werror --enable-debug-checks CFLAGS=-O1\ -g" ;;
    asan) echo "--enable-werror --enable-asan --enable-ubsan --enable-debug-checks CFLAGS=-O1\ -g" ;;
    tsan) echo "--enable-werror --enable-tsan CFLAGS=-O1\ -g" ;;
    coverage) echo "--enable-coverage CFLAGS=-O0\ -g" ;;
    fuzz) echo "--enable-fuzz --enable-asan --enable-ubsan --enable-debug-checks CC=clang-14 CFLAGS=-O1\ -g" ;;
    *)
        echo "dev: unknown flavour '$1'; see ./dev help" >&2
        return 1
        ;;
    esac
}

# The files of the build system are made once for all flavours; later changes are make's own business.
# A lock, since several flavours are built at the same time.
bootstrap() {
    mkdir -p "$HEARTH_TOP/build"
    (
        flock 9
        if [ ! -x "$HEARTH_TOP/configure" ] || [ ! -f "$HEARTH_TOP/Makefile.in" ]; then
            cd "$HEARTH_TOP" && autoreconf -i >build/autoreconf.log 2>&1 ||
                { cat "$HEARTH_TOP/build/autoreconf.log" >&2; return 1; }
        fi
    ) 9>"$HEARTH_TOP/build/.bootstrap.lock"
}

# make_in FLAVOUR TARGET...: quiet unless something is wrong. One target after the other: some call make themselves, and
# two that make the same library at the same time break it.
make_in() {
    local flavour=$1 target
    shift
    for target in "${@:-all}"; do
        make -s --no-print-directory -C "$HEARTH_TOP/build/$flavour" -j "$JOBS" V=0 "$target" || return 1
    done
}

# list_in FLAVOUR LIST-TARGET: the programs that a list-... target of tests/local.mk names.
list_in() {
    # The last line: make may say before that it has made itself anew.
    make -s --no-print-directory -C "$HEARTH_TOP/build/$1" "$2" | tail -n 1
}

# build_flavour FLAVOUR [TARGET...]: configure when needed, then make (all, unless told otherwise).
build_flavour() {
    local flavour=$1 dir options
    shift
    dir=$HEARTH_TOP/build/$flavour
    options=$(flavour_options "$flavour")
    bootstrap
    mkdir -p "$dir"
    (
        flock 8
        # Again, if the libraries for tests have come since.
        if [ ! -f "$dir/Makefile" ] ||
            { [[ " $* " == *" test-programs "* ]] && grep -q '^CMOCKA_LIBS = *$' "$dir/Makefile"; }; then
            cd "$dir" || return 1
            eval "../../configure --quiet $options" >configure.out 2>&1 9>&- ||
                { cat configure.out >&2; return 1; }
        fi
        make_in "$flavour" "$@" 8>&-
    ) 8>"$dir/.lock"
}

# The build that one runs and measures; leaves a copy at server/hearthd.
build_opt() {
    need_packages build
    build_flavour opt
    if [ -x "$HEARTH_TOP/build/opt/server/hearthd" ]; then
        ln -sfn ../build/opt/server/hearthd "$HEARTH_TOP/server/hearthd"
    fi
}

# All C files under version control or about to be.
c_files() {
    (cd "$HEARTH_TOP" && find base persist heap proto server tests bench tools -name '*.[ch]' 2>/dev/null || true) | sort
}

# All shell scripts.
shell_files() {
    (cd "$HEARTH_TOP" && find dev .ci tests bench tools -type f \( -name '*.sh' -o -path dev -o -path .ci/run \) \
        2>/dev/null || true) | sort
}

format_all() {
    (cd "$HEARTH_TOP" && c_files | xargs -r "$(clang_tool format)" -i)
}

# clang_tool NAME: clang-NAME-14 or clang-NAME.
clang_tool() {
    command -v "clang-$1-14" || command -v "clang-$1"
}
