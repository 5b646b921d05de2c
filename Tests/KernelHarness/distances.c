// Distances, inner products and checksums at every length.
#include "harness.h"

static const char *const kernels[] = {"l2_f32",  "dot_f32",  "l2_sq8", "dot_sq8",
                                      "l2_sq16", "dot_sq16", "l2_f16", "dot_f16"};
enum { KERNEL_COUNT = sizeof kernels / sizeof *kernels };

typedef struct {
    size_t kernel, count;
    const float *a, *b;
    const uint8_t *high, *low, *halves;
} vectors;

static float distance_of(const vectors *v) {
    switch (v->kernel) {
    case 0: return tsr_l2_f32(v->a, v->b, v->count);
    case 1: return tsr_dot_f32(v->a, v->b, v->count);
    case 2: return tsr_l2_sq8(v->a, v->b, v->high, v->count);
    case 3: return tsr_dot_sq8(v->a, v->high, v->count);
    case 4: return tsr_l2_sq16(v->a, v->b, v->high, v->low, v->count);
    case 5: return tsr_dot_sq16(v->a, v->high, v->low, v->count);
    case 6: return tsr_l2_f16(v->a, v->halves, v->count);
    default: return tsr_dot_f16(v->a, v->halves, v->count);
    }
}

static void distance(const void *input) {
    float result = distance_of(input);
    give_floats(&result, 1);
}

// Every bit pattern of a half float, 32 at a time: with 1 in one position, a sum is that one
// number.
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

static void centroid(const void *input) {
    const vectors *v = input;
    float result = tsr_dot_centroid(v->a, (const int8_t *)v->high, v->count);
    give_floats(&result, 1);
}

static void checksums(const void *input) {
    const vectors *v = input;
    for (size_t start = 0; start < 9 && start <= v->count; start++) {
        uint32_t first = tsr_crc32c(0, v->high, start);
        give_number(tsr_crc32c(first, v->high + start, v->count - start));
    }
}

// Half floats of every kind; random exponents alone would make most sums infinite.
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
            vectors v = {0, count, random_floats(count, kind), random_floats(count, kind),
                         random_bytes(count), random_bytes(count), random_halves(count, kind)};
            for (v.kernel = 0; v.kernel < KERNEL_COUNT; v.kernel++) {
                begin_check(kernels[v.kernel], "%zu dimensions, kind %d", count, kind);
                check(distance, &v);
            }
            vectors spread = v;
            uint8_t *codes = random_bytes((count + 3) / 4 * 64);
            for (size_t i = count; i < (count + 3) / 4 * 4; i++) codes[i / 4 * 64 + i % 4] = 0;
            spread.high = codes;
            begin_check("dot_centroid", "%zu dimensions, kind %d", count, kind);
            check(centroid, &spread);
            begin_check("crc32c", "%zu bytes", count);
            check(checksums, &v);
            free_rooms();
        }
    check_halves();
}
