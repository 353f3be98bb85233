/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options to a plan.
 */
#include "bench/load/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "bench/load/fail.h"

#define TTL_MAX_S 2592000
#define LOAD_PIPELINE 64
#define NS_PER_MS UINT64_C(1000000)
/* Of all connections' buffers together. */
#define BUFFER_BYTES_MAX (UINT64_C(8) << 30)

static double number_of(const struct options *options, enum option option)
{
    return options->values[option].number;
}

static const char *text_of(const struct options *options, enum option option)
{
    return options->values[option].text;
}

static bool is_given(const struct options *options, enum option option)
{
    return options->values[option].given;
}

/* Two whole numbers with a mark between, each at most `most`. */
static bool parse_pair(const char *text, char mark, uint64_t most, uint64_t *left, uint64_t *right)
{
    const char *between = strchr(text, mark);

    return between != NULL && number_parse_u64(text, (size_t)(between - text), left) &&
           number_parse_u64(between + 1, strlen(between + 1), right) && *left <= most && *right <= most;
}

static void set_shares(struct workload *workload, double gets, double sets, double inserts)
{
    *workload = (struct workload){
        .get_limit = random_limit(gets),
        .set_limit = random_limit(gets + sets),
        .insert_limit = random_limit(gets + sets + inserts),
        .only_gets = gets >= 1,
        .only_sets = sets >= 1,
        .inserts = inserts > 0,
        .modifies = gets + sets + inserts < 1 - 1e-9,
    };
    if (!workload->modifies) /* whatever the sum has lost in rounding */
        *(workload->inserts ? &workload->insert_limit : &workload->set_limit) = UINT64_MAX;
}

static void plan_workload(struct plan *plan, const struct options *options)
{
    static const struct {
        double gets, sets, inserts;
    } ycsb[] = {{0.5, 0.5, 0}, {0.95, 0.05, 0}, {1, 0, 0}, {0.95, 0, 0.05}, {0.5, 0, 0}};
    unsigned letter = (unsigned)number_of(options, OPTION_WORKLOAD);
    uint64_t reads;
    uint64_t writes;

    if (letter > 0) {
        if (is_given(options, OPTION_RATIO))
            fail("--ratio is for workload ratio, not for YCSB's %s", text_of(options, OPTION_WORKLOAD));
        set_shares(&plan->workload, ycsb[letter - 1].gets, ycsb[letter - 1].sets, ycsb[letter - 1].inserts);
        return;
    }
    if (!parse_pair(text_of(options, OPTION_RATIO), ':', 1000000, &reads, &writes) || reads + writes == 0)
        fail("--ratio '%.100s' is not valid: it must be reads and writes, like 90:10", text_of(options, OPTION_RATIO));
    set_shares(&plan->workload, (double)reads / (double)(reads + writes), (double)writes / (double)(reads + writes), 0);
}

static enum keys_distribution distribution_of(const struct options *options)
{
    static const enum keys_distribution of_workload[] = {KEYS_UNIFORM, KEYS_ZIPF,   KEYS_ZIPF,
                                                         KEYS_ZIPF,    KEYS_LATEST, KEYS_ZIPF};

    if (is_given(options, OPTION_DISTRIBUTION))
        return (enum keys_distribution)number_of(options, OPTION_DISTRIBUTION);
    return of_workload[(unsigned)number_of(options, OPTION_WORKLOAD)];
}

static void plan_keys(struct plan *plan, const struct options *options)
{
    uint64_t first = (uint64_t)number_of(options, OPTION_FIRST_KEY);
    uint64_t count = (uint64_t)number_of(options, OPTION_KEYS);
    const char *pattern = text_of(options, OPTION_KEY_PATTERN);
    const char *wrong = key_pattern_parse(&plan->wire.pattern, pattern, first + count - 1);

    if (wrong != NULL)
        fail("--key-pattern '%.200s' is not valid: %s", pattern, wrong);
    keys_init(&plan->keys, distribution_of(options), first, count, number_of(options, OPTION_THETA),
              number_of(options, OPTION_HOT_KEYS) / 100, number_of(options, OPTION_HOT_REQUESTS) / 100,
              (uint64_t)plan->conn_count * plan->pipeline);
}

static void plan_ttl(struct plan *plan, const struct options *options)
{
    const char *text = text_of(options, OPTION_TTL);
    uint64_t low = 0;
    uint64_t high = 0;
    bool fixed = number_parse_u64(text, strlen(text), &low) && low <= TTL_MAX_S;
    bool range = !fixed && parse_pair(text, '-', TTL_MAX_S, &low, &high) && low > 0 && low <= high;

    if (!fixed && !range)
        fail("--ttl '%.100s' is not valid: it must be seconds up to %d, or a range like 60-3600", text, TTL_MAX_S);
    if (fixed)
        high = low;
    plan->ttl_low_s = (uint32_t)low;
    plan->ttl_high_s = (uint32_t)high;
}

static void plan_values(struct plan *plan, const struct options *options)
{
    const char *text = text_of(options, OPTION_VALUE_SIZE);
    const char *wrong = sizes_parse(&plan->sizes, text);

    if (wrong != NULL)
        fail("--value-size '%.100s' is not valid: %s", text, wrong);
    plan->seed = (uint64_t)number_of(options, OPTION_SEED);
    if (!values_init(&plan->wire.values, number_of(options, OPTION_VERIFY) != 0, plan->sizes.max, plan->seed))
        fail("out of memory");
}

static void plan_server(struct plan *plan, const struct options *options)
{
    const char *password = text_of(options, OPTION_PASSWORD);
    const char *from_environment = getenv("REDISCLI_AUTH");
    uint16_t port = (uint16_t)number_of(options, OPTION_PORT);

    plan->protocol = number_of(options, OPTION_PROTOCOL) == 0 ? &protocol_memcache : &protocol_redis;
    if (is_given(options, OPTION_SOCKET))
        address_unix(&plan->address, text_of(options, OPTION_SOCKET));
    else
        address_resolve(&plan->address, text_of(options, OPTION_HOST), port != 0 ? port : plan->protocol->port);
    if (plan->protocol == &protocol_memcache) {
        if (is_given(options, OPTION_PASSWORD))
            fail("--password is for protocol redis: memcached's text protocol has none");
        return;
    }
    if (password[0] == '\0' && from_environment != NULL)
        password = from_environment;
    if (strlen(password) > PASSWORD_LEN_MAX)
        fail("--password has more than %d bytes", PASSWORD_LEN_MAX);
    plan->password = password[0] != '\0' ? password : NULL;
}

static void plan_extent(struct plan *plan, const struct options *options)
{
    bool counted = number_of(options, OPTION_REQUESTS) > 0;
    bool timed = !counted || is_given(options, OPTION_DURATION);

    plan->request_count = counted ? (uint64_t)number_of(options, OPTION_REQUESTS) : UINT64_MAX;
    plan->duration_ns = timed ? (uint64_t)number_of(options, OPTION_DURATION) * NS_PER_MS : UINT64_MAX;
    plan->warmup_ns = (uint64_t)number_of(options, OPTION_WARMUP) * NS_PER_MS;
    plan->timeout_ns = (uint64_t)number_of(options, OPTION_TIMEOUT) * NS_PER_MS;
    plan->rate = number_of(options, OPTION_RATE);
}

/* What is wrong by itself nowhere, but together. */
static void check_plan(const struct plan *plan, const struct options *options)
{
    bool modifies = plan->workload.modifies;

    if (plan->conn_count < plan->thread_count)
        fail("--connections %u is below --threads %u: each thread needs one", plan->conn_count, plan->thread_count);
    if (plan->storm && plan->pipeline > 1)
        fail("--storm asks once on each connection: it goes with --pipeline 1 only");
    if (plan->storm && modifies)
        fail("--storm asks once on each connection: workload f, which reads and then writes, does not go with it");
    if (modifies && plan->multi_get > 1)
        fail("--multi-get does not go with workload f: it writes what it has read");
    if (plan->workload.inserts && plan->wire.pattern.digits != 0 &&
        number_digits_u64(plan->keys.first + plan->keys.count * 2) > plan->wire.pattern.digits)
        fail("--key-pattern '%s' has too few digits for keys that are yet to be inserted",
             text_of(options, OPTION_KEY_PATTERN));
    if ((uint64_t)plan->conn_count * plan->pipeline * plan->multi_get * sizeof(uint64_t) > BUFFER_BYTES_MAX)
        fail("--connections, --pipeline and --multi-get are together too large");
}

void plan_init(struct plan *plan, const struct options *options)
{
    memset(plan, 0, sizeof *plan);
    plan->thread_count = (uint32_t)number_of(options, OPTION_THREADS);
    plan->conn_count = (uint32_t)number_of(options, OPTION_CONNECTIONS);
    plan->pipeline = (uint32_t)number_of(options, OPTION_PIPELINE);
    plan->multi_get = (uint32_t)number_of(options, OPTION_MULTI_GET);
    plan->storm = number_of(options, OPTION_STORM) != 0;
    plan_workload(plan, options);
    plan_keys(plan, options);
    plan_ttl(plan, options);
    plan_values(plan, options);
    plan_extent(plan, options);
    check_plan(plan, options);
    plan_server(plan, options);
}

void plan_init_load(struct plan *load, const struct plan *plan)
{
    *load = *plan;
    set_shares(&load->workload, 0, 1, 0);
    keys_init(&load->keys, KEYS_SEQUENTIAL, plan->keys.first, plan->keys.count, 0, 0, 0, 0);
    if (load->pipeline < LOAD_PIPELINE)
        load->pipeline = LOAD_PIPELINE;
    load->multi_get = 1;
    load->storm = false;
    load->rate = 0;
    load->request_count = plan->keys.count;
    load->duration_ns = UINT64_MAX;
    load->warmup_ns = 0;
}

void plan_free(struct plan *plan)
{
    values_free(&plan->wire.values);
}
