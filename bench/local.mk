# SPDX-License-Identifier: BSD-3-Clause
# hearth-bench, the load generator, is installed. Its parts are an archive, so that unit tests can link them.
noinst_LIBRARIES += bench/libload.a
bench_libload_a_SOURCES = \
	bench/load/address.c \
	bench/load/address.h \
	bench/load/conn.c \
	bench/load/conn.h \
	bench/load/conn_read.c \
	bench/load/conn_read.h \
	bench/load/fail.c \
	bench/load/fail.h \
	bench/load/histogram.c \
	bench/load/histogram.h \
	bench/load/key_pattern.c \
	bench/load/key_pattern.h \
	bench/load/keys.c \
	bench/load/keys.h \
	bench/load/memcache.c \
	bench/load/option_table.h \
	bench/load/options.c \
	bench/load/options.h \
	bench/load/options_print.c \
	bench/load/phase.c \
	bench/load/phase.h \
	bench/load/plan.c \
	bench/load/plan.h \
	bench/load/protocol.h \
	bench/load/random.h \
	bench/load/redis.c \
	bench/load/reply.c \
	bench/load/report.c \
	bench/load/report.h \
	bench/load/report_interval.c \
	bench/load/report_json.c \
	bench/load/sizes.c \
	bench/load/sizes.h \
	bench/load/stats.c \
	bench/load/stats.h \
	bench/load/value.c \
	bench/load/value.h \
	bench/load/worker.c \
	bench/load/worker.h

bin_PROGRAMS += bench/hearth-bench
bench_hearth_bench_SOURCES = bench/load/main.c
bench_hearth_bench_LDADD = $(LOAD_LIBS)

# The other benchmarks: built only by `make bench-programs` (./dev bench does it). One program a line.
bench_programs = \
	bench/bench_append \
	bench/bench_fill \
	bench/bench_hash_index \
	bench/bench_index \
	bench/bench_insert \
	bench/bench_walks \
	bench/null_server
bench_bench_append_LDADD = $(PERSIST_LIBS)
bench_bench_fill_SOURCES = bench/bench_fill.c tests/support/indexed_pool.h
bench_bench_fill_LDADD = $(HEAP_LIBS)
bench_bench_hash_index_SOURCES = bench/bench_hash_index.c tests/support/fake_pool.h
bench_bench_hash_index_LDADD = $(HEAP_LIBS)
bench_bench_index_SOURCES = bench/bench_index.c bench/skiplist_per_object.c bench/skiplist_per_object.h
bench_bench_index_LDADD = $(PERSIST_LIBS)
bench_bench_insert_LDADD = $(HEAP_LIBS)
bench_bench_walks_LDADD = $(PERSIST_LIBS)
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
	bench/hotspots.py \
	bench/index.sh \
	bench/latency.py \
	bench/levers.md \
	bench/lib/flame.py \
	bench/lib/idle.py \
	bench/lib/machine.py \
	bench/lib/plot.py \
	bench/lib/process_memory.py \
	bench/lib/report.py \
	bench/lib/servers.py \
	bench/memory.py \
	bench/multiget.py \
	bench/restart.py \
	bench/scale.py \
	bench/summary.py \
	bench/throughput.py \
	bench/values.py \
	bench/walks.sh
