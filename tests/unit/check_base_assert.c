/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Goal: an assertion that fails says where and why, and stops the process; one that holds does nothing.
 * Method: each tier fails in a child of its own, whose stderr and end are looked at.
 */
#include "base/assert.h"
#include "tests/unit/check.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char message[4096];

/* Runs `child` in a process of its own; its stderr ends up in `message`. Returns the wait status. */
static int run_child(void (*child)(void))
{
    int fds[2];
    int status;
    size_t len = 0;
    ssize_t got;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit no_core = {0, 0};

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        dup2(fds[1], STDERR_FILENO);
        child();
        _exit(0);
    }
    close(fds[1]);
    while ((got = read(fds[0], message + len, sizeof message - 1 - len)) > 0)
        len += (size_t)got;
    message[len] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void fail_must(void)
{
    must(1 + 1 == 3);
}

static void fail_ought(void)
{
    ought(message[0] == 'x');
}

static void reach_never(void)
{
    never("the sky is green");
}

static void fail_debug_check(void)
{
    debug_check(1 + 1 == 3);
}

static void hold_all(void)
{
    must(1 + 1 == 2);
    ought(1 + 1 == 2);
    debug_check(1 + 1 == 2);
}

static void check_aborts(int status, const char *tier, const char *what)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(message, tier));
    assert_non_null(strstr(message, what));
    assert_non_null(strstr(message, "check_base_assert.c:"));
}

static void check_tiers(void **state)
{
    (void)state;
    check_aborts(run_child(fail_must), "must(1 + 1 == 3)", "fail_must");
    check_aborts(run_child(fail_ought), "ought(", "fail_ought");
    check_aborts(run_child(reach_never), "never(the sky is green)", "reach_never");
    assert_int_equal(run_child(hold_all), 0);
    assert_string_equal(message, "");
}

static void check_debug_tier(void **state)
{
    int status = run_child(fail_debug_check);

    (void)state;
#ifdef HEARTH_DEBUG_CHECKS
    check_aborts(status, "debug_check(", "fail_debug_check");
#else
    assert_int_equal(status, 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(check_tiers), cmocka_unit_test(check_debug_tier)};

    return cmocka_run_group_tests_name("assert", tests, NULL, NULL);
}
