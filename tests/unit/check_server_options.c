/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GOAL     Options: every row parses its own default; types, bounds, aliases; words and quotes of the configuration
 *          file; short flags; that messages name what, where, and what to do.
 * METHOD   The functions behind the file and the command line, called with what an operator might write.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/command.h"
#include "server/options.h"
#include "server/options_parse.h"

static struct options options;
static char error[OPTION_ERROR_BYTES];

static int setup(void **state)
{
    (void)state;
    error[0] = '\0';
    return options_init(&options) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    options_free(&options);
    return 0;
}

static bool set(const char *name, const char *value)
{
    return options_set(&options, "here", name, value, error);
}

static void table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_table[i];
        enum option found;
        assert_true(option_find(row->name, &found));
        assert_int_equal(found, i);
        assert_true(strlen(row->help) > 20);
        assert_int_equal(row->help[strlen(row->help) - 1], '.');
        assert_true(set(row->name, row->standard));
    }
}

static void numbers_have_bounds(void **state)
{
    (void)state;
    assert_true(set("threads", "1"));
    assert_true(set("threads", "64"));
    assert_int_equal(options_number(&options, OPTION_THREADS), 64);
    assert_false(set("threads", "0"));
    assert_false(set("threads", "65"));
    assert_false(set("threads", "-1"));
    assert_false(set("threads", "1 "));
    assert_false(set("threads", ""));
    assert_false(set("threads", "99999999999999999999"));
    assert_int_equal(options_number(&options, OPTION_THREADS), 64);
    assert_string_equal(error, "here: threads '99999999999999999999' is not valid: it must be a number from 1 to 64");
}

static void units(void **state)
{
    (void)state;
    assert_true(set("pool-size", "2GB"));
    assert_int_equal(options_number(&options, OPTION_POOL_SIZE), UINT64_C(2) << 30);
    assert_false(set("pool-size", "2gib"));
    assert_true(set("sync-interval", "250"));
    assert_int_equal(options_number(&options, OPTION_SYNC_INTERVAL), 250);
    assert_true(set("sync-interval", "2s"));
    assert_int_equal(options_number(&options, OPTION_SYNC_INTERVAL), 2000);
    assert_false(set("sync-interval", "0"));
    assert_true(set("unixsocketperm", "0770"));
    assert_int_equal(options_number(&options, OPTION_UNIXSOCKETPERM), 0770);
    assert_false(set("unixsocketperm", "778"));
    assert_false(set("unixsocketperm", "1777"));
}

static void choices(void **state)
{
    (void)state;
    assert_true(set("durability", "POWER"));
    assert_int_equal(options_number(&options, OPTION_DURABILITY), HEAP_DURABILITY_POWER);
    assert_true(set("durability", "process"));
    assert_int_equal(options_number(&options, OPTION_DURABILITY), HEAP_DURABILITY_PROCESS);
    assert_true(set("durability", "default"));
    assert_int_equal(options_number(&options, OPTION_DURABILITY), HEAP_DURABILITY_DEFAULT);
    assert_true(set("on-damage", "reset"));
    assert_int_equal(options_number(&options, OPTION_ON_DAMAGE), HEAP_DAMAGE_RESET);
    assert_true(set("eviction", "none"));
    assert_int_equal(options_number(&options, OPTION_EVICTION), HEAP_EVICTION_NONE);
    assert_false(set("eviction", ""));
    assert_false(set("eviction", "cache|none"));
    assert_true(set("trust-pmem", "Yes"));
    assert_int_equal(options_number(&options, OPTION_TRUST_PMEM), 1);
    assert_false(set("trust-pmem", "1"));
}

static void names(void **state)
{
    (void)state;
    assert_true(set("PORT", "0"));
    assert_int_equal(options_number(&options, OPTION_REDIS_PORT), 0);
    assert_false(set("por", "0"));
    assert_string_equal(error, "here: unknown directive 'por'; hearthd -h lists the known ones");
}

static void password(void **state)
{
    (void)state;
    assert_true(options_password_fits(&options, "anything", 8));
    assert_true(set("requirepass", "secret"));
    assert_true(options_password_fits(&options, "secret", 6));
    assert_false(options_password_fits(&options, "secre", 5));
    assert_false(options_password_fits(&options, "secretsecret", 12));
    assert_false(options_password_fits(&options, "", 0));
    assert_false(options_password_fits(&options, "Secret", 6));
}

static void expect_words(const char *text, int count, const char *const *wanted)
{
    char *line = strdup(text);
    char *words[8];

    assert_int_equal(split_words(line, words, 8), count);
    for (int i = 0; i < count; i++)
        assert_string_equal(words[i], wanted[i]);
    free(line);
}

static void words_and_quotes(void **state)
{
    (void)state;
    expect_words("", 0, NULL);
    expect_words(" \t\r\n", 0, NULL);
    expect_words(" a  b\tc\n", 3, (const char *const[]){"a", "b", "c"});
    expect_words("a \"b c\" ''", 3, (const char *const[]){"a", "b c", ""});
    expect_words("\"\\x41\\n\\\"\\\\\\q\"", 1, (const char *const[]){"A\n\"\\q"});
    expect_words("'it\\'s' x", 2, (const char *const[]){"it's", "x"});
    expect_words("a\"b", 1, (const char *const[]){"a\"b"});
    expect_words("\"a", -1, NULL);
    expect_words("\"a\"b", -1, NULL);
    expect_words("\"a\\\"", -1, NULL);
    expect_words("'a", -1, NULL);
    expect_words("1 2 3 4 5 6 7 8 9", -1, NULL);
}

static enum options_action line(const char *text)
{
    char *copy = strdup(text);
    char *words[16] = {"hearthd"};
    int count = split_words(copy, words + 1, 14);
    enum options_action action = options_read_arguments(&options, count + 1, words, error);

    free(copy);
    return action;
}

static void command_line(void **state)
{
    (void)state;
    assert_int_equal(line("-p 1 -t2 -c 30 -dv -P /p -u nobody"), OPTIONS_RUN);
    assert_int_equal(options_number(&options, OPTION_MEMCACHE_PORT), 1);
    assert_int_equal(options_number(&options, OPTION_THREADS), 2);
    assert_int_equal(options_number(&options, OPTION_MAXCLIENTS), 30);
    assert_int_equal(options_number(&options, OPTION_DAEMONIZE), 1);
    assert_string_equal(options_fixed_text(&options, OPTION_PIDFILE), "/p");
    assert_string_equal(options_fixed_text(&options, OPTION_USER), "nobody");
    assert_string_equal(options_fixed_text(&options, OPTION_LOGLEVEL), "info");
    assert_int_equal(line("--bind 127.0.0.1 -::1 --threads=3"), OPTIONS_RUN);
    assert_string_equal(options_fixed_text(&options, OPTION_BIND), "127.0.0.1 -::1");
    assert_int_equal(options_number(&options, OPTION_THREADS), 3);
    assert_int_equal(line("-V"), OPTIONS_VERSION);
    assert_int_equal(line("-dh"), OPTIONS_HELP);
    assert_int_equal(line("--bind"), OPTIONS_BAD);
    assert_int_equal(line("-p"), OPTIONS_BAD);
    assert_int_equal(line("-x"), OPTIONS_BAD);
    assert_int_equal(line("-d stray"), OPTIONS_BAD);
    assert_int_equal(line("/no/such/file.conf"), OPTIONS_BAD);
}

static void bind_of_memcached(void **state)
{
    (void)state;
    assert_int_equal(line("-l 127.0.0.1,::1 -l 10.0.0.1"), OPTIONS_RUN);
    assert_string_equal(options_fixed_text(&options, OPTION_BIND), "127.0.0.1 ::1 10.0.0.1");
}

static void socket_turns_ports_off(void **state)
{
    (void)state;
    assert_int_equal(line("-s /tmp/s"), OPTIONS_RUN);
    assert_int_equal(options_number(&options, OPTION_MEMCACHE_PORT), 0);
    assert_int_equal(options_number(&options, OPTION_REDIS_PORT), 0);
}

static void socket_leaves_given_port(void **state)
{
    (void)state;
    assert_int_equal(line("--redis-port 7 -s /tmp/s"), OPTIONS_RUN);
    assert_int_equal(options_number(&options, OPTION_MEMCACHE_PORT), 0);
    assert_int_equal(options_number(&options, OPTION_REDIS_PORT), 7);
}

/* Not about options, but about the other table of the same kind. */
static void commands_are_found(void **state)
{
    (void)state;
    command_index_build();
    assert_true(command_count > 60);
    for (uint32_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        const char *bar = strchr(command->name, '|');
        if (bar == NULL) {
            assert_ptr_equal(command_find(command->name, strlen(command->name)), command);
            continue;
        }
        const struct command *container = command_find(command->name, (size_t)(bar - command->name));
        assert_non_null(container);
        assert_null(command_find(command->name, strlen(command->name)));
        assert_ptr_equal(command_find_sub(container, bar + 1, strlen(bar + 1)), command);
    }
    assert_string_equal(command_find("GeT", 3)->name, "get");
    assert_null(command_find("ge", 2));
    assert_null(command_find("gett", 4));
    assert_null(command_find("", 0));
    assert_null(command_find("a name that is longer than any command can ever be", 50));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(table_is_sound),
        TEST(numbers_have_bounds),
        TEST(units),
        TEST(choices),
        TEST(names),
        TEST(password),
        TEST(words_and_quotes),
        TEST(command_line),
        TEST(bind_of_memcached),
        TEST(socket_turns_ports_off),
        TEST(socket_leaves_given_port),
        TEST(commands_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
