// Kernels for AVX2 machines.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "kernel_table.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,f16c,sse4.2"))), apply_to = function)
#include "x86_common.h"

// 16-bit sums of 32 byte look-ups a step: `low` gathers whole words (even bytes plus 256 times the odd ones, modulo
// 2^16), `high` the odd bytes; the even sums are what is left when the odd ones are taken off again.
static size_t scan_pq4(const tsr_list *list, const uint8_t *tables, float threshold,
                       uint32_t *rows, float *distances) {
    const __m256i nibble = _mm256_set1_epi8(15);
    size_t found = 0, pairs = list->subquantizers / 2;
    const uint8_t *block = list->blocks;
    for (size_t first = 0; first < list->count; first += TSR_BLOCK, block += list->block_stride) {
        __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();
        for (size_t p = 0; p < pairs; p++) {
            __m256i codes = _mm256_loadu_si256((const __m256i *)(block + p * TSR_BLOCK));
            __m256i even_table = _mm256_broadcastsi128_si256(
                _mm_loadu_si128((const __m128i *)(tables + p * 32)));
            __m256i odd_table = _mm256_broadcastsi128_si256(
                _mm_loadu_si128((const __m128i *)(tables + p * 32 + 16)));
            __m256i a = _mm256_shuffle_epi8(even_table, _mm256_and_si256(codes, nibble));
            __m256i b = _mm256_shuffle_epi8(
                odd_table, _mm256_and_si256(_mm256_srli_epi16(codes, 4), nibble));
            low = _mm256_add_epi16(low, _mm256_add_epi16(a, b));
            high = _mm256_add_epi16(
                high, _mm256_add_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8)));
        }
        low = _mm256_sub_epi16(low, _mm256_slli_epi16(high, 8));
        __m256i quarters02 = _mm256_unpacklo_epi16(low, high);
        __m256i quarters13 = _mm256_unpackhi_epi16(low, high);
        uint16_t sums[TSR_BLOCK];
        _mm256_storeu_si256((__m256i *)sums, _mm256_permute2x128_si256(quarters02, quarters13, 0x20));
        _mm256_storeu_si256((__m256i *)(sums + 16), _mm256_permute2x128_si256(quarters02, quarters13, 0x31));
        f32x32 values;
        for (int i = 0; i < 4; i++) {
            __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(sums + 8 * i)));
            __m256 part = _mm256_cvtepi32_ps(wide);
            __builtin_memcpy((float *)&values + 8 * i, &part, 32);
        }
        found = emit_block(list, first, list->table_step * values, block + pairs * TSR_BLOCK,
                           threshold, rows, distances, found);
    }
    return found;
}

const tsr_kernel_table tsr_avx2_kernels = {
    "avx2",  scan_pq4, scan_pq8, l2_f32, dot_f32, dot_f32_i8, l2_sq8,
    dot_sq8, l2_f16,   dot_f16,  pq_tables, crc32c,
};
#pragma clang attribute pop
#endif
