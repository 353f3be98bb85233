# SPDX-License-Identifier: BSD-3-Clause
# Benchmarks: built only by `make bench-programs` (./dev bench does it). One program a line.
bench_programs = \
	bench/bench_append \
	bench/bench_fill \
	bench/bench_hash_index \
	bench/bench_index \
	bench/bench_load \
	bench/bench_storm \
	bench/null_server
bench_bench_append_LDADD = $(PERSIST_LIBS)
bench_bench_fill_SOURCES = bench/bench_fill.c tests/support/indexed_pool.h
bench_bench_fill_LDADD = $(HEAP_LIBS)
bench_bench_hash_index_SOURCES = bench/bench_hash_index.c tests/support/fake_pool.h
bench_bench_hash_index_LDADD = $(HEAP_LIBS)
bench_bench_index_SOURCES = bench/bench_index.c bench/skiplist_per_object.c bench/skiplist_per_object.h
bench_bench_index_LDADD = $(PERSIST_LIBS)
bench_null_server_LDADD = $(EVENT_LIBS)
EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs)

.PHONY: bench-programs
bench-programs: $(bench_programs)

# Scripts, for ./dev bench. One a line.
EXTRA_DIST += \
	bench/all.sh \
	bench/append.py \
	bench/connections.py \
	bench/fill.sh \
	bench/hash_index.sh \
	bench/index.sh \
	bench/lib/cpu_time.py \
	bench/lib/idle.py \
	bench/lib/machine.py \
	bench/lib/plot.py \
	bench/lib/process_memory.py \
	bench/lib/report.py \
	bench/lib/servers.py \
	bench/memory.py \
	bench/restart.py \
	bench/summary.py \
	bench/throughput.py
