#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./dev bench index: sustained inserts, overwrites, lookups and a start of the ordered index, 1 M and 10 M keys; then the
# ablation, a skip list with a node an object, 1 M keys. With arguments: those alone.
set -euo pipefail
program="${HEARTH_BUILD:?run me through ./dev bench index}/bench/bench_index"
if [ $# -gt 0 ]; then
    "$program" "$@"
else
    "$program" -n 1000000
    "$program" -n 10000000
    "$program" -n 1000000 -f 0 -o
fi | tee bench/out/index.txt
