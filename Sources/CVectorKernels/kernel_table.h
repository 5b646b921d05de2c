// The table of kernels of one instruction set, from which the dispatcher selects.
#ifndef TESSERA_KERNEL_TABLE_H
#define TESSERA_KERNEL_TABLE_H

#include "vector_kernels.h"

/// Largest step in a quantized table: 12 bits leave three bits of precision for a 15-bit factor.
#define TSR_TABLE_STEPS 4095

/// Index of an entry in quantized tables.
static inline size_t tsr_step_place(size_t subquantizer, size_t entry) {
    return subquantizer / 4 * 64 + entry / 8 * 32 + subquantizer % 4 * 8 + entry % 8;
}

/// The float at a position in the order of all floats from minus to plus infinity.
static inline float tsr_ordered_float(uint32_t place) {
    uint32_t bits = place & 0x80000000u ? place ^ 0x80000000u : ~place;
    float value;
    __builtin_memcpy(&value, &bits, 4);
    return value;
}
static inline uint32_t tsr_float_place(float value) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

typedef struct {
    const char *name;
    size_t (*scan_pq4)(const tsr_list *, const uint8_t *, float, uint32_t *, float *);
    size_t (*scan_pq4_narrow)(const tsr_list *, const int16_t *, int16_t, int16_t, uint8_t, uint8_t *, uint32_t *,
                              float *);
    void (*quantize_tables)(const float *, size_t, int16_t *, float *, float *);
    void (*prepare_query)(const float *, const float *, size_t, float *, uint8_t *, float *, float *);
    void (*rank_centroids)(const tsr_centroids *, const uint8_t *, float, float, float *);
    void (*group_minima)(const float *, size_t, float *);
    size_t (*select_below)(const float *, size_t, float, uint32_t, uint32_t *, float *);
    size_t (*scan_pq8)(const tsr_list *, const float *, float, uint32_t *, float *);
    float (*l2_f32)(const float *, const float *, size_t);
    float (*dot_f32)(const float *, const float *, size_t);
    float (*l2_sq8)(const float *, const float *, const uint8_t *, size_t);
    float (*dot_sq8)(const float *, const uint8_t *, size_t);
    float (*l2_sq16)(const float *, const float *, const uint8_t *, const uint8_t *, size_t);
    float (*dot_sq16)(const float *, const uint8_t *, const uint8_t *, size_t);
    float (*l2_f16)(const float *, const uint8_t *, size_t);
    float (*dot_f16)(const float *, const uint8_t *, size_t);
    void (*pq_tables)(const float *, const float *, size_t, size_t, size_t, float *);
    uint32_t (*crc32c)(uint32_t, const uint8_t *, size_t);
    float (*least)(const float *, size_t);
    float (*nth_smallest)(const float *, size_t, size_t);
    void (*sort_keys)(const uint64_t *, size_t, size_t, uint64_t *);
    float (*dot_centroid)(const float *, const int8_t *, size_t);
    void (*rank_together)(const tsr_centroids *, const tsr_ranking *, size_t);
    void (*narrow_tables)(const int16_t *, size_t, int16_t, uint8_t *);
} tsr_kernel_table;

/// Table of an instruction set whose kernels have the names of their fields, except for the two
/// that rank centroids.
#define TSR_KERNELS(set, rank, together)                                                                              \
    {                                                                                                                 \
        .name = set, .scan_pq4 = scan_pq4, .scan_pq4_narrow = scan_pq4_narrow, .quantize_tables = quantize_tables,    \
        .prepare_query = prepare_query, .rank_centroids = rank, .group_minima = group_minima,                         \
        .select_below = select_below, .scan_pq8 = scan_pq8, .l2_f32 = l2_f32, .dot_f32 = dot_f32,                     \
        .l2_sq8 = l2_sq8, .dot_sq8 = dot_sq8, .l2_sq16 = l2_sq16, .dot_sq16 = dot_sq16,                               \
        .l2_f16 = l2_f16, .dot_f16 = dot_f16, .pq_tables = pq_tables, .crc32c = crc32c,                               \
        .nth_smallest = nth_smallest, .sort_keys = sort_keys, .dot_centroid = dot_centroid, .rank_together = together,\
        .narrow_tables = narrow_steps, .least = least,                                                                \
    }

extern const tsr_kernel_table tsr_scalar_kernels;
#if defined(__x86_64__)
extern const tsr_kernel_table tsr_avx2_kernels;
extern const tsr_kernel_table tsr_avx512_kernels;
#elif defined(__aarch64__)
extern const tsr_kernel_table tsr_neon_kernels;
extern const tsr_kernel_table tsr_dotprod_kernels;
#endif

#endif
