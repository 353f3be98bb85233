# SPDX-License-Identifier: BSD-3-Clause
# Benchmarks: built only by `make bench-programs` (./dev bench does it). One program a line.
bench_programs =
EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs)

.PHONY: bench-programs
bench-programs: $(bench_programs)
