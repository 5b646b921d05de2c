// Kernels of the search path. scalar.c is the definition; every other ISA gives the same bits.
//
// Floating-point kernels keep 32 partial sums: lane i adds the products of elements i, i + 32, i + 64, …
// in that order, without fused multiply-add; lanes are then folded in halves (16, 8, 4, 2, 1). A fixed order is what
// makes an answer the same on every machine.
#ifndef TESSERA_VECTOR_KERNELS_H
#define TESSERA_VECTOR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Vectors in a block of codes.
#define TSR_BLOCK 32

/// One inverted list and what a query knows about it.
typedef struct {
    /// `[ceil(count / 32)][block_stride]` bytes. A block holds its codes and, where `has_bias`, 32 bias bytes.
    /// 4-bit codes: `[subquantizers / 2][32]`, the even subquantizer in the low nibble. 8-bit: `[subquantizers][32]`.
    const uint8_t *blocks;
    /// What will be scanned next, fetched into the cache on the way; never read. May be null.
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

/// Rows whose distance is at most `threshold`, in list order. `rows` and `distances` have room for `list->count + 16`.
/// Returns how many were written.
///
/// 4 bits: `tables` is `[subquantizers][16]` bytes; sums must fit 16 bits.
size_t tsr_scan_pq4(const tsr_list *list, const uint8_t *tables, float threshold,
                    uint32_t *rows, float *distances);
/// 4 bits, once a threshold is known: sums are bytes that saturate, and only what is within `limit` has a distance:
/// distance = base + table_step * sum, where sum = the table entries, rounded to steps of the list, and the bias byte's
/// share, `(bias * bias_factor + 128) >> 8`.
///
/// `tables` is as tsr_quantize_tables makes them; an entry's step is
/// `(entry * factor + 0x4000) >> 15`, at most 255. `scratch` has room for `32 * subquantizers + 64` bytes; `rows` and
/// `distances` for `list->count + 16`. Source of the saturating byte sums: André, Kermarrec, Le Scouarnec, "Cache locality
/// is not enough" (VLDB 2015), 4.
size_t tsr_scan_pq4_narrow(const tsr_list *list, const int16_t *tables, int16_t factor, int16_t bias_factor,
                           uint8_t limit, uint8_t *scratch, uint32_t *rows, float *distances);
/// Writes `tables` (`[subquantizers][16]`) as steps above each subquantizer's smallest entry, 0 to 4095, one step for all,
/// in the order in which packing them to bytes sorts them: `[ceil(subquantizers / 4)][2][4][8]`, for four subquantizers
/// first entries 0 to 7 of each, then 8 to 15. Missing subquantizers are zeros.
/// `offset` gets the sum of the smallest entries, `step` what one step is worth. No entry is NaN.
void tsr_quantize_tables(const float *tables, size_t subquantizers, int16_t *steps, float *offset, float *step);
/// The same steps as bytes, `[subquantizers][16]`, each `(entry * factor + 0x4000) >> 15`, at most 255.
void tsr_narrow_tables(const int16_t *steps, size_t subquantizers, int16_t factor, uint8_t *bytes);
/// 8 bits: `tables` is `[subquantizers][256]` floats; table_step is not used.
size_t tsr_scan_pq8(const tsr_list *list, const float *tables, float threshold,
                    uint32_t *rows, float *distances);

/// Squared Euclidean distance of `a` and `b`, `[n]` each.
float tsr_l2_f32(const float *a, const float *b, size_t n);
/// Inner product of `a` and `b`, `[n]` each.
float tsr_dot_f32(const float *a, const float *b, size_t n);
/// Squared distance of `shifted` to `step * row`, `[n]` each: 8-bit scalar quantizer with its minimum taken off the query.
float tsr_l2_sq8(const float *shifted, const float *step, const uint8_t *row, size_t n);
/// Inner product of `scaled` (query times step) and an 8-bit row, `[n]` each.
float tsr_dot_sq8(const float *scaled, const uint8_t *row, size_t n);
/// Squared distance and inner product with a row of IEEE half floats, `[n]`, any alignment.
float tsr_l2_f16(const float *query, const uint8_t *row, size_t n);
float tsr_dot_f16(const float *query, const uint8_t *row, size_t n);

/// Centroids in bytes, 16 side by side, so that one register holds 4 dimensions of each.
typedef struct {
    /// `[groups][words][16][4]`: dimensions 4w to 4w + 3 of 16 centroids, filled up with zeros.
    const int8_t *codes;
    /// `[16 * groups]`: minus 128 times the sum of a centroid's bytes, which undoes the query's offset.
    const int32_t *corrections;
    /// `[16 * groups]`: added to each result; infinite for the centroids that fill up the last group.
    const float *norms;
    size_t groups;
    size_t words;
} tsr_centroids;

/// Makes a query ready for one shard: `shifted = query - origin`, and `bytes = round(shifted * 127 / largest) + 128`,
/// filled up to a multiple of 4 with 128. `[n]` each. `step` gets what one byte step is worth, `norm` the squared norm.
void tsr_prepare_query(const float *query, const float *origin, size_t n, float *shifted, uint8_t *bytes, float *step,
                       float *norm);

/// `out[c] = norms[c] + (constant + scale * <query - 128, codes[c]>)` for all `16 * groups` centroids; the product in
/// integers. `query` is `[4 * words]`.
void tsr_rank_centroids(const tsr_centroids *centroids, const uint8_t *query, float scale, float constant, float *out);
/// One query ranking centroids: the arguments of tsr_rank_centroids.
typedef struct {
    const uint8_t *query;
    float scale;
    float constant;
    float *out;
} tsr_ranking;
/// tsr_rank_centroids for each of `count` queries, with the same bits; each centroid is fetched once for several of them.
void tsr_rank_together(const tsr_centroids *centroids, const tsr_ranking *queries, size_t count);
/// The smallest of each 16 values: `[groups]` of `[16 * groups]`. None is NaN; which of two zeros it is, is not defined.
void tsr_group_minima(const float *values, size_t groups, float *minima);
/// Values at most `threshold`, with their indices plus `first`, in order; both outputs have room for `count + 16`. Returns how many.
size_t tsr_select_below(const float *values, size_t count, float threshold, uint32_t first, uint32_t *indices,
                        float *selected);

/// The smallest of the `values`, infinity where there is none. Values that are not a number count as none.
float tsr_least(const float *values, size_t count);
/// The smallest number that at least `wanted` of the `values` are at most; infinity where there is none. Values that are not a
/// number count as none. `wanted` is at least 1.
float tsr_nth_smallest(const float *values, size_t count, size_t wanted);
/// The `wanted` smallest of the `keys`, which all differ, in ascending order. Takes `count * count` steps: for a few hundred at most.
void tsr_sort_keys(const uint64_t *keys, size_t count, size_t wanted, uint64_t *sorted);
/// Inner product of floats with a centroid's bytes where tsr_centroids has them, four dimensions each 64 bytes; summed as tsr_dot_f32 sums.
float tsr_dot_centroid(const float *query, const int8_t *codes, size_t n);

/// Squared distance of `shifted` to `step * (256 * high + low)`, `[n]` each: the 16-bit scalar quantizer in two planes.
float tsr_l2_sq16(const float *shifted, const float *step, const uint8_t *high, const uint8_t *low, size_t n);
/// Inner product of `scaled` and `256 * high + low`.
float tsr_dot_sq16(const float *scaled, const uint8_t *high, const uint8_t *low, size_t n);

/// A stored refine row, and the query and the steps of its shard; `low` only where rows have 16 bits.
typedef struct {
    const float *shifted;
    const float *step;
    const uint8_t *high;
    const uint8_t *low;
} tsr_stored_row;
/// tsr_l2_sq8 of each of `count` rows, by their upper bytes, and tsr_l2_sq16 of each.
void tsr_l2_sq8_rows(const tsr_stored_row *rows, size_t count, size_t n, float *distances);
void tsr_l2_sq16_rows(const tsr_stored_row *rows, size_t count, size_t n, float *distances);

/// Asks for `count` bytes to be brought into the cache.
static inline void tsr_prefetch(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i += 64) __builtin_prefetch((const char *)bytes + i);
}
/// The same from each of the `places` on.
static inline void tsr_prefetch_each(const uint8_t *const *places, size_t number, size_t count) {
    for (size_t i = 0; i < number; i++) tsr_prefetch(places[i], count);
}

/// Inner products of a query with every codebook entry: `tables[m][k] = <query_m, codebooks[m][k]>`.
/// `codebooks` is transposed to `[subquantizers][subdimension][centroids]`; the sum over a subdimension runs upwards.
void tsr_pq_tables(const float *query, const float *codebooks, size_t subquantizers,
                   size_t subdimension, size_t centroids, float *tables);

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4). Start with 0; feed the result back in to go on.
uint32_t tsr_crc32c(uint32_t crc, const uint8_t *bytes, size_t count);

/// Memory of at least `threshold` bytes goes back to the system when it is freed, whatever was freed before.
void tsr_return_large_memory(size_t threshold);

/// The instruction set in use: "avx512" or "avx2", "dotprod" or "neon" on 64-bit ARM, or "scalar". Chosen once;
/// `TESSERA_ISA` asks for a lower one.
const char *tsr_isa_name(void);
/// Uses the named instruction set from here on, for tests. Returns 0 where the machine lacks it. Not thread-safe.
int tsr_isa_force(const char *name);
/// The instruction sets this machine has, the best at place 0 and "scalar" last; null after that.
const char *tsr_isa_at(size_t place);

#endif
