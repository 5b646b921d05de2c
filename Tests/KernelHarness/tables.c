// Checks of lookup tables: inner products with codebook entries, and their quantization.
#include "harness.h"

typedef struct {
    const float *query, *codebooks;
    size_t subquantizers, subdimension, centroids;
} codebooks;

static void products(const void *input) {
    const codebooks *c = input;
    size_t count = c->subquantizers * c->centroids;
    float *tables = room(count * sizeof *tables);
    tsr_pq_tables(c->query, c->codebooks, c->subquantizers, c->subdimension, c->centroids, tables);
    give_floats(tables, count);
}

static void check_products(size_t subquantizers, size_t subdimension, size_t centroids, enum values kind) {
    size_t dimensions = subquantizers * subdimension;
    codebooks c = {random_floats(dimensions, kind), random_floats(dimensions * centroids, kind), subquantizers,
                   subdimension, centroids};
    begin_check("pq_tables", "%zu x %zu dimensions, %zu entries, kind %d", subquantizers, subdimension, centroids, kind);
    check(products, &c);
    free_rooms();
}

typedef struct {
    const float *tables;
    size_t subquantizers;
} steps;

static void quantized(const void *input) {
    const steps *s = input;
    size_t count = (s->subquantizers + 3) / 4 * 64;
    int16_t *places = room(count * sizeof *places);
    float offset, step;
    for (size_t i = 0; i < count; i++) places[i] = 77;
    tsr_quantize_tables(s->tables, s->subquantizers, places, &offset, &step);
    give_bytes(places, count * sizeof *places);
    give_floats(&offset, 1);
    give_floats(&step, 1);
}

static void check_steps(size_t subquantizers, enum values kind) {
    steps s = {random_floats(16 * subquantizers, kind), subquantizers};
    begin_check("quantize_tables", "%zu tables, kind %d", subquantizers, kind);
    check(quantized, &s);
    float *flat = room(64 * subquantizers);
    for (size_t i = 0; i < 16 * subquantizers; i++) flat[i] = s.tables[i / 16];
    s.tables = flat;
    begin_check("quantize_tables", "%zu tables whose entries are all the same, kind %d", subquantizers, kind);
    check(quantized, &s);
    free_rooms();
}

typedef struct {
    const int16_t *steps;
    size_t subquantizers;
    int16_t factor;
} narrowing;

static void narrowed(const void *input) {
    const narrowing *n = input;
    uint8_t *bytes = room(16 * n->subquantizers);
    tsr_narrow_tables(n->steps, n->subquantizers, n->factor, bytes);
    give_bytes(bytes, 16 * n->subquantizers);
}

static void check_narrowing(size_t subquantizers) {
    const int16_t factors[] = {0, 1, 40, 2047, 32767};
    size_t count = (subquantizers + 3) / 4 * 64;
    int16_t *places = room(count * sizeof *places);
    for (size_t i = 0; i < count; i++) places[i] = (int16_t)(next_random() & 4095);
    narrowing n = {places, subquantizers, 0};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        n.factor = factors[i];
        begin_check("narrow_tables", "%zu tables, factor %d", subquantizers, n.factor);
        check(narrowed, &n);
    }
    free_rooms();
}

void check_tables(void) {
    fresh_seed(4);
    // 4-bit codes come in pairs.
    for (size_t subquantizers = 2; subquantizers <= 130; subquantizers += 2) check_narrowing(subquantizers);
    for (int kind = ORDINARY; kind < VALUE_KINDS; kind++) {
        for (size_t subquantizers = 1; subquantizers <= 9; subquantizers += 2)
            for (size_t subdimension = 1; subdimension <= 9; subdimension++)
                for (size_t centroids = 16; centroids <= 256; centroids *= 4)
                    check_products(subquantizers, subdimension, centroids, kind);
        // Tables may not hold NaN.
        for (size_t subquantizers = 1; subquantizers <= 130 && kind < ANY; subquantizers++)
            check_steps(subquantizers, kind);
    }
}
