# SPDX-License-Identifier: BSD-3-Clause
# Unit tests: tests/unit/check_<module>.c with cmocka. To add one, append its program to its layer's
# list and give it that layer's libraries, so that a layering slip is a link error:
#
#     check_heap = ... \
#         tests/unit/check_hash_index
#     tests_unit_check_hash_index_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
#
# The source is tests/unit/check_hash_index.c by itself. A test of several files names them:
#
#     tests_unit_check_hash_index_SOURCES = tests/unit/check_hash_index.c tests/unit/model.c
#
# Programs that suite scripts of tests/run need, but that are no tests by themselves, go to helpers.
# Programs that start threads are named again in check_threads, which also runs under TSan; with
# ./dev test --long all of base, persist and heap do.

# The driver of crash tests over the simulated backing.
crash_sources = tests/support/crash.c tests/support/crash.h
# One life of pool and log between two crashes.
life_sources = tests/support/life.c tests/support/life.h
# A pool with an ordered index, and its model.
index_sources = tests/support/index_fixture.c tests/support/index_fixture.h

check_base = \
	tests/unit/check_base_assert \
	tests/unit/check_base_buf \
	tests/unit/check_base_clock \
	tests/unit/check_base_epoch \
	tests/unit/check_base_glob \
	tests/unit/check_base_log \
	tests/unit/check_base_number
tests_unit_check_base_assert_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_check_base_buf_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_check_base_clock_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_check_base_epoch_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_check_base_glob_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_check_base_log_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_check_base_number_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

check_persist = \
	tests/unit/check_persist_cut_buffers \
	tests/unit/check_persist_index_ops_sort \
	tests/unit/check_persist_journal \
	tests/unit/check_persist_log \
	tests/unit/check_persist_log_crash \
	tests/unit/check_persist_log_flush \
	tests/unit/check_persist_log_notes \
	tests/unit/check_persist_log_threads \
	tests/unit/check_persist_pm \
	tests/unit/check_persist_pool \
	tests/unit/check_persist_pool_crash \
	tests/unit/check_persist_record \
	tests/unit/check_persist_recovery \
	tests/unit/check_persist_recovery_transactions \
	tests/unit/check_persist_sim \
	tests/unit/check_persist_skiplist \
	tests/unit/check_persist_skiplist_budget \
	tests/unit/check_persist_skiplist_crash \
	tests/unit/check_persist_skiplist_leaf \
	tests/unit/check_persist_skiplist_overwrite \
	tests/unit/check_persist_skiplist_overwrite_left \
	tests/unit/check_persist_skiplist_overwrite_random \
	tests/unit/check_persist_skiplist_threads \
	tests/unit/check_persist_space
tests_unit_check_persist_cut_buffers_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_log_SOURCES = tests/unit/check_persist_log.c $(life_sources)
tests_unit_check_persist_log_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_log_crash_SOURCES = tests/unit/check_persist_log_crash.c $(life_sources) $(crash_sources)
tests_unit_check_persist_log_crash_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_log_flush_SOURCES = tests/unit/check_persist_log_flush.c $(life_sources)
tests_unit_check_persist_log_flush_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_log_threads_SOURCES = tests/unit/check_persist_log_threads.c $(life_sources)
tests_unit_check_persist_log_threads_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_pm_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_pool_SOURCES = tests/unit/check_persist_pool.c tests/support/pool_fixture.h
tests_unit_check_persist_pool_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_pool_crash_SOURCES = tests/unit/check_persist_pool_crash.c tests/support/pool_fixture.h $(crash_sources)
tests_unit_check_persist_pool_crash_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_record_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
recovery_sources = tests/support/recovery_fixture.h $(life_sources)
tests_unit_check_persist_recovery_SOURCES = tests/unit/check_persist_recovery.c $(recovery_sources)
tests_unit_check_persist_recovery_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_recovery_transactions_SOURCES = tests/unit/check_persist_recovery_transactions.c \
	$(recovery_sources)
tests_unit_check_persist_recovery_transactions_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_sim_SOURCES = tests/unit/check_persist_sim.c $(crash_sources)
tests_unit_check_persist_sim_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_space_SOURCES = tests/unit/check_persist_space.c $(crash_sources)
tests_unit_check_persist_space_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_skiplist_SOURCES = tests/unit/check_persist_skiplist.c $(index_sources)
tests_unit_check_persist_skiplist_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_skiplist_budget_SOURCES = tests/unit/check_persist_skiplist_budget.c $(index_sources)
tests_unit_check_persist_skiplist_budget_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
overwrite_sources = tests/support/overwrite_scene.c tests/support/overwrite_scene.h $(index_sources)
tests_unit_check_persist_skiplist_overwrite_SOURCES = tests/unit/check_persist_skiplist_overwrite.c \
	$(overwrite_sources)
tests_unit_check_persist_skiplist_overwrite_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_skiplist_overwrite_left_SOURCES = tests/unit/check_persist_skiplist_overwrite_left.c \
	$(overwrite_sources)
tests_unit_check_persist_skiplist_overwrite_left_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_skiplist_overwrite_random_SOURCES = tests/unit/check_persist_skiplist_overwrite_random.c \
	$(overwrite_sources)
tests_unit_check_persist_skiplist_overwrite_random_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_skiplist_threads_SOURCES = tests/unit/check_persist_skiplist_threads.c $(index_sources)
tests_unit_check_persist_skiplist_threads_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_journal_SOURCES = tests/unit/check_persist_journal.c $(crash_sources)
tests_unit_check_persist_journal_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_skiplist_crash_SOURCES = tests/unit/check_persist_skiplist_crash.c $(index_sources) $(crash_sources)
tests_unit_check_persist_skiplist_crash_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_skiplist_leaf_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_log_notes_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)
tests_unit_check_persist_index_ops_sort_LDADD = $(PERSIST_LIBS) $(CMOCKA_LIBS)

check_heap = \
	tests/unit/check_heap \
	tests/unit/check_heap_cleaner \
	tests/unit/check_heap_damage \
	tests/unit/check_heap_expire \
	tests/unit/check_heap_fill \
	tests/unit/check_heap_fill_threads \
	tests/unit/check_heap_flush \
	tests/unit/check_heap_hash_index \
	tests/unit/check_heap_hash_index_scan \
	tests/unit/check_heap_hash_index_threads \
	tests/unit/check_heap_overwrite \
	tests/unit/check_heap_space \
	tests/unit/check_heap_threads
heap_sources = tests/support/heap_fixture.h tests/support/heap_requests.h
tests_unit_check_heap_SOURCES = tests/unit/check_heap.c $(heap_sources)
tests_unit_check_heap_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_flush_SOURCES = tests/unit/check_heap_flush.c $(heap_sources)
tests_unit_check_heap_flush_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_space_SOURCES = tests/unit/check_heap_space.c $(heap_sources)
tests_unit_check_heap_space_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_cleaner_SOURCES = tests/unit/check_heap_cleaner.c tests/support/object_fixture.h
tests_unit_check_heap_cleaner_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_damage_SOURCES = tests/unit/check_heap_damage.c tests/support/object_fixture.h
tests_unit_check_heap_damage_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_expire_SOURCES = tests/unit/check_heap_expire.c tests/support/indexed_pool.h
tests_unit_check_heap_expire_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_fill_SOURCES = tests/unit/check_heap_fill.c tests/support/indexed_pool.h
tests_unit_check_heap_fill_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_fill_threads_SOURCES = tests/unit/check_heap_fill_threads.c tests/support/indexed_pool.h
tests_unit_check_heap_fill_threads_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
hash_sources = tests/support/fake_pool.h tests/support/hash_fixture.h
tests_unit_check_heap_hash_index_SOURCES = tests/unit/check_heap_hash_index.c $(hash_sources)
tests_unit_check_heap_hash_index_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_hash_index_scan_SOURCES = tests/unit/check_heap_hash_index_scan.c $(hash_sources)
tests_unit_check_heap_hash_index_scan_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_hash_index_threads_SOURCES = tests/unit/check_heap_hash_index_threads.c tests/support/fake_pool.h
tests_unit_check_heap_hash_index_threads_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_overwrite_SOURCES = tests/unit/check_heap_overwrite.c tests/support/object_fixture.h
tests_unit_check_heap_overwrite_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)
tests_unit_check_heap_threads_SOURCES = tests/unit/check_heap_threads.c tests/support/heap_requests.h
tests_unit_check_heap_threads_LDADD = $(HEAP_LIBS) $(CMOCKA_LIBS)

check_proto = \
	tests/unit/check_proto_memcache \
	tests/unit/check_proto_reply \
	tests/unit/check_proto_resp
tests_unit_check_proto_memcache_LDADD = $(PROTO_LIBS) $(CMOCKA_LIBS)
tests_unit_check_proto_reply_LDADD = $(PROTO_LIBS) $(CMOCKA_LIBS)
tests_unit_check_proto_resp_LDADD = $(PROTO_LIBS) $(CMOCKA_LIBS)

check_server = \
	tests/unit/check_server_commands \
	tests/unit/check_server_options \
	tests/unit/check_server_values
tests_unit_check_server_commands_LDADD = $(SERVER_LIBS) $(CMOCKA_LIBS)
tests_unit_check_server_values_LDADD = $(SERVER_LIBS) $(CMOCKA_LIBS)
tests_unit_check_server_options_LDADD = $(SERVER_LIBS) $(CMOCKA_LIBS)

check_bench = \
	tests/unit/check_bench_histogram \
	tests/unit/check_bench_keys \
	tests/unit/check_bench_reply \
	tests/unit/check_bench_values
tests_unit_check_bench_histogram_LDADD = $(LOAD_LIBS) $(CMOCKA_LIBS)
tests_unit_check_bench_keys_LDADD = $(LOAD_LIBS) $(CMOCKA_LIBS)
tests_unit_check_bench_reply_LDADD = $(LOAD_LIBS) $(CMOCKA_LIBS)
tests_unit_check_bench_values_LDADD = $(LOAD_LIBS) $(CMOCKA_LIBS)

# Helper programs of the suites in tests/run.
test_helpers = \
	tests/crash/heap_crash \
	tests/support/hearthd_slow
tests_crash_heap_crash_SOURCES = tests/crash/heap_crash.c tests/crash/heap_world.c tests/crash/heap_world.h $(crash_sources)
tests_crash_heap_crash_LDADD = $(HEAP_LIBS)
# hearthd with a heap that has to be waited for.
tests_support_hearthd_slow_SOURCES = server/main.c tests/support/slow_heap.c
tests_support_hearthd_slow_LDADD = $(SERVER_LIBS)
tests_support_hearthd_slow_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=heap_reserve -Wl,--wrap=heap_turn_close -Wl,--wrap=heap_is_filled

check_threads = \
	tests/unit/check_base_epoch \
	tests/unit/check_base_log \
	tests/unit/check_heap_fill_threads \
	tests/unit/check_heap_hash_index_threads \
	tests/unit/check_persist_log_threads \
	tests/unit/check_persist_recovery

unit_tests = $(check_base) $(check_persist) $(check_heap) $(check_proto) $(check_server) $(check_bench)

if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests) $(test_helpers)
TESTS = $(unit_tests)
endif

# libFuzzer targets: tests/fuzz/fuzz_<parser>.c, only in a build with --enable-fuzz and CC=clang.
# To add one:
#
#     fuzz_targets = ... \
#         tests/fuzz/fuzz_resp
#     tests_fuzz_fuzz_resp_LDADD = $(PROTO_LIBS) $(FUZZ_ENGINE)
#
# Inputs worth keeping go to tests/fuzz/corpus/fuzz_resp/.
fuzz_targets = \
	tests/fuzz/fuzz_memcache \
	tests/fuzz/fuzz_resp
tests_fuzz_fuzz_memcache_LDADD = $(PROTO_LIBS) $(FUZZ_ENGINE)
tests_fuzz_fuzz_resp_LDADD = $(PROTO_LIBS) $(FUZZ_ENGINE)
if ENABLE_FUZZ
noinst_PROGRAMS += $(fuzz_targets)
endif

# What ./dev asks make for.
.PHONY: test-programs list-unit list-unit-threads list-unit-heap list-fuzz
# One make builds everything: `all` beside the others would be a make of its own, and both would write the same objects.
test-programs:
	@$(MAKE) $(AM_MAKEFLAGS) all
	@$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS)
list-unit:
	@echo $(unit_tests)
list-unit-threads:
	@echo $(check_threads)
list-unit-heap:
	@echo $(check_base) $(check_persist) $(check_heap)
list-fuzz:
	@echo $(fuzz_targets)

EXTRA_DIST += \
	tests/lib \
	tests/run \
	tests/differential \
	tests/fuzz/corpus \
	tests/transcripts \
	tests/unit/check.h \
	tests/unit/guarded.h \
	tests/vm
