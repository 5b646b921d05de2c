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

/// Rows whose distance is at most `threshold`, in list order. `rows` and `distances` have room for `list->count`.
/// Returns how many were written.
///
/// 4 bits: `tables` is `[subquantizers][16]` bytes; sums must fit 16 bits.
size_t tsr_scan_pq4(const tsr_list *list, const uint8_t *tables, float threshold,
                    uint32_t *rows, float *distances);
/// 8 bits: `tables` is `[subquantizers][256]` floats; table_step is not used.
size_t tsr_scan_pq8(const tsr_list *list, const float *tables, float threshold,
                    uint32_t *rows, float *distances);

/// Squared Euclidean distance of `a` and `b`, `[n]` each.
float tsr_l2_f32(const float *a, const float *b, size_t n);
/// Inner product of `a` and `b`, `[n]` each.
float tsr_dot_f32(const float *a, const float *b, size_t n);
/// Inner product of floats and signed bytes, `[n]` each.
float tsr_dot_f32_i8(const float *a, const int8_t *b, size_t n);
/// Squared distance of `shifted` to `step * row`, `[n]` each: 8-bit scalar quantizer with its minimum taken off the query.
float tsr_l2_sq8(const float *shifted, const float *step, const uint8_t *row, size_t n);
/// Inner product of `scaled` (query times step) and an 8-bit row, `[n]` each.
float tsr_dot_sq8(const float *scaled, const uint8_t *row, size_t n);
/// Squared distance and inner product with a row of IEEE half floats, `[n]`, any alignment.
float tsr_l2_f16(const float *query, const uint8_t *row, size_t n);
float tsr_dot_f16(const float *query, const uint8_t *row, size_t n);

/// Inner products of a query with every codebook entry: `tables[m][k] = <query_m, codebooks[m][k]>`.
/// `codebooks` is transposed to `[subquantizers][subdimension][centroids]`; the sum over a subdimension runs upwards.
void tsr_pq_tables(const float *query, const float *codebooks, size_t subquantizers,
                   size_t subdimension, size_t centroids, float *tables);

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4). Start with 0; feed the result back in to go on.
uint32_t tsr_crc32c(uint32_t crc, const uint8_t *bytes, size_t count);

/// The instruction set in use: "avx512", "avx2" or "scalar". Chosen once; `TESSERA_ISA` asks for a lower one.
const char *tsr_isa_name(void);
/// Uses the named instruction set from here on, for tests. Returns 0 where the machine lacks it. Not thread-safe.
int tsr_isa_force(const char *name);

#endif
