// Checks of query preparation, centroid ranking and group minima.
#include "harness.h"

typedef struct {
    tsr_centroids centroids;
    const uint8_t *bytes;
    float scale, constant;
} ranking;

static void ranked(const void *input) {
    const ranking *r = input;
    float *out = room(16 * r->centroids.groups * sizeof *out);
    tsr_rank_centroids(&r->centroids, r->bytes, r->scale, r->constant, out);
    give_floats(out, 16 * r->centroids.groups);
}

// Nine queries: two groups of four and one left over. The later ones begin one word further on.
static void ranked_together(const void *input) {
    const ranking *r = input;
    size_t count = 9, places = 16 * r->centroids.groups;
    tsr_ranking queries[9];
    for (size_t i = 0; i < count; i++)
        queries[i] = (tsr_ranking){r->bytes + 4 * i, r->scale, r->constant, room(places * sizeof(float))};
    tsr_rank_together(&r->centroids, queries, count);
    for (size_t i = 0; i < count; i++) give_floats(queries[i].out, places);
}

// Corrections as the header defines them: minus 128 times the sum of a centroid's bytes.
static int32_t *corrections_of(const int8_t *codes, size_t groups, size_t words) {
    int32_t *corrections = room(16 * groups * sizeof *corrections);
    for (size_t c = 0; c < 16 * groups; c++) {
        corrections[c] = 0;
        for (size_t w = 0; w < words; w++)
            for (size_t j = 0; j < 4; j++) corrections[c] -= 128 * codes[(c / 16 * words + w) * 64 + c % 16 * 4 + j];
    }
    return corrections;
}

static void check_ranks(size_t groups, size_t words, enum values kind) {
    ranking r = {.centroids = {.groups = groups, .words = words}};
    uint8_t *codes = random_bytes(groups * words * 64), *bytes = random_bytes(4 * (words + 8));
    // Extreme products, which exceed 16 bits soonest.
    if (next_random() & 1)
        for (size_t i = 0; i < groups * words * 64; i++) codes[i] = codes[i] & 1 ? 0x80 : 0x7f;
    if (next_random() & 1)
        for (size_t i = 0; i < 4 * (words + 8); i++) bytes[i] = bytes[i] & 1 ? 0 : 255;
    r.centroids.codes = (const int8_t *)codes;
    r.centroids.corrections = corrections_of(r.centroids.codes, groups, words);
    r.centroids.norms = random_floats(16 * groups, kind);
    r.bytes = bytes;
    r.scale = *random_floats(1, kind);
    r.constant = *random_floats(1, kind);
    begin_check("rank_centroids", "%zu groups, %zu words, kind %d", groups, words, kind);
    check(ranked, &r);
    begin_check("rank_together", "%zu groups, %zu words, kind %d", groups, words, kind);
    check(ranked_together, &r);
    free_rooms();
}

typedef struct {
    const float *query, *origin;
    size_t count;
} query;

static void prepared(const void *input) {
    const query *q = input;
    size_t filled = (q->count + 3) / 4 * 4;
    float *shifted = room(q->count * sizeof *shifted), step, norm;
    uint8_t *bytes = room(filled);
    tsr_prepare_query(q->query, q->origin, q->count, shifted, bytes, &step, &norm);
    give_floats(shifted, q->count);
    give_bytes(bytes, filled);
    give_floats(&step, 1);
    give_floats(&norm, 1);
}

static void check_query(size_t count, enum values kind) {
    query q = {random_floats(count, kind), random_floats(count, kind), count};
    begin_check("prepare_query", "%zu dimensions, kind %d", count, kind);
    check(prepared, &q);
    q.origin = q.query;
    begin_check("prepare_query", "%zu dimensions, kind %d, at the origin", count, kind);
    check(prepared, &q);
    free_rooms();
}

typedef struct {
    const float *values;
    size_t groups;
} minima;

// Which zero is the smaller one is not defined, so 0 is added to remove the sign.
static void smallest(const void *input) {
    const minima *m = input;
    float *out = room(m->groups * sizeof *out);
    tsr_group_minima(m->values, m->groups, out);
    for (size_t i = 0; i < m->groups; i++) out[i] += 0.0f;
    give_floats(out, m->groups);
}

static void check_minima(size_t groups, enum values kind) {
    minima m = {random_floats(16 * groups, kind), groups};
    begin_check("group_minima", "%zu groups, kind %d", groups, kind);
    check(smallest, &m);
    free_rooms();
}

void check_ranking(void) {
    fresh_seed(3);
    for (int kind = ORDINARY; kind < VALUE_KINDS; kind++) {
        for (size_t groups = 1; groups <= 9; groups++)
            for (size_t words = 1; words <= 400; words += words < 40 ? 1 : 90) check_ranks(groups, words, kind);
        for (size_t count = 1; count < 1600; count += count < 165 ? 1 : 97) check_query(count, kind);
        // The minimum is not defined for values with NaN.
        for (size_t groups = 1; groups <= 40 && kind < ANY; groups++) check_minima(groups, kind);
    }
}
