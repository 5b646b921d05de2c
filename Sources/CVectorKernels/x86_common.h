// Shared by both x86 instruction sets: the operations lanes.h needs, and kernels of AVX2
// instructions. Included inside a `#pragma clang attribute push(target)` region.

#define INLINE static inline __attribute__((always_inline))

// The smallest and largest of 16 values, in each of eight lanes.
INLINE __m256 smallest_of_16(const float *values) {
    __m256 v = _mm256_min_ps(_mm256_loadu_ps(values), _mm256_loadu_ps(values + 8));
    v = _mm256_min_ps(v, _mm256_permute2f128_ps(v, v, 1));
    v = _mm256_min_ps(v, _mm256_shuffle_ps(v, v, 0x4E));
    return _mm256_min_ps(v, _mm256_shuffle_ps(v, v, 0xB1));
}
INLINE __m256 largest_of_16(const float *values) {
    __m256 v = _mm256_max_ps(_mm256_loadu_ps(values), _mm256_loadu_ps(values + 8));
    v = _mm256_max_ps(v, _mm256_permute2f128_ps(v, v, 1));
    v = _mm256_max_ps(v, _mm256_shuffle_ps(v, v, 0x4E));
    return _mm256_max_ps(v, _mm256_shuffle_ps(v, v, 0xB1));
}

INLINE float largest_of_32(const float *values) {
    return _mm256_cvtss_f32(_mm256_max_ps(largest_of_16(values), largest_of_16(values + 16)));
}
INLINE void widen_halves(const uint8_t *bytes, float *values) {
    for (int i = 0; i < 4; i++)
        _mm256_storeu_ps(values + 8 * i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(bytes + 16 * i))));
}
INLINE uint32_t lanes_within(const float *values, float threshold) {
    uint32_t mask = 0;
    for (int i = 0; i < 4; i++) {
        __m256 within = _mm256_cmp_ps(_mm256_loadu_ps(values + 8 * i), _mm256_set1_ps(threshold), _CMP_LE_OQ);
        mask |= (uint32_t)_mm256_movemask_ps(within) << (8 * i);
    }
    return mask;
}
#ifndef NUMBER_WITHIN
// The number of 16 values that are at most `most`, and of 8 keys that are smaller than `key`.
INLINE uint32_t number_within(const float *values, float most) {
    const __m256 limit = _mm256_set1_ps(most);
    int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(values), limit, _CMP_LE_OQ));
    int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(values + 8), limit, _CMP_LE_OQ));
    return (uint32_t)__builtin_popcount((unsigned)(low | high << 8));
}
INLINE uint32_t number_below(const uint64_t *keys, uint64_t key) {
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN), limit = _mm256_set1_epi64x((int64_t)(key ^ (uint64_t)INT64_MIN));
    __m256i low = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)keys), sign);
    __m256i high = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(keys + 4)), sign);
    int first = _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(limit, low)));
    int last = _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(limit, high)));
    return (uint32_t)__builtin_popcount((unsigned)(first | last << 4));
}
#endif
#include "lanes.h"

static void group_minima(const float *values, size_t groups, float *minima) {
    for (size_t g = 0; g < groups; g++) minima[g] = _mm256_cvtss_f32(smallest_of_16(values + 16 * g));
}

// A block's bias bytes in units of the list's steps.
INLINE __m256i narrowed_bias(const uint8_t *bias, __m256i factor) {
    __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)bias));
    __m256i b = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(bias + 16)));
    a = _mm256_mulhrs_epi16(_mm256_slli_epi16(a, 7), factor);
    b = _mm256_mulhrs_epi16(_mm256_slli_epi16(b, 7), factor);
    return _mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xD8);
}

static void narrow_steps(const int16_t *steps, size_t subquantizers, int16_t factor, uint8_t *bytes) {
    const __m256i factors = _mm256_set1_epi16(factor);
    for (size_t m = 0; m < subquantizers; m += 2, bytes += 32) {
        const int16_t *pair = steps + m / 4 * 64 + m % 4 * 8;
        __m256i first = _mm256_mulhrs_epi16(_mm256_loadu_si256((const __m256i *)pair), factors);
        __m256i last = _mm256_mulhrs_epi16(_mm256_loadu_si256((const __m256i *)(pair + 32)), factors);
        _mm256_storeu_si256((__m256i *)bytes, _mm256_packus_epi16(first, last));
    }
}

static uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t count) {
    uint64_t sum = ~crc;
    for (; count >= 8; count -= 8, bytes += 8) {
        uint64_t word;
        __builtin_memcpy(&word, bytes, 8);
        sum = _mm_crc32_u64(sum, word);
    }
    for (; count > 0; count--, bytes++) sum = _mm_crc32_u8((uint32_t)sum, *bytes);
    return ~(uint32_t)sum;
}

static size_t scan_pq8(const tsr_list *list, const float *tables, float threshold,
                       uint32_t *rows, float *distances) {
    size_t found = 0;
    const uint8_t *block = list->blocks;
    for (size_t first = 0; first < list->count; first += TSR_BLOCK, block += list->block_stride) {
        __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
        for (size_t m = 0; m < list->subquantizers; m++)
            for (int i = 0; i < 4; i++) {
                __m128i codes = _mm_loadl_epi64((const __m128i *)(block + m * TSR_BLOCK + 8 * i));
                __m256 entries = _mm256_i32gather_ps(tables + m * 256, _mm256_cvtepu8_epi32(codes), 4);
                sums[i] = _mm256_add_ps(sums[i], entries);
            }
        f32x32 all;
        __builtin_memcpy(&all, sums, sizeof all);
        found = emit_block(list, first, all, block + list->subquantizers * TSR_BLOCK, threshold,
                           rows, distances, found);
    }
    return found;
}
