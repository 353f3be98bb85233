#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./dev bench fill: how fast the hash index is complete after a restart, one thread.
set -euo pipefail
"${HEARTH_BUILD:?run me through ./dev bench fill}/bench/bench_fill" "$@" | tee bench/out/fill.txt
