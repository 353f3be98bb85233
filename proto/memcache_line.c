/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One command line of memcached's text protocol, taken apart.
 *
 * IDEA   A line is cut into words at its spaces. Each shape of verb has one function that looks at the words;
 *        which error is found first, and whether noreply silences it, follows memcached 1.6 in every case:
 *        too few or too many words are answered ERROR before noreply is noticed, everything else after it.
 */
#include "proto/memcache_line.h"

#include <string.h>

#include "proto/scan.h"

/* No verb but a retrieval takes more; what comes behind need not be told apart. */
#define WORDS_MAX 8

struct word {
    const uint8_t *at;
    size_t len;
};

struct words {
    unsigned count; /* WORDS_MAX stands for "or more" */
    struct word word[WORDS_MAX];
};

enum shape { RETRIEVE, TOUCHING, STORE, COMPARE, COUNT, REMOVE, EXPIRE, FLUSH, LEVEL, PLAIN };

static const uint8_t SHAPE_OF[] = {
#define ROW(NAME, name, shape, arguments, help) [MEMCACHE_##NAME] = shape,
    MEMCACHE_VERBS(ROW)
#undef ROW
};

static const char *const NAME_OF[] = {
#define ROW(NAME, name, shape, arguments, help) [MEMCACHE_##NAME] = #name,
    MEMCACHE_VERBS(ROW)
#undef ROW
};

const char *memcache_verb_name(enum memcache_verb verb)
{
    return verb < MEMCACHE_VERB_COUNT ? NAME_OF[verb] : "";
}

static enum memcache_verb verb_of(const struct word *word)
{
#define ROW(NAME, name, shape, arguments, help) \
    if (word->at[0] == #name[0] && word->len == sizeof #name - 1 && memcmp(word->at, #name, sizeof #name - 1) == 0) { \
        return MEMCACHE_##NAME; \
    }
    MEMCACHE_VERBS(ROW)
#undef ROW
    return MEMCACHE_INVALID;
}

/* Takes the next word of [*at, end); false if only spaces are left. */
static inline bool next_word(const uint8_t **at, const uint8_t *end, struct word *word)
{
    const uint8_t *from = *at;
    while (from < end && *from == ' ') {
        from++;
    }
    const uint8_t *to = from;
    while ((to = scan_word_end(to, end)) < end && *to != ' ') {
        to++; /* a control character is a part of the word like any other */
    }
    *at = to;
    *word = (struct word){from, (size_t)(to - from)};
    return to > from;
}

bool memcache_next_key(struct memcache_cursor *cursor, const uint8_t **key, uint32_t *key_len)
{
    struct word word;
    if (!next_word(&cursor->at, cursor->end, &word)) {
        return false;
    }
    *key = word.at;
    *key_len = (uint32_t)word.len;
    return true;
}

static bool word_is(const struct word *word, const char *text, size_t len)
{
    return word->len == len && memcmp(word->at, text, len) == 0;
}

void memcache_line_refuse(struct memcache_request *out, const char *error)
{
    out->verb = MEMCACHE_INVALID;
    out->error = out->noreply ? "" : error;
    out->error_len = (uint32_t)strlen(out->error);
}

static enum memcache_line refuse(struct memcache_request *out, const char *error)
{
    memcache_line_refuse(out, error);
    return MEMCACHE_LINE_WHOLE;
}

/* Takes the key, which is the second word of all that have one; false if it is too long. */
static bool take_key(const struct words *words, struct memcache_request *out)
{
    out->key = words->word[1].at;
    out->key_len = (uint32_t)words->word[1].len;
    return words->word[1].len <= MEMCACHE_KEY_MAX;
}

/* The last word may be noreply. It is looked for even where the grammar has another word in that place. */
static void take_noreply(const struct words *words, struct memcache_request *out)
{
    out->noreply = word_is(&words->word[words->count - 1], "noreply", 7);
}

static bool take_i64(const struct word *word, int64_t *value)
{
    return number_parse_i64_loose(word->at, word->len, value);
}

static bool take_u64(const struct word *word, uint64_t *value)
{
    return number_parse_u64_loose(word->at, word->len, value);
}

/* set KEY FLAGS EXPTIME BYTES [noreply], and cas with a unique before noreply. */
static enum memcache_line parse_store(const struct words *words, struct memcache_request *out)
{
    unsigned least = out->verb == MEMCACHE_CAS ? 6 : 5;
    if (words->count < least || words->count > least + 1) {
        return refuse(out, MEMCACHE_ERROR);
    }
    take_noreply(words, out);
    uint64_t flags;
    int64_t value_bytes;
    if (!take_key(words, out) || !take_u64(&words->word[2], &flags) || !take_i64(&words->word[3], &out->exptime_s) ||
        !take_i64(&words->word[4], &value_bytes)) {
        return refuse(out, MEMCACHE_BAD_FORMAT);
    }
    if (out->verb == MEMCACHE_CAS && !take_u64(&words->word[5], &out->cas)) {
        return refuse(out, MEMCACHE_BAD_FORMAT);
    }
    if (value_bytes < 0 || value_bytes > INT32_MAX - 2) {
        return refuse(out, MEMCACHE_BAD_FORMAT);
    }
    out->flags = (uint32_t)flags; /* memcached keeps the low 32 bits as well */
    out->value_bytes = (uint32_t)value_bytes;
    return MEMCACHE_LINE_VALUE;
}

/* incr KEY DELTA [noreply] */
static enum memcache_line parse_count(const struct words *words, struct memcache_request *out)
{
    if (words->count != 3 && words->count != 4) {
        return refuse(out, MEMCACHE_ERROR);
    }
    take_noreply(words, out);
    if (!take_key(words, out)) {
        return refuse(out, MEMCACHE_BAD_FORMAT);
    }
    return take_u64(&words->word[2], &out->delta) ? MEMCACHE_LINE_WHOLE : refuse(out, MEMCACHE_BAD_DELTA);
}

/* delete KEY [0] [noreply]; the 0 is a relic. */
static enum memcache_line parse_remove(const struct words *words, struct memcache_request *out)
{
    if (words->count < 2 || words->count > 4) {
        return refuse(out, MEMCACHE_ERROR);
    }
    if (words->count > 2) {
        take_noreply(words, out);
        bool zero = word_is(&words->word[2], "0", 1);
        bool valid = words->count == 3 ? zero || out->noreply : zero && out->noreply;
        if (!valid) {
            return refuse(out, MEMCACHE_BAD_DELETE);
        }
    }
    return take_key(words, out) ? MEMCACHE_LINE_WHOLE : refuse(out, MEMCACHE_BAD_FORMAT);
}

/* touch KEY EXPTIME [noreply] */
static enum memcache_line parse_expire(const struct words *words, struct memcache_request *out)
{
    if (words->count != 3 && words->count != 4) {
        return refuse(out, MEMCACHE_ERROR);
    }
    take_noreply(words, out);
    if (!take_key(words, out)) {
        return refuse(out, MEMCACHE_BAD_FORMAT);
    }
    bool valid = take_i64(&words->word[2], &out->exptime_s);
    return valid ? MEMCACHE_LINE_WHOLE : refuse(out, MEMCACHE_BAD_EXPTIME);
}

/* flush_all [DELAY] [noreply] */
static enum memcache_line parse_flush(const struct words *words, struct memcache_request *out)
{
    if (words->count > 3) {
        return refuse(out, MEMCACHE_ERROR);
    }
    take_noreply(words, out);
    out->exptime_s = 0;
    if (words->count != (out->noreply ? 2 : 1) && !take_i64(&words->word[1], &out->exptime_s)) {
        return refuse(out, MEMCACHE_BAD_EXPTIME);
    }
    return MEMCACHE_LINE_WHOLE;
}

/* verbosity LEVEL [noreply] */
static enum memcache_line parse_level(const struct words *words, struct memcache_request *out)
{
    if (words->count != 2 && words->count != 3) {
        return refuse(out, MEMCACHE_ERROR);
    }
    take_noreply(words, out);
    return take_u64(&words->word[1], &out->delta) ? MEMCACHE_LINE_WHOLE : refuse(out, MEMCACHE_BAD_FORMAT);
}

void memcache_line_keys(const uint8_t *at, const uint8_t *end, struct memcache_request *out)
{
    out->args = at;
    out->args_len = (size_t)(end - at);
    out->key = NULL;
    out->key_len = 0;
    out->key_count = 0;
    struct word word;
    while (next_word(&at, end, &word)) {
        if (word.len > MEMCACHE_KEY_MAX) {
            memcache_line_refuse(out, MEMCACHE_BAD_FORMAT);
            return;
        }
        if (out->key_count++ == 0) {
            out->key = word.at;
            out->key_len = (uint32_t)word.len;
        }
    }
}

/*
 * get KEY..., gat EXPTIME KEY...; the words are not counted, so the line is read again from its second word.
 */
static enum memcache_line parse_retrieval(const struct words *words, const uint8_t *end, struct memcache_request *out)
{
    if (words->count < 2) {
        return refuse(out, MEMCACHE_ERROR);
    }
    const uint8_t *keys = words->word[1].at;
    if (SHAPE_OF[out->verb] == TOUCHING) {
        if (!take_i64(&words->word[1], &out->exptime_s)) {
            return refuse(out, MEMCACHE_BAD_EXPTIME);
        }
        keys += words->word[1].len;
    }
    memcache_line_keys(keys, end, out);
    return MEMCACHE_LINE_WHOLE;
}

/* A browser's "GET / HTTP/1.1" and the like end the connection. */
static enum memcache_line parse_unknown(const struct words *words, struct memcache_request *out)
{
    const struct word *last = &words->word[words->count - 1];
    if (last->len >= 5 && memcmp(last->at, "HTTP/", 5) == 0) {
        return MEMCACHE_LINE_CLOSE;
    }
    return refuse(out, MEMCACHE_ERROR);
}

enum memcache_line memcache_line_parse(const uint8_t *line, size_t len, struct memcache_request *out)
{
    const uint8_t *at = line;
    const uint8_t *end = line + len;
    struct words words;
    out->noreply = false;
    out->more = false;
    out->key = NULL;
    out->key_len = 0;
    if (!next_word(&at, end, &words.word[0])) {
        return refuse(out, MEMCACHE_ERROR);
    }
    out->verb = verb_of(&words.word[0]);
    out->args = at;
    out->args_len = (size_t)(end - at);
    /* Of a retrieval two words are enough, so that a thousand keys are not walked three times. */
    bool retrieval = out->verb != MEMCACHE_INVALID && SHAPE_OF[out->verb] <= TOUCHING;
    unsigned most = retrieval ? 2 : WORDS_MAX;
    words.count = 1;
    while (words.count < most && next_word(&at, end, &words.word[words.count])) {
        words.count++;
    }
    if (out->verb == MEMCACHE_INVALID) {
        return parse_unknown(&words, out);
    }
    switch ((enum shape)SHAPE_OF[out->verb]) {
    case RETRIEVE:
    case TOUCHING:
        return parse_retrieval(&words, end, out);
    case STORE:
    case COMPARE:
        return parse_store(&words, out);
    case COUNT:
        return parse_count(&words, out);
    case REMOVE:
        return parse_remove(&words, out);
    case EXPIRE:
        return parse_expire(&words, out);
    case FLUSH:
        return parse_flush(&words, out);
    case LEVEL:
        return parse_level(&words, out);
    case PLAIN:
        break;
    }
    return MEMCACHE_LINE_WHOLE;
}

bool memcache_line_is_retrieval(const uint8_t *at, const uint8_t *end)
{
    struct word word;
    if (!next_word(&at, end, &word)) {
        return false;
    }
    enum memcache_verb verb = verb_of(&word);
    return verb != MEMCACHE_INVALID && SHAPE_OF[verb] <= TOUCHING;
}
