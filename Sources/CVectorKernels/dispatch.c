// Selects the kernels once, by the processor's features and the TESSERA_ISA environment variable.
#include "kernel_table.h"

#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static const tsr_kernel_table *kernels = &tsr_scalar_kernels;

// Instruction sets, fastest first.
static const tsr_kernel_table *const known[] = {
#if defined(__x86_64__)
    &tsr_avx512_kernels, &tsr_avx2_kernels,
#elif defined(__aarch64__)
    &tsr_dotprod_kernels, &tsr_neon_kernels,
#endif
    &tsr_scalar_kernels,
};

#if defined(__x86_64__)
static int supports(const char *name) {
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c") &&
               __builtin_cpu_supports("sse4.2");
    if (strcmp(name, "avx512") == 0)
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vnni");
    return strcmp(name, "avx2") == 0 ? avx2 : strcmp(name, "scalar") == 0;
}
#elif defined(__aarch64__)
static int supports(const char *name) {
#if defined(__linux__)
    unsigned long has = getauxval(AT_HWCAP);
    int neon = (has & HWCAP_ASIMD) && (has & HWCAP_CRC32), dotprod = neon && (has & HWCAP_ASIMDDP);
#elif defined(__ARM_FEATURE_CRC32) && defined(__ARM_FEATURE_DOTPROD)
    int neon = 1, dotprod = 1;  // every target of this build has both
#else
    int neon = 0, dotprod = 0;
#endif
    if (strcmp(name, "dotprod") == 0) return dotprod;
    return strcmp(name, "neon") == 0 ? neon : strcmp(name, "scalar") == 0;
}
#else
static int supports(const char *name) { return strcmp(name, "scalar") == 0; }
#endif

const char *tsr_isa_at(size_t place) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (supports(known[i]->name) && place-- == 0) return known[i]->name;
    return NULL;
}

int tsr_isa_force(const char *name) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i]->name, name) != 0 || !supports(name)) continue;
        kernels = known[i];
        return 1;
    }
    return 0;
}

__attribute__((constructor)) static void choose(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    const char *asked = getenv("TESSERA_ISA");
    if (asked && tsr_isa_force(asked)) return;
    (void)tsr_isa_force(tsr_isa_at(0));
}

const char *tsr_isa_name(void) { return kernels->name; }

size_t tsr_scan_pq4(const tsr_list *list, const uint8_t *tables, float threshold,
                    uint32_t *rows, float *distances) {
    return kernels->scan_pq4(list, tables, threshold, rows, distances);
}
size_t tsr_scan_pq4_narrow(const tsr_list *list, const int16_t *tables, int16_t factor, int16_t bias_factor,
                           uint8_t limit, uint8_t *scratch, uint32_t *rows, float *distances) {
    return kernels->scan_pq4_narrow(list, tables, factor, bias_factor, limit, scratch, rows, distances);
}
void tsr_quantize_tables(const float *tables, size_t subquantizers, int16_t *steps, float *offset, float *step) {
    kernels->quantize_tables(tables, subquantizers, steps, offset, step);
}
void tsr_narrow_tables(const int16_t *steps, size_t subquantizers, int16_t factor, uint8_t *bytes) {
    kernels->narrow_tables(steps, subquantizers, factor, bytes);
}
void tsr_prepare_query(const float *query, const float *origin, size_t n, float *shifted, uint8_t *bytes, float *step,
                       float *norm) {
    kernels->prepare_query(query, origin, n, shifted, bytes, step, norm);
}
void tsr_rank_centroids(const tsr_centroids *centroids, const uint8_t *query, float scale, float constant, float *out) {
    kernels->rank_centroids(centroids, query, scale, constant, out);
}
void tsr_rank_together(const tsr_centroids *centroids, const tsr_ranking *queries, size_t count) {
    kernels->rank_together(centroids, queries, count);
}
void tsr_group_minima(const float *values, size_t groups, float *minima) {
    kernels->group_minima(values, groups, minima);
}
size_t tsr_select_below(const float *values, size_t count, float threshold, uint32_t first, uint32_t *indices,
                        float *selected) {
    return kernels->select_below(values, count, threshold, first, indices, selected);
}
float tsr_least(const float *values, size_t count) { return kernels->least(values, count); }
float tsr_nth_smallest(const float *values, size_t count, size_t wanted) {
    return kernels->nth_smallest(values, count, wanted);
}
void tsr_sort_keys(const uint64_t *keys, size_t count, size_t wanted, uint64_t *sorted) {
    kernels->sort_keys(keys, count, wanted, sorted);
}
float tsr_dot_centroid(const float *query, const int8_t *codes, size_t n) {
    return kernels->dot_centroid(query, codes, n);
}
void tsr_l2_sq8_rows(const tsr_stored_row *rows, size_t count, size_t n, float *distances) {
    for (size_t i = 0; i < count; i++) distances[i] = kernels->l2_sq8(rows[i].shifted, rows[i].step, rows[i].high, n);
}
void tsr_l2_sq16_rows(const tsr_stored_row *rows, size_t count, size_t n, float *distances) {
    for (size_t i = 0; i < count; i++)
        distances[i] = kernels->l2_sq16(rows[i].shifted, rows[i].step, rows[i].high, rows[i].low, n);
}
size_t tsr_scan_pq8(const tsr_list *list, const float *tables, float threshold,
                    uint32_t *rows, float *distances) {
    return kernels->scan_pq8(list, tables, threshold, rows, distances);
}
float tsr_l2_f32(const float *a, const float *b, size_t n) { return kernels->l2_f32(a, b, n); }
float tsr_dot_f32(const float *a, const float *b, size_t n) { return kernels->dot_f32(a, b, n); }
float tsr_l2_sq8(const float *shifted, const float *step, const uint8_t *row, size_t n) {
    return kernels->l2_sq8(shifted, step, row, n);
}
float tsr_dot_sq8(const float *scaled, const uint8_t *row, size_t n) {
    return kernels->dot_sq8(scaled, row, n);
}
float tsr_l2_sq16(const float *shifted, const float *step, const uint8_t *high, const uint8_t *low, size_t n) {
    return kernels->l2_sq16(shifted, step, high, low, n);
}
float tsr_dot_sq16(const float *scaled, const uint8_t *high, const uint8_t *low, size_t n) {
    return kernels->dot_sq16(scaled, high, low, n);
}
float tsr_l2_f16(const float *query, const uint8_t *row, size_t n) {
    return kernels->l2_f16(query, row, n);
}
float tsr_dot_f16(const float *query, const uint8_t *row, size_t n) {
    return kernels->dot_f16(query, row, n);
}
void tsr_pq_tables(const float *query, const float *codebooks, size_t subquantizers,
                   size_t subdimension, size_t centroids, float *tables) {
    kernels->pq_tables(query, codebooks, subquantizers, subdimension, centroids, tables);
}
uint32_t tsr_crc32c(uint32_t crc, const uint8_t *bytes, size_t count) {
    return kernels->crc32c(crc, bytes, count);
}
