#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./dev bench append: the append engine, one thread, on tmpfs; and accepting a tail of 32 MB at a start.
set -euo pipefail
"${HEARTH_BUILD:?run me through ./dev bench append}/bench/bench_append" "$@" | tee bench/out/append.txt
