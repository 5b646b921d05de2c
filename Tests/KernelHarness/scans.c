// Scans of inverted lists, and selection, at every count of vectors.
#pragma STDC FP_CONTRACT OFF  // the thresholds, too, are the same on every machine
#include "harness.h"

#include <math.h>
#include <string.h>

typedef struct {
    tsr_list list;
    const uint8_t *bytes;
    const float *floats;
    const int16_t *steps;
    int16_t factor, bias_factor;
    uint8_t limit;
    float threshold;
} scan;

static void give_found(size_t found, const uint32_t *rows, const float *distances) {
    give_number(found);
    give_bytes(rows, found * sizeof *rows);
    give_floats(distances, found);
}

static void wide(const void *input) {
    const scan *s = input;
    uint32_t *rows = room((s->list.count + 16) * sizeof *rows);
    float *distances = room((s->list.count + 16) * sizeof *distances);
    give_found(tsr_scan_pq4(&s->list, s->bytes, s->threshold, rows, distances), rows, distances);
}

static void narrow(const void *input) {
    const scan *s = input;
    uint32_t *rows = room((s->list.count + 16) * sizeof *rows);
    float *distances = room((s->list.count + 16) * sizeof *distances);
    uint8_t *scratch = room(32 * s->list.subquantizers + 64);
    size_t found = tsr_scan_pq4_narrow(&s->list, s->steps, s->factor, s->bias_factor, s->limit, scratch, rows, distances);
    give_found(found, rows, distances);
}

static void eight_bits(const void *input) {
    const scan *s = input;
    uint32_t *rows = room((s->list.count + 16) * sizeof *rows);
    float *distances = room((s->list.count + 16) * sizeof *distances);
    give_found(tsr_scan_pq8(&s->list, s->floats, s->threshold, rows, distances), rows, distances);
}

static scan random_scan(size_t count, size_t subquantizers, int bits, enum values kind) {
    scan s = {0};
    int has_bias = (int)(next_random() & 1);
    size_t stride = TSR_BLOCK * (subquantizers * (size_t)bits / 8 + (size_t)has_bias);
    s.list = (tsr_list){
        .blocks = random_bytes((count + 31) / 32 * stride), .block_stride = stride, .count = count,
        .subquantizers = subquantizers, .first_row = (uint32_t)next_random(), .has_bias = has_bias,
        .base = *random_floats(1, kind), .table_step = *random_floats(1, kind), .bias_step = *random_floats(1, kind),
    };
    s.list.next_blocks = next_random() & 1 ? s.list.blocks : NULL;
    return s;
}

// Steps as quantized tables hold them, some of them the largest there is; those of missing
// subquantizers are zeros.
static int16_t *random_steps(size_t subquantizers) {
    size_t count = (subquantizers + 3) / 4 * 64;
    int16_t *steps = room(count * sizeof *steps);
    for (size_t i = 0; i < count; i++) {
        int step = next_random() & 7 ? (int)(next_random() & 4095) : 4095;
        steps[i] = i / 64 * 4 + i % 32 / 8 < subquantizers ? (int16_t)step : 0;
    }
    return steps;
}

static void check_four_bits(size_t count, size_t subquantizers, enum values kind) {
    static const struct { int16_t factor, bias_factor; uint8_t limit; } narrow_steps[] = {
        {40, 9, 254}, {300, 100, 120}, {32766, 32767, 254}, {1, 0, 0}, {0, 32767, 255}, {32767, 300, 255}, {9, 3, 40},
    };
    scan s = random_scan(count, subquantizers, 4, kind);
    s.bytes = random_bytes(16 * subquantizers);
    s.steps = random_steps(subquantizers);
    // About half of the list, were all steps 1; and all of it.
    for (int every = 0; every < 2; every++) {
        s.threshold = every ? INFINITY : s.list.base + s.list.table_step * 128 * (float)subquantizers;
        begin_check("scan_pq4", "%zu codes of %zu, kind %d, bias %d, threshold %a", count, subquantizers, kind,
                    s.list.has_bias, (double)s.threshold);
        check(wide, &s);
    }
    for (size_t i = 0; i < sizeof narrow_steps / sizeof *narrow_steps; i++) {
        s.factor = narrow_steps[i].factor;
        s.bias_factor = narrow_steps[i].bias_factor;
        s.limit = narrow_steps[i].limit;
        begin_check("scan_pq4_narrow", "%zu codes of %zu, kind %d, bias %d, factors %d and %d, limit %d", count,
                    subquantizers, kind, s.list.has_bias, s.factor, s.bias_factor, s.limit);
        check(narrow, &s);
    }
    free_rooms();
}

static void check_eight_bits(size_t count, size_t subquantizers, enum values kind) {
    scan s = random_scan(count, subquantizers, 8, kind);
    s.floats = random_floats(256 * subquantizers, kind);
    for (int every = 0; every < 2; every++) {
        s.threshold = every ? INFINITY : s.list.base;
        begin_check("scan_pq8", "%zu codes of %zu, kind %d, bias %d, threshold %a", count, subquantizers, kind,
                    s.list.has_bias, (double)s.threshold);
        check(eight_bits, &s);
    }
    free_rooms();
}

// The largest sum that 16 bits hold.
static void check_largest_sum(void) {
    scan s = random_scan(33, 256, 4, ORDINARY);
    uint8_t *tables = random_bytes(16 * 256);
    memset(tables, 255, 16 * 256);
    s.bytes = tables;
    s.threshold = INFINITY;
    begin_check("scan_pq4", "33 codes of 256, every entry 255");
    check(wide, &s);
    free_rooms();
}

typedef struct {
    const float *values;
    size_t count;
    float threshold;
} selection;

static void selected(const void *input) {
    const selection *s = input;
    uint32_t *indices = room((s->count + 16) * sizeof *indices);
    float *values = room((s->count + 16) * sizeof *values);
    give_found(tsr_select_below(s->values, s->count, s->threshold, 70000, indices, values), indices, values);
}

static void check_selection(size_t count, enum values kind) {
    const float thresholds[] = {0, -0.5f, 0.9f, INFINITY, -INFINITY, NAN};
    selection s = {random_floats(count, kind), count, 0};
    for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++) {
        s.threshold = thresholds[i];
        begin_check("select_below", "%zu values of kind %d, threshold %a", count, kind, (double)s.threshold);
        check(selected, &s);
    }
    free_rooms();
}

static void nth(const void *input) {
    const selection *s = input;
    for (size_t wanted = 1; wanted <= s->count + 1; wanted += 1 + wanted / 4) {
        float value = tsr_nth_smallest(s->values, s->count, wanted);
        give_floats(&value, 1);
    }
}

static void least(const void *input) {
    const selection *s = input;
    float value = tsr_least(s->values, s->count);
    give_floats(&value, 1);
}

typedef struct {
    const uint64_t *keys;
    size_t count;
} key_list;

static void sorted(const void *input) {
    const key_list *k = input;
    for (size_t wanted = 1; wanted <= k->count; wanted += wanted) {
        uint64_t *keys = room(wanted * sizeof *keys);
        tsr_sort_keys(k->keys, k->count, wanted, keys);
        give_bytes(keys, wanted * sizeof *keys);
    }
}

static void check_order(size_t count, enum values kind) {
    selection s = {random_floats(count, kind), count, 0};
    begin_check("nth_smallest", "%zu values of kind %d", count, kind);
    check(nth, &s);
    begin_check("least", "%zu values of kind %d", count, kind);
    check(least, &s);
    // Keys differ: the odd factor keeps their lowest bits apart.
    uint64_t *keys = room(count * sizeof *keys), first = next_random();
    for (size_t i = 0; i < count; i++) keys[i] = (first + i) * 0x9e3779b97f4a7c15u;
    key_list k = {keys, count};
    begin_check("sort_keys", "%zu keys", count);
    check(sorted, &k);
    free_rooms();
}

void check_scans(void) {
    fresh_seed(2);
    for (int kind = ORDINARY; kind < VALUE_KINDS; kind++)
        for (size_t count = 0; count <= 130; count++) {
            for (size_t subquantizers = 2; subquantizers <= 130; subquantizers += subquantizers < 14 ? 2 : 58)
                check_four_bits(count, subquantizers, kind);
            for (size_t subquantizers = 1; subquantizers <= 40; subquantizers += subquantizers < 5 ? 1 : 17)
                check_eight_bits(count, subquantizers, kind);
            check_selection(count, kind);
            check_order(count, kind);
        }
    check_largest_sum();
}
