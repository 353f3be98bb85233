#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Crash images of the whole heap over the simulated backing, and a mutant for each flush and fence.
# 10,000 images, 200,000 with HEARTH_LONG=1; HEARTH_SEED repeats a run.
# SUITE_TIMEOUT=900
set -u
campaign="$HEARTH_BUILD/tests/crash/heap_crash"
seed="${HEARTH_SEED:-$(date +%s)}"
images=10000
[ "$HEARTH_LONG" = 1 ] && images=200000
failed=0

if "$campaign" --seed "$seed" --images "$images"; then
    echo "ok crash-images ($images, seed $seed)"
else
    echo "not ok crash-images - a state that is not allowed; HEARTH_SEED=$seed repeats it"
    failed=1
fi
"$campaign" --mutants || failed=1
exit "$failed"
