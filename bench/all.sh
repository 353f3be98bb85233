#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./dev bench all: those that BENCHMARKS.md shows, one after the other, then the summary. One to two hours.
# What fails is said at the end; the others are run all the same.
set -euo pipefail
: "${HEARTH_BUILD:?run me through ./dev bench all}"
failed=()
for name in append throughput multiget values scale latency restart memory connections hotspots summary; do
    for script in "bench/$name.sh" "bench/$name.py"; do
        if [ -x "$script" ]; then
            echo "== $name"
            "$script" || failed+=("$name")
        fi
    done
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "all: failed: ${failed[*]}" >&2
    exit 1
fi
