// Kernels of the search path. scalar.c defines them; every other instruction set gives the same
// bits.
//
// Floating-point kernels keep 32 partial sums: lane i adds the products of elements i, i + 32, i +
// 64, … in that order, without fused multiply-add. The lanes are then folded in halves (16, 8, 4,
// 2, 1). The fixed order makes answers the same on every machine.
#ifndef TESSERA_VECTOR_KERNELS_H
#define TESSERA_VECTOR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Vectors per block of codes.
#define TSR_BLOCK 32

/// One inverted list, with a query's distance terms for it.
typedef struct {
    /// `[ceil(count / 32)][block_stride]` bytes. A block holds its codes and, if `has_bias`, 32
    /// bias bytes. 4-bit codes: `[subquantizers / 2][32]`, the even subquantizer in the low nibble.
    /// 8-bit codes: `[subquantizers][32]`.
    const uint8_t *blocks;
    /// Blocks of the list scanned next, to prefetch; never read. May be null.
    const uint8_t *next_blocks;
    size_t block_stride;
    size_t count;
    size_t subquantizers;
    /// Row of the first vector in its shard.
    uint32_t first_row;
    int has_bias;
    /// distance = (base + table_step * sum of table entries) + bias_step * bias byte.
    float base;
    float table_step;
    float bias_step;
} tsr_list;

/// Writes the rows whose distance is at most `threshold`, in list order, and returns their number.
/// `rows` and `distances` have room for `list->count + 16`.
///
/// 4-bit codes: `tables` is `[subquantizers][16]` bytes; sums must fit 16 bits.
size_t tsr_scan_pq4(const tsr_list *list, const uint8_t *tables, float threshold,
                    uint32_t *rows, float *distances);
/// 4-bit codes, once a threshold is known: sums are saturating bytes, and only rows with a sum
/// within `limit` are written. distance = base + table_step * sum, where sum = the table entries,
/// rounded to steps of the list, plus the bias byte's part, `(bias * bias_factor + 128) >> 8`.
///
/// `tables` is as tsr_quantize_tables writes it; an entry's step is `(entry * factor + 0x4000) >>
/// 15`, at most 255. `scratch` has room for `32 * subquantizers + 64` bytes, `rows` and `distances`
/// for `list->count + 16`. Saturating byte sums are from André, Kermarrec, Le Scouarnec, "Cache
/// locality is not enough" (VLDB 2015), 4.
size_t tsr_scan_pq4_narrow(const tsr_list *list, const int16_t *tables, int16_t factor, int16_t bias_factor,
                           uint8_t limit, uint8_t *scratch, uint32_t *rows, float *distances);
/// Quantizes `tables` (`[subquantizers][16]`) to steps above each subquantizer's smallest entry, 0
/// to 4095, with one step size for all. The layout is `[ceil(subquantizers / 4)][2][4][8]`: for
/// four subquantizers entries 0 to 7 of each, then entries 8 to 15, so that packing to bytes puts
/// them in order. Missing subquantizers are zeros. `offset` receives the sum of the smallest
/// entries, `step` the step size. No entry may be NaN.
void tsr_quantize_tables(const float *tables, size_t subquantizers, int16_t *steps, float *offset, float *step);
/// Narrows the steps to bytes, `[subquantizers][16]`, each `(entry * factor + 0x4000) >> 15`, at
/// most 255.
void tsr_narrow_tables(const int16_t *steps, size_t subquantizers, int16_t factor, uint8_t *bytes);
/// 8-bit codes: `tables` is `[subquantizers][256]` floats; table_step is not used.
size_t tsr_scan_pq8(const tsr_list *list, const float *tables, float threshold,
                    uint32_t *rows, float *distances);

/// Squared Euclidean distance of `a` and `b`, `[n]` each.
float tsr_l2_f32(const float *a, const float *b, size_t n);
/// Inner product of `a` and `b`, `[n]` each.
float tsr_dot_f32(const float *a, const float *b, size_t n);
/// Squared distance of `shifted` to `step * row`, `[n]` each: a row of the 8-bit scalar quantizer,
/// whose minimum has been subtracted from the query.
float tsr_l2_sq8(const float *shifted, const float *step, const uint8_t *row, size_t n);
/// Inner product of `scaled` (query times step) and an 8-bit row, `[n]` each.
float tsr_dot_sq8(const float *scaled, const uint8_t *row, size_t n);
/// Squared distance and inner product with a row of IEEE 16-bit floats, `[n]`, any alignment.
float tsr_l2_f16(const float *query, const uint8_t *row, size_t n);
float tsr_dot_f16(const float *query, const uint8_t *row, size_t n);

/// Centroids in bytes, 16 side by side, so that one register holds 4 dimensions of each.
typedef struct {
    /// `[groups][words][16][4]`: dimensions 4w to 4w + 3 of 16 centroids, padded with zeros.
    const int8_t *codes;
    /// `[16 * groups]`: minus 128 times the sum of a centroid's bytes, which undoes the query's
    /// offset.
    const int32_t *corrections;
    /// `[16 * groups]`: added to each result; infinite for the centroids that pad the last group.
    const float *norms;
    size_t groups;
    size_t words;
} tsr_centroids;

/// Prepares a query for one shard: `shifted = query - origin`, `[n]`, and `bytes = round(shifted *
/// 127 / largest) + 128`, padded to a multiple of 4 with 128. `step` receives the size of one byte
/// step, `norm` the squared norm.
void tsr_prepare_query(const float *query, const float *origin, size_t n, float *shifted, uint8_t *bytes, float *step,
                       float *norm);

/// `out[c] = norms[c] + (constant + scale * <query - 128, codes[c]>)` for all `16 * groups`
/// centroids, with the product in integers. `query` is `[4 * words]`.
void tsr_rank_centroids(const tsr_centroids *centroids, const uint8_t *query, float scale, float constant, float *out);
/// Arguments of tsr_rank_centroids for one query.
typedef struct {
    const uint8_t *query;
    float scale;
    float constant;
    float *out;
} tsr_ranking;
/// tsr_rank_centroids for each of `count` queries, with the same bits; one load of a centroid
/// serves several queries.
void tsr_rank_together(const tsr_centroids *centroids, const tsr_ranking *queries, size_t count);
/// The smallest of each 16 values: `[groups]` of `[16 * groups]`. No value may be NaN. Of zeros
/// with different signs, either may be returned.
void tsr_group_minima(const float *values, size_t groups, float *minima);
/// Selects the values that are at most `threshold`, in order, with their indices plus `first`.
/// Returns their number. Both outputs have room for `count + 16`.
size_t tsr_select_below(const float *values, size_t count, float threshold, uint32_t first, uint32_t *indices,
                        float *selected);

/// The smallest of the `values`, ignoring NaN; infinity if there is none.
float tsr_least(const float *values, size_t count);
/// The `wanted`-th smallest of the `values`, ignoring NaN; infinity if there are fewer. `wanted` is
/// at least 1.
float tsr_nth_smallest(const float *values, size_t count, size_t wanted);
/// Writes the `wanted` smallest of the `keys`, which all differ, in ascending order. Takes
/// O(count^2) time, so it is meant for a few hundred keys.
void tsr_sort_keys(const uint64_t *keys, size_t count, size_t wanted, uint64_t *sorted);
/// Inner product of floats with a centroid's bytes in the layout of tsr_centroids, four dimensions
/// per 64 bytes; summed in the order of tsr_dot_f32.
float tsr_dot_centroid(const float *query, const int8_t *codes, size_t n);

/// Squared distance of `shifted` to `step * (256 * high + low)`, `[n]` each: a row of the 16-bit
/// scalar quantizer in two planes.
float tsr_l2_sq16(const float *shifted, const float *step, const uint8_t *high, const uint8_t *low, size_t n);
/// Inner product of `scaled` and `256 * high + low`.
float tsr_dot_sq16(const float *scaled, const uint8_t *high, const uint8_t *low, size_t n);

/// A stored refine row with the query and its shard's steps; `low` only for 16-bit rows.
typedef struct {
    const float *shifted;
    const float *step;
    const uint8_t *high;
    const uint8_t *low;
} tsr_stored_row;
/// tsr_l2_sq8 of each of `count` rows, by their upper bytes, and tsr_l2_sq16 of each.
void tsr_l2_sq8_rows(const tsr_stored_row *rows, size_t count, size_t n, float *distances);
void tsr_l2_sq16_rows(const tsr_stored_row *rows, size_t count, size_t n, float *distances);

/// Prefetches `count` bytes.
static inline void tsr_prefetch(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i += 64) __builtin_prefetch((const char *)bytes + i);
}
/// Prefetches `count` bytes at each of the `places`.
static inline void tsr_prefetch_each(const uint8_t *const *places, size_t number, size_t count) {
    for (size_t i = 0; i < number; i++) tsr_prefetch(places[i], count);
}

/// Inner products of a query with every codebook entry: `tables[m][k] = <query_m,
/// codebooks[m][k]>`. `codebooks` is transposed to `[subquantizers][subdimension][centroids]`; each
/// sum runs in ascending order of dimension.
void tsr_pq_tables(const float *query, const float *codebooks, size_t subquantizers,
                   size_t subdimension, size_t centroids, float *tables);

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4). Start with 0; pass the result back in to continue.
uint32_t tsr_crc32c(uint32_t crc, const uint8_t *bytes, size_t count);

/// Makes the allocator return freed memory of at least `threshold` bytes to the system immediately,
/// whatever was freed before.
void tsr_return_large_memory(size_t threshold);

/// The instruction set in use: "avx512" or "avx2", "dotprod" or "neon" on 64-bit ARM, or "scalar".
/// Selected once; `TESSERA_ISA` can select a slower one.
const char *tsr_isa_name(void);
/// Uses the named instruction set from now on, for tests. Returns 0 if the machine lacks it. Not
/// thread-safe.
int tsr_isa_force(const char *name);
/// The machine's instruction sets, fastest at place 0 and "scalar" last; null beyond that.
const char *tsr_isa_at(size_t place);

#endif
