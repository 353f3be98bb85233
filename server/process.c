/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Background, pid file, user, limits, and the signals of everyday.
 */
#include "server/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

/* Descriptors beside those of clients: pool, log, listeners, event loops. */
#define OTHER_FILES 256

static int ready_fd = -1; /* to the parent that waits */

/* ---- background ---- */

/* The parent's part: exits with what became of the child. */
static void wait_for_child(int fd, pid_t child)
{
    char byte;
    ssize_t count;

    do
        count = read(fd, &byte, 1);
    while (count < 0 && errno == EINTR);
    if (count == 1)
        _exit(0);
    waitpid(child, NULL, 0);
    _exit(1);
}

bool process_daemonize(void)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        log_error("server", "cannot go to the background: %s", strerror(errno));
        return false;
    }
    child = fork();
    if (child < 0) {
        log_error("server", "cannot go to the background: %s", strerror(errno));
        return false;
    }
    if (child > 0) {
        close(ends[1]);
        wait_for_child(ends[0], child);
    }
    close(ends[0]);
    ready_fd = ends[1];
    setsid();
    return true;
}

void process_is_ready(void)
{
    int null_fd;

    if (ready_fd < 0)
        return;
    (void)!write(ready_fd, "", 1);
    close(ready_fd);
    ready_fd = -1;
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return;
    dup2(null_fd, STDIN_FILENO);
    dup2(null_fd, STDOUT_FILENO);
    dup2(null_fd, STDERR_FILENO);
    if (null_fd > STDERR_FILENO)
        close(null_fd);
}

/* ---- pid file ---- */

bool process_write_pidfile(const char *path)
{
    FILE *file = fopen(path, "we");
    bool fine = file != NULL && fprintf(file, "%d\n", (int)getpid()) > 0;

    if (file != NULL && fclose(file) != 0)
        fine = false;
    if (!fine)
        log_error("server", "cannot write the pid file %s: %s; see pidfile", path, strerror(errno));
    return fine;
}

void process_remove_pidfile(const char *path)
{
    FILE *file = fopen(path, "re");
    int pid = 0;

    if (file == NULL)
        return;
    if (fscanf(file, "%d", &pid) == 1 && pid == (int)getpid())
        unlink(path);
    fclose(file);
}

/* ---- user and limits ---- */

/*
 * Only a file or a socket of this name itself is given away, never what a symbolic link leads to: the folder may be the
 * user's own, and root must not be led elsewhere by it.
 */
static bool give_away(const char *path, const struct passwd *user)
{
    struct stat status;

    if (path[0] == '\0' || lstat(path, &status) < 0 || (!S_ISREG(status.st_mode) && !S_ISSOCK(status.st_mode)))
        return true;
    if (lchown(path, user->pw_uid, user->pw_gid) == 0)
        return true;
    log_error("server", "cannot give %s to user '%s': %s", path, user->pw_name, strerror(errno));
    return false;
}

bool process_become_user(const char *name, const char *const *paths, size_t count)
{
    const struct passwd *user;

    if (geteuid() != 0) {
        log_warn("server", "user is ignored: only root can become another user=%s", name);
        return true;
    }
    user = getpwnam(name);
    if (user == NULL) {
        log_error("server", "there is no user '%s'; see user", name);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!give_away(paths[i], user))
            return false;
    }
    if (initgroups(name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0) {
        log_error("server", "cannot become user '%s': %s", name, strerror(errno));
        return false;
    }
    return true;
}

uint64_t process_raise_open_files(uint64_t clients)
{
    struct rlimit limit;
    rlim_t wanted = clients + OTHER_FILES;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return clients;
    struct rlimit raised = {.rlim_cur = wanted, .rlim_max = limit.rlim_max > wanted ? limit.rlim_max : wanted};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return clients;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= OTHER_FILES)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    uint64_t possible = limit.rlim_cur > OTHER_FILES ? limit.rlim_cur - OTHER_FILES : 32;
    if (possible >= clients)
        return clients;
    log_warn("server",
             "the limit of open files allows fewer clients than maxclients: raise it (ulimit -n) limit=%llu "
             "maxclients=%llu clients=%llu",
             (unsigned long long)limit.rlim_cur, (unsigned long long)clients, (unsigned long long)possible);
    return possible;
}

/* ---- signals ---- */

static void everyday_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGUSR1);
    sigaddset(set, SIGHUP);
}

void process_block_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    everyday_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

enum process_signal process_wait_signal(void)
{
    sigset_t set;
    int number;

    everyday_signals(&set);
    while (sigwait(&set, &number) != 0)
        continue;
    if (number == SIGHUP)
        return PROCESS_REOPEN_LOG;
    log_notice("server", "stopping signal=%s", number == SIGTERM ? "TERM" : number == SIGINT ? "INT" : "USR1");
    return PROCESS_STOP;
}

static void on_second_signal(int number)
{
    static const char text[] =
        "hearthd: second signal while stopping: exits at once; the pool recovers at the next start\n";

    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(1);
}

void process_expect_second_signal(void)
{
    sigset_t set;

    signal(SIGTERM, on_second_signal);
    signal(SIGINT, on_second_signal);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
