// Kernels for AVX2.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "kernel_table.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,f16c,sse4.2"))), apply_to = function)
#include "x86_common.h"

// Adds 32 table entries per step in 16-bit sums. `low` adds whole words (even bytes plus 256 times
// the odd ones, modulo 2^16), `high` the odd bytes alone; subtracting 256 times the odd sums at the
// end leaves the even sums.
static size_t scan_pq4(const tsr_list *list, const uint8_t *tables, float threshold,
                       uint32_t *rows, float *distances) {
    const __m256i nibble = _mm256_set1_epi8(15);
    size_t found = 0, pairs = list->subquantizers / 2;
    const uint8_t *block = list->blocks, *end = block + (list->count + 31) / 32 * list->block_stride;
    for (size_t first = 0; first < list->count; first += TSR_BLOCK, block += list->block_stride) {
        prefetch_ahead(list, block, end);
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

static size_t scan_pq4_narrow(const tsr_list *list, const int16_t *tables, int16_t factor, int16_t bias_factor,
                              uint8_t limit, uint8_t *scratch, uint32_t *rows, float *distances) {
    const __m256i nibble = _mm256_set1_epi8(15), most = _mm256_set1_epi8((char)limit);
    const __m256i bias_factors = _mm256_set1_epi16(bias_factor);
    size_t found = 0, pairs = list->subquantizers / 2;
    const uint8_t *block = list->blocks, *end = block + (list->count + 31) / 32 * list->block_stride;
    narrow_steps(tables, list->subquantizers, factor, scratch);
    for (size_t first = 0; first < list->count; first += TSR_BLOCK, block += list->block_stride) {
        prefetch_ahead(list, block, end);
        __m256i sum = list->has_bias ? narrowed_bias(block + pairs * TSR_BLOCK, bias_factors) : _mm256_setzero_si256();
        // Two accumulators, since each addition would wait for the one before.
        __m256i other = _mm256_setzero_si256();
        for (size_t p = 0; p < pairs; p++) {
            __m256i codes = _mm256_loadu_si256((const __m256i *)(block + p * TSR_BLOCK));
            __m256i even = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(scratch + p * 32)));
            __m256i odd = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(scratch + p * 32 + 16)));
            sum = _mm256_adds_epu8(sum, _mm256_shuffle_epi8(even, _mm256_and_si256(codes, nibble)));
            codes = _mm256_and_si256(_mm256_srli_epi16(codes, 4), nibble);
            other = _mm256_adds_epu8(other, _mm256_shuffle_epi8(odd, codes));
        }
        sum = _mm256_adds_epu8(sum, other);
        uint32_t mask = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(sum, most), sum));
        if (list->count - first < TSR_BLOCK) mask &= (1u << (list->count - first)) - 1;
        uint8_t sums[TSR_BLOCK];
        if (mask) _mm256_storeu_si256((__m256i *)sums, sum);
        for (; mask; mask &= mask - 1) {
            uint32_t lane = (uint32_t)__builtin_ctz(mask);
            rows[found] = list->first_row + (uint32_t)first + lane;
            distances[found++] = list->base + list->table_step * (float)sums[lane];
        }
    }
    return found;
}

// Signed 16-bit products, since sums of byte products in pairs could overflow 16 bits. Two sums per
// centroid, added at the end.
static void rank_centroids(const tsr_centroids *centroids, const uint8_t *query, float scale, float constant,
                           float *out) {
    const int8_t *codes = centroids->codes;
    for (size_t c = 0; c < 16 * centroids->groups; c += 16) {
        __m256i sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                           _mm256_setzero_si256()};
        for (size_t w = 0; w < centroids->words; w++, codes += 64) {
            int32_t four;
            __builtin_memcpy(&four, query + 4 * w, 4);
            __m256i wanted = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
            for (int i = 0; i < 4; i++) {
                __m256i part = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(codes + 16 * i)));
                sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(part, wanted));
            }
        }
        for (int i = 0; i < 2; i++) {
            __m256i eight = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums[2 * i], sums[2 * i + 1]), 0xD8);
            size_t at = c + 8 * (size_t)i;
            eight = _mm256_add_epi32(eight, _mm256_loadu_si256((const __m256i *)(centroids->corrections + at)));
            __m256 scaled = _mm256_mul_ps(_mm256_set1_ps(scale), _mm256_cvtepi32_ps(eight));
            scaled = _mm256_add_ps(_mm256_set1_ps(constant), scaled);
            _mm256_storeu_ps(out + at, _mm256_add_ps(_mm256_loadu_ps(centroids->norms + at), scaled));
        }
    }
}

static void rank_together(const tsr_centroids *centroids, const tsr_ranking *queries, size_t count) {
    for (size_t i = 0; i < count; i++)
        rank_centroids(centroids, queries[i].query, queries[i].scale, queries[i].constant, queries[i].out);
}

static void quantize_tables(const float *tables, size_t subquantizers, int16_t *steps, float *offset, float *step) {
    float sum = 0, widest = 0;
    for (size_t m = 0; m < subquantizers; m++) {
        float low = _mm256_cvtss_f32(smallest_of_16(tables + 16 * m));
        float high = _mm256_cvtss_f32(largest_of_16(tables + 16 * m));
        sum += low;
        widest = high - low > widest ? high - low : widest;
    }
    *offset = sum;
    *step = widest > 0 ? widest / TSR_TABLE_STEPS : 1;
    for (size_t m = subquantizers; m % 4; m++)
        for (size_t k = 0; k < 16; k++) steps[tsr_step_place(m, k)] = 0;
    float inverse = 1.0f / *step;
    inverse = inverse < __FLT_MAX__ ? inverse : __FLT_MAX__;
    const __m256 factor = _mm256_set1_ps(inverse), most = _mm256_set1_ps(TSR_TABLE_STEPS);
    for (size_t m = 0; m < subquantizers; m++) {
        __m256 low = smallest_of_16(tables + 16 * m);
        __m256 a = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(tables + 16 * m), low), factor);
        __m256 b = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(tables + 16 * m + 8), low), factor);
        __m256i both = _mm256_packs_epi32(_mm256_cvtps_epi32(_mm256_min_ps(a, most)),
                                          _mm256_cvtps_epi32(_mm256_min_ps(b, most)));
        both = _mm256_permute4x64_epi64(both, 0xD8);
        int16_t *place = steps + tsr_step_place(m, 0);
        _mm_storeu_si128((__m128i *)place, _mm256_castsi256_si128(both));
        _mm_storeu_si128((__m128i *)(place + 32), _mm256_extracti128_si256(both, 1));
    }
}

static size_t select_below(const float *values, size_t count, float threshold, uint32_t first, uint32_t *indices,
                           float *selected) {
    size_t found = 0;
    const __m256 most = _mm256_set1_ps(threshold);
    for (size_t i = 0; i < count; i += 8) {
        float eight[8];
        size_t left = count - i < 8 ? count - i : 8;
        __builtin_memcpy(eight, values + i, left * sizeof(float));
        uint32_t mask = (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(eight), most, _CMP_LE_OQ));
        for (mask &= (1u << left) - 1; mask; mask &= mask - 1) {
            uint32_t lane = (uint32_t)__builtin_ctz(mask);
            indices[found] = first + (uint32_t)i + lane;
            selected[found++] = eight[lane];
        }
    }
    return found;
}

const tsr_kernel_table tsr_avx2_kernels = TSR_KERNELS("avx2", rank_centroids, rank_together);
#pragma clang attribute pop
#endif
