// Distances, inner products and checksums at every length.
#include "harness.h"

typedef struct {
    size_t count;
    const float *a, *b;
    const uint8_t *high, *low, *halves;
} vectors;

static void distances(const void *input) {
    const vectors *v = input;
    float results[] = {
        tsr_l2_f32(v->a, v->b, v->count),
        tsr_dot_f32(v->a, v->b, v->count),
        tsr_dot_f32_i8(v->a, (const int8_t *)v->high, v->count),
        tsr_l2_sq8(v->a, v->b, v->high, v->count),
        tsr_dot_sq8(v->a, v->high, v->count),
        tsr_l2_sq16(v->a, v->b, v->high, v->low, v->count),
        tsr_dot_sq16(v->a, v->high, v->low, v->count),
        tsr_l2_f16(v->a, v->halves, v->count),
        tsr_dot_f16(v->a, v->halves, v->count),
    };
    give_floats(results, sizeof results / sizeof *results);
}

// Every bit pattern a half float has, 32 a time: with 1 at one place, a sum is that one number.
static void all_halves(const void *input) {
    const uint8_t *halves = input;
    for (size_t place = 0; place < 32; place++) {
        float one[32] = {0};
        one[place] = 1;
        float result = tsr_dot_f16(one + place, halves + 2 * place, 1);
        give_floats(&result, 1);
        result = tsr_l2_f16(one, halves, place + 1);
        give_floats(&result, 1);
    }
}

static void checksums(const void *input) {
    const vectors *v = input;
    for (size_t start = 0; start < 9 && start <= v->count; start++) {
        uint32_t first = tsr_crc32c(0, v->high, start);
        give_number(tsr_crc32c(first, v->high + start, v->count - start));
    }
}

// Halves of every kind: a random exponent would make most sums infinite.
static uint8_t *random_halves(size_t count, enum values kind) {
    uint8_t *halves = random_bytes(2 * count);
    if (kind == ORDINARY)
        for (size_t i = 0; i < count; i++) halves[2 * i + 1] = (halves[2 * i + 1] & 0x83) | 0x38;
    return halves;
}

static void check_halves(void) {
    for (unsigned first = 0; first < 0x10000; first += 32) {
        uint8_t *halves = room(64);
        for (unsigned i = 0; i < 32; i++) {
            halves[2 * i] = (uint8_t)(first + i);
            halves[2 * i + 1] = (uint8_t)((first + i) >> 8);
        }
        begin_check("f16", "half floats from %04x", first);
        check(all_halves, halves);
        free_rooms();
    }
}

void check_distances(void) {
    fresh_seed(1);
    for (int kind = ORDINARY; kind < VALUE_KINDS; kind++)
        for (size_t count = 0; count < 1600; count += count < 165 ? 1 : 97) {
            vectors v = {count, random_floats(count, kind), random_floats(count, kind),
                         random_bytes(count), random_bytes(count), random_halves(count, kind)};
            begin_check("distances", "%zu dimensions, values of kind %d (results: in the order of the source)", count,
                        kind);
            check(distances, &v);
            begin_check("crc32c", "%zu bytes", count);
            check(checksums, &v);
            free_rooms();
        }
    check_halves();
}
