#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./dev test: builds all flavours, runs all tests, a few at a time, and counts.
#
# A line a test: `ok NAME (seconds)` or `not ok NAME (seconds) - why`, as it ends; what a test printed
# lies in build/test-logs, and the end of it follows a failure. Suites (tests/run/README.md) report a
# line for each of their tests. The last line is `N passed, N failed`.
set -euo pipefail
HEARTH_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export HEARTH_TOP LC_ALL=C.UTF-8
JOBS=${JOBS:-$(nproc)}
HEARTH_LONG=0
# shellcheck source=tests/lib/packages.sh
. "$HEARTH_TOP/tests/lib/packages.sh"
# shellcheck source=tests/lib/build.sh
. "$HEARTH_TOP/tests/lib/build.sh"

FILTERS=()
for arg in "$@"; do
    case $arg in
    --long) HEARTH_LONG=1 ;;
    -*)
        echo "dev test: unknown option '$arg'; see ./dev help" >&2
        exit 1
        ;;
    *) FILTERS+=("$arg") ;;
    esac
done
export HEARTH_LONG

cd "$HEARTH_TOP"
LOGS=$HEARTH_TOP/build/test-logs
SCRATCH=$HEARTH_TOP/build/test-tmp.$$
SHM=/dev/shm/hearth-test.$$
RESULTS=$SCRATCH/results
rm -rf "$LOGS"
mkdir -p "$LOGS" "$SCRATCH" "$SHM"
: >"$RESULTS"
end() {
    local left
    mapfile -t left < <(jobs -p)
    if [ ${#left[@]} -gt 0 ]; then
        kill -TERM "${left[@]}" 2>/dev/null || true
        wait
    fi
    rm -rf "$SCRATCH" "$SHM"
}
trap end EXIT
trap 'exit 130' INT TERM

export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-allocator_may_return_null=1:halt_on_error=1:second_deadlock_stack=1}

# seconds_since EPOCHREALTIME: with a tenth.
seconds_since() {
    local us=$((${EPOCHREALTIME/./} - ${1/./}))
    printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}

# report NAME SECONDS [WHY]: one result, counted. A why makes it a failure.
report() {
    if [ $# -eq 2 ]; then
        echo "ok $1 ($2 s)"
        echo P >>"$RESULTS"
    else
        echo "not ok $1 ($2 s) - $3"
        echo F >>"$RESULTS"
    fi
}

# show_log FILE: the end of a failed test's log, indented.
show_log() {
    tail -n 40 "$1" | sed 's/^/    | /'
}

wanted() {
    local filter
    if [ ${#FILTERS[@]} -eq 0 ]; then
        return 0
    fi
    for filter in "${FILTERS[@]}"; do
        case $1 in
        *"$filter"*) return 0 ;;
        esac
    done
    return 1
}

why_of_status() {
    case $1 in
    124 | 137) echo "timed out or killed" ;;
    134) echo "aborted" ;;
    139) echo "segmentation fault" ;;
    *) echo "exit status $1" ;;
    esac
}

# run_bounded SECONDS COMMAND...: with a timeout, in a process group of its own of which nothing is left
# behind. Reads nothing; writes to the caller's stdout and stderr.
run_bounded() {
    local limit=$1 pid status=0
    shift
    timeout -k 10 "$limit" "$@" </dev/null &
    pid=$!
    # The pid of now, not of then.
    # shellcheck disable=SC2064
    trap "kill -KILL -- -$pid; exit 143" TERM
    wait $pid || status=$?
    kill -KILL -- -$pid 2>/dev/null || true
    return $status
}

# run_plain NAME LIMIT COMMAND...: a test that is one program, judged by its exit status.
run_plain() {
    local name=$1 limit=$2 begin=$EPOCHREALTIME status=0 log
    shift 2
    log=$LOGS/${name//\//-}.log
    run_bounded "$limit" "$@" >"$log" 2>&1 || status=$?
    if [ $status -eq 0 ]; then
        report "$name" "$(seconds_since "$begin")"
    else
        report "$name" "$(seconds_since "$begin")" "$(why_of_status $status); see $log"
        show_log "$log"
    fi
}

# Turns a suite's `ok` and `not ok` lines into results as they come; the rest goes to its log.
follow_suite() {
    local name=$1 log=$2 tally=$3 begin=$EPOCHREALTIME line test why
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$log"
        case $line in
        "ok "*)
            report "$name: ${line#ok }" "$(seconds_since "$begin")"
            echo P >>"$tally"
            ;;
        "not ok "*)
            test=${line#not ok }
            why=${test#* - }
            report "$name: ${test%% - *}" "$(seconds_since "$begin")" "$why"
            echo F >>"$tally"
            ;;
        *) continue ;;
        esac
        begin=$EPOCHREALTIME
    done
}

# run_suite NAME FLAVOUR SCRIPT LIMIT
run_suite() {
    local name=$1 flavour=$2 script=$3 limit=$4 begin=$EPOCHREALTIME status=0 key out reader log tally
    key=${name//\//-}
    log=$LOGS/$key.log
    tally=$SCRATCH/$key.tally
    : >"$log"
    : >"$tally"
    mkdir -p "$SCRATCH/$key" "$SHM/$key"
    exec {out}> >(follow_suite "$name" "$log" "$tally")
    reader=$!
    HEARTH_BUILD=$HEARTH_TOP/build/$flavour HEARTH_TMP=$SCRATCH/$key HEARTH_SHM=$SHM/$key \
        run_bounded "$limit" "$script" 1>&"$out" 2>>"$log" || status=$?
    exec {out}>&-
    wait $reader || true
    if [ $status -ne 0 ] && ! grep -q F "$tally"; then
        report "$name" "$(seconds_since "$begin")" "$(why_of_status $status); see $log"
    elif [ $status -eq 0 ] && ! [ -s "$tally" ]; then
        report "$name" "$(seconds_since "$begin")" "it reported no test"
        status=1
    fi
    if [ $status -ne 0 ]; then
        show_log "$log"
    fi
    rm -rf "${SCRATCH:?}/$key" "${SHM:?}/$key"
}

# --- the queue: at most JOBS tests at a time ------------------------------------------------------------
running=0
start() {
    if [ $running -ge "$JOBS" ]; then
        wait -n || true
        running=$((running - 1))
    fi
    "$@" &
    running=$((running + 1))
}
finish_all() {
    wait
    running=0
}

# build_test FLAVOUR TARGET...: a build is a test. One that fails goes as far as it can, and what it
# has made is tested all the same.
declare -A built
build_test() {
    local flavour=$1 begin=$EPOCHREALTIME log
    log=$LOGS/build-$flavour.log
    built[$flavour]=yes
    if (build_flavour "$@" -k) >"$log" 2>&1; then
        report "build/$flavour" "$(seconds_since "$begin")"
    else
        report "build/$flavour" "$(seconds_since "$begin")" "it does not build; see $log"
        show_log "$log"
    fi
}

# unit_tests FLAVOUR LIST LIMIT [WRAPPER...]
unit_tests() {
    local flavour=$1 list=$2 limit=$3 program name
    shift 3
    if [ -z "${built[$flavour]:-}" ]; then
        return 0
    fi
    for program in $(list_in "$flavour" "$list"); do
        name=unit/$flavour/$(basename "$program")
        if ! wanted "$name"; then
            continue
        elif [ -x "build/$flavour/$program" ]; then
            start run_plain "$name" "$limit" "$@" "build/$flavour/$program"
        else
            report "$name" 0.0 "it does not build"
        fi
    done
}

# suite_word SCRIPT WORD: is there a comment `# WORD` (or its value, for `# WORD=value`) near the head?
suite_word() {
    head -n 40 "$1" | sed -n "s/^# $2\(=\([0-9]*\)\)\?\$/\2/p" | head -n 1
}
suite_has() {
    head -n 40 "$1" | grep -q "^# $2\$"
}

# suites FLAVOUR WHICH: WHICH is together, alone, or asan (those that ask for it).
suites() {
    local flavour=$1 which=$2 script name limit prefix=''
    if [ -z "${built[$flavour]:-}" ]; then
        return 0
    fi
    for script in tests/run/*.sh tests/run/*.py; do
        if [ ! -x "$script" ]; then
            continue
        elif [ "$HEARTH_LONG" = 0 ] && suite_has "$script" SUITE_LONG; then
            continue
        fi
        case $which in
        together) suite_has "$script" SUITE_ALONE && continue ;;
        alone) suite_has "$script" SUITE_ALONE || continue ;;
        asan)
            suite_has "$script" SUITE_ASAN || continue
            prefix=asan/
            ;;
        esac
        name=run/$prefix$(basename "${script%.*}")
        limit=$(suite_word "$script" SUITE_TIMEOUT)
        limit=${limit:-300}
        if [ "$HEARTH_LONG" = 1 ]; then
            limit=14400
        fi
        if wanted "$name"; then
            start run_suite "$name" "$flavour" "$HEARTH_TOP/$script" "$limit"
            if [ "$which" = alone ]; then
                finish_all
            fi
        fi
    done
}

fuzzers() {
    local target base seconds=15
    if [ -z "${built[fuzz]:-}" ]; then
        return 0
    fi
    if [ "$HEARTH_LONG" = 1 ]; then
        seconds=600
    fi
    for target in $(list_in fuzz list-fuzz); do
        base=$(basename "$target")
        if wanted "fuzz/$base"; then
            mkdir -p "$SCRATCH/corpus-$base" build/fuzz/findings
            local inputs=("$SCRATCH/corpus-$base")
            if [ -d "tests/fuzz/corpus/$base" ]; then
                inputs+=("tests/fuzz/corpus/$base")
            fi
            start run_plain "fuzz/$base" $((seconds + 60)) "build/fuzz/$target" -max_total_time=$seconds -seed=1 \
                -timeout=10 -rss_limit_mb=2048 -artifact_prefix="build/fuzz/findings/$base-" "${inputs[@]}"
        fi
    done
}

# distcheck in a folder of its own, with the tests of the tarball's tree.
distcheck() {
    if wanted build/distcheck; then
        start run_plain build/distcheck 900 make -s --no-print-directory -C build/opt distcheck V=0
    fi
}

lint_checks() {
    local check
    for check in format shell names; do
        if wanted "lint/$check"; then
            start run_plain "lint/$check" 300 tests/lib/lint.sh $check
        fi
    done
}

# --- what is run ----------------------------------------------------------------------------------------
unit_limit=120
no_aslr=()
if [ "$HEARTH_LONG" = 1 ]; then
    unit_limit=7200
fi
# ThreadSanitizer of gcc 12 cannot live with much address randomisation.
if setarch -R true 2>/dev/null; then
    no_aslr=(setarch -R)
fi

need_packages build test
if [ "$HEARTH_LONG" = 1 ]; then
    need_packages vm
fi
# A build that no wanted test needs is left out.
build_test opt test-programs bench-programs
if [ -x build/opt/server/hearthd ]; then
    ln -sfn ../build/opt/server/hearthd server/hearthd
fi
for flavour in asan tsan; do
    if wanted "unit/$flavour/check_" || [ "$flavour" = asan ] && wanted run/asan/; then
        build_test $flavour test-programs
    elif [ ${#FILTERS[@]} -gt 0 ] && [[ " ${FILTERS[*]}" == *" unit"* || " ${FILTERS[*]}" == *check_* ]]; then
        build_test $flavour test-programs
    fi
done
if wanted fuzz/fuzz_; then
    build_test fuzz
fi

suites opt together
distcheck
suites asan asan
unit_tests opt list-unit $unit_limit
unit_tests asan list-unit $((unit_limit * 3))
threads_list="list-unit-threads"
if [ "$HEARTH_LONG" = 1 ]; then
    threads_list="list-unit-heap"
fi
unit_tests tsan $threads_list $((unit_limit * 5)) "${no_aslr[@]}"
fuzzers
lint_checks
finish_all
suites opt alone

passed=$(grep -c P "$RESULTS" || true)
failed=$(grep -c F "$RESULTS" || true)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
