/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: a message is one whole line, filtered by level, in the file that carries the log's name now.
 * Method: a log in a temporary folder, read back; rotation under writing threads loses no line.
 */
#include "base/log.h"
#include "tests/unit/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREAD_COUNT 4
#define LINES_A_THREAD 2000

static char folder[] = "/tmp/hearth-check-log-XXXXXX";
static char log_path[64];
static char old_path[64];
static char text[64 * 1024];

/* Reads a whole small file into `text`. */
static const char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

static size_t count_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[LOG_LINE_BYTES_MAX + 1];
    size_t lines = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        assert_non_null(strstr(line, " warn thread number="));
        assert_int_equal(line[strlen(line) - 1], '\n');
        lines++;
    }
    fclose(file);
    return lines;
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    snprintf(old_path, sizeof old_path, "%s/old", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int remove_files(void **state)
{
    (void)state;
    log_output_close();
    log_set_level(LOG_LEVEL_NOTICE);
    unlink(log_path);
    unlink(old_path);
    return 0;
}

static void check_line(void **state)
{
    char pid[32];
    const char *line;

    (void)state;
    assert_int_equal(log_output_open(log_path), 0);
    errno = EINTR;
    log_warn("pool", "path=%s used=%d%%", "a\nb", 95);
    assert_int_equal(errno, EINTR);
    line = read_file(log_path);
    /* 2026-01-31T12:00:00.000Z */
    assert_int_equal(line[10], 'T');
    assert_int_equal(line[23], 'Z');
    snprintf(pid, sizeof pid, " %d warn pool ", (int)getpid());
    assert_ptr_equal(strstr(line, pid), line + 24);
    assert_non_null(strstr(line, " path=a?b used=95%\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void check_long_line(void **state)
{
    static char value[2 * LOG_LINE_BYTES_MAX];
    const char *line;

    (void)state;
    memset(value, 'x', sizeof value - 1);
    assert_int_equal(log_output_open(log_path), 0);
    log_error("test", "value=%s", value);
    line = read_file(log_path);
    assert_int_equal(strlen(line), LOG_LINE_BYTES_MAX);
    assert_int_equal(line[LOG_LINE_BYTES_MAX - 1], '\n');
}

static int evaluations;

static int evaluate(void)
{
    return ++evaluations;
}

static void check_filter(void **state)
{
    const char *lines;

    (void)state;
    assert_int_equal(log_output_open(log_path), 0);
    log_info("test", "n=%d", evaluate());
    log_notice("test", "n=%d", evaluate());
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("test", "n=%d", evaluate());
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("test", "n=%d", evaluate());
    lines = read_file(log_path);
    assert_int_equal(evaluations, 2);
    assert_non_null(strstr(lines, "notice test n=1\n"));
    assert_non_null(strstr(lines, "debug test n=2\n"));
    assert_null(strstr(lines, "info"));
}

static void check_names(void **state)
{
    enum log_level level;

    (void)state;
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++) {
        assert_true(log_level_parse(log_level_name((enum log_level)i), &level));
        assert_int_equal(level, i);
    }
    assert_true(log_level_parse("VERBOSE", &level));
    assert_int_equal(level, LOG_LEVEL_INFO);
    assert_true(log_level_parse("warning", &level));
    assert_int_equal(level, LOG_LEVEL_WARN);
    assert_false(log_level_parse("loud", &level));
    assert_false(log_level_parse("", &level));
}

static void check_refusals(void **state)
{
    char path[128];

    (void)state;
    assert_int_equal(log_output_open(log_path), 0);
    snprintf(path, sizeof path, "%s/none/log", folder);
    assert_int_equal(log_output_open(path), ENOENT);
    log_error("test", "still=here");
    assert_non_null(strstr(read_file(log_path), "still=here"));
}

static void *write_lines(void *arg)
{
    (void)arg;
    for (int i = 0; i < LINES_A_THREAD; i++)
        log_warn("thread", "number=%d", i);
    return NULL;
}

static void check_rotation(void **state)
{
    pthread_t threads[THREAD_COUNT];

    (void)state;
    assert_int_equal(log_output_open(log_path), 0);
    for (int i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, NULL), 0);
    assert_int_equal(rename(log_path, old_path), 0);
    assert_int_equal(log_output_reopen(), 0);
    for (int i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    log_warn("thread", "number=last");
    assert_int_equal(count_lines(old_path) + count_lines(log_path), THREAD_COUNT * LINES_A_THREAD + 1);
    assert_true(count_lines(log_path) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(check_line, remove_files),
        cmocka_unit_test_teardown(check_long_line, remove_files),
        cmocka_unit_test_teardown(check_filter, remove_files),
        cmocka_unit_test(check_names),
        cmocka_unit_test_teardown(check_refusals, remove_files),
        cmocka_unit_test_teardown(check_rotation, remove_files),
    };

    return cmocka_run_group_tests_name("log", tests, make_folder, remove_folder);
}
