// Kernels for AVX-512 machines (F, BW, VL, DQ).
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "kernel_table.h"

#include <immintrin.h>

#pragma clang attribute push(                                                                  \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,f16c,sse4.2"))), apply_to = function)
#include "x86_common.h"

// Two pairs of subquantizers a step: the lower half of each register works on pair p, the upper on pair p + 1.
// The 16-bit sums are kept as in avx2.c and the halves added at the end.
static size_t scan_pq4(const tsr_list *list, const uint8_t *tables, float threshold,
                       uint32_t *rows, float *distances) {
    const __m512i nibble = _mm512_set1_epi8(15);
    size_t found = 0, pairs = list->subquantizers / 2;
    const uint8_t *block = list->blocks;
    for (size_t first = 0; first < list->count; first += TSR_BLOCK, block += list->block_stride) {
        __m512i low = _mm512_setzero_si512(), high = _mm512_setzero_si512();
        for (size_t p = 0; p < pairs; p += 2) {
            // An odd pair at the end reads its own half alone: the missing half looks up zeros.
            __mmask8 there = p + 1 < pairs ? 0xff : 0x0f;
            __m512i codes = _mm512_maskz_loadu_epi64(there, block + p * TSR_BLOCK);
            __m512i four = _mm512_maskz_loadu_epi64(there, tables + p * 32);
            __m512i a = _mm512_shuffle_epi8(_mm512_shuffle_i64x2(four, four, 0xA0),
                                            _mm512_and_si512(codes, nibble));
            __m512i b = _mm512_shuffle_epi8(_mm512_shuffle_i64x2(four, four, 0xF5),
                                            _mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble));
            low = _mm512_add_epi16(low, _mm512_add_epi16(a, b));
            high = _mm512_add_epi16(
                high, _mm512_add_epi16(_mm512_srli_epi16(a, 8), _mm512_srli_epi16(b, 8)));
        }
        low = _mm512_sub_epi16(low, _mm512_slli_epi16(high, 8));
        __m256i even = _mm256_add_epi16(_mm512_castsi512_si256(low), _mm512_extracti64x4_epi64(low, 1));
        __m256i odd = _mm256_add_epi16(_mm512_castsi512_si256(high), _mm512_extracti64x4_epi64(high, 1));
        __m256i quarters02 = _mm256_unpacklo_epi16(even, odd);
        __m256i quarters13 = _mm256_unpackhi_epi16(even, odd);
        f32x32 values;
        __m512 lower = _mm512_cvtepi32_ps(
            _mm512_cvtepu16_epi32(_mm256_permute2x128_si256(quarters02, quarters13, 0x20)));
        __m512 upper = _mm512_cvtepi32_ps(
            _mm512_cvtepu16_epi32(_mm256_permute2x128_si256(quarters02, quarters13, 0x31)));
        __builtin_memcpy(&values, &lower, 64);
        __builtin_memcpy((float *)&values + 16, &upper, 64);
        found = emit_block(list, first, list->table_step * values, block + pairs * TSR_BLOCK,
                           threshold, rows, distances, found);
    }
    return found;
}

const tsr_kernel_table tsr_avx512_kernels = {
    "avx512", scan_pq4, scan_pq8, l2_f32, dot_f32, dot_f32_i8, l2_sq8,
    dot_sq8,  l2_f16,   dot_f16,  pq_tables, crc32c,
};
#pragma clang attribute pop
#endif
