#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./dev bench walks: what the machine itself charges for many objects. With arguments: for those numbers of them.
set -euo pipefail
"${HEARTH_BUILD:?run me through ./dev bench walks}/bench/bench_walks" "$@" | tee bench/out/walks.txt
