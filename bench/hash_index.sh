#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ./dev bench hash_index: what a find, an insert and a refill of the hash index cost, and bytes an object.
set -euo pipefail
"${HEARTH_BUILD:?run me through ./dev bench hash_index}/bench/bench_hash_index" "$@" | tee bench/out/hash_index.txt
