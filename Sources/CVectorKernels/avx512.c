// Kernels for AVX-512 (F, BW, VL, DQ, VNNI).
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "kernel_table.h"

#include <immintrin.h>

#pragma clang attribute push(                                                                  \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,f16c,sse4.2"))), apply_to = function)
// Mask registers do better here than the AVX2 version in x86_common.h.
#define NUMBER_WITHIN
static inline __attribute__((always_inline)) uint32_t number_within(const float *values, float most) {
    __mmask16 mask = _mm512_cmp_ps_mask(_mm512_loadu_ps(values), _mm512_set1_ps(most), _CMP_LE_OQ);
    return (uint32_t)__builtin_popcount(mask);
}
static inline __attribute__((always_inline)) uint32_t number_below(const uint64_t *keys, uint64_t key) {
    __mmask8 mask = _mm512_cmplt_epu64_mask(_mm512_loadu_si512(keys), _mm512_set1_epi64((int64_t)key));
    return (uint32_t)__builtin_popcount(mask);
}
#include "x86_common.h"

// Appends the lanes set in `mask`.
INLINE size_t emit_lanes(const tsr_list *list, size_t first, __m512 values, __mmask16 mask, uint32_t *rows,
                         float *distances, size_t found) {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i places = _mm512_add_epi32(lanes, _mm512_set1_epi32((int)(list->first_row + (uint32_t)first)));
    _mm512_storeu_ps(distances + found, _mm512_maskz_compress_ps(mask, values));
    _mm512_storeu_si512(rows + found, _mm512_maskz_compress_epi32(mask, places));
    return found + (size_t)__builtin_popcount(mask);
}

// Appends those of 16 vectors with 16-bit sums whose distance is within the threshold.
INLINE size_t emit_wide(const tsr_list *list, size_t first, __m256i sums, const uint8_t *bias, float threshold,
                        uint32_t *rows, float *distances, size_t found) {
    if (first >= list->count) return found;
    __m512 values = _mm512_mul_ps(_mm512_set1_ps(list->table_step), _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(sums)));
    values = _mm512_add_ps(_mm512_set1_ps(list->base), values);
    __m512 added = _mm512_setzero_ps();
    if (bias) {
        __m512i wide = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)bias));
        added = _mm512_mul_ps(_mm512_set1_ps(list->bias_step), _mm512_cvtepi32_ps(wide));
    }
    values = _mm512_add_ps(values, added);
    size_t left = list->count - first;
    __mmask16 there = left < 16 ? (__mmask16)((1u << left) - 1) : 0xffff;
    __mmask16 mask = _mm512_mask_cmp_ps_mask(there, values, _mm512_set1_ps(threshold), _CMP_LE_OQ);
    return emit_lanes(list, first, values, mask, rows, distances, found);
}

// Two pairs of subquantizers per step: the lower half of each register works on pair p, the upper
// on pair p + 1. The 16-bit sums are kept as in avx2.c, and the halves are added at the end.
static size_t scan_pq4(const tsr_list *list, const uint8_t *tables, float threshold,
                       uint32_t *rows, float *distances) {
    const __m512i nibble = _mm512_set1_epi8(15);
    size_t found = 0, pairs = list->subquantizers / 2;
    const uint8_t *block = list->blocks, *end = block + (list->count + 31) / 32 * list->block_stride;
    for (size_t first = 0; first < list->count; first += TSR_BLOCK, block += list->block_stride) {
        prefetch_ahead(list, block, end);
        __m512i low = _mm512_setzero_si512(), high = _mm512_setzero_si512();
        for (size_t p = 0; p < pairs; p += 2) {
            // A last single pair reads only its own half; the missing half looks up zeros.
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
        const uint8_t *bias = list->has_bias ? block + pairs * TSR_BLOCK : 0;
        found = emit_wide(list, first, _mm256_permute2x128_si256(quarters02, quarters13, 0x20), bias, threshold, rows,
                          distances, found);
        found = emit_wide(list, first + 16, _mm256_permute2x128_si256(quarters02, quarters13, 0x31),
                          bias ? bias + 16 : 0, threshold, rows, distances, found);
    }
    return found;
}

// Lays out a list's tables as the scan reads them: `[pairs / 2][2][64]`. For two pairs of
// subquantizers these are the tables of the low nibbles, each twice, then those of the high
// nibbles. A missing last pair looks up zeros.
static void narrow_tables(const int16_t *tables, size_t pairs, int16_t factor, uint8_t *bytes) {
    const __m512i factors = _mm512_set1_epi16(factor);
    for (size_t p = 0; p < pairs; p += 2, bytes += 128, tables += 64) {
        __m512i first = _mm512_mulhrs_epi16(_mm512_loadu_si512(tables), factors);
        __m512i last = _mm512_mulhrs_epi16(_mm512_loadu_si512(tables + 32), factors);
        __m512i four = _mm512_packus_epi16(first, last);
        _mm512_storeu_si512(bytes, _mm512_shuffle_i64x2(four, four, 0xA0));
        _mm512_storeu_si512(bytes + 64, _mm512_shuffle_i64x2(four, four, 0xF5));
    }
}

// Appends the lanes set in `mask`, with sums in bytes.
INLINE size_t emit_sums(const tsr_list *list, size_t first, __m128i sums, __mmask16 mask, uint32_t *rows,
                        float *distances, size_t found) {
    __m512 scaled = _mm512_mul_ps(_mm512_set1_ps(list->table_step), _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(sums)));
    return emit_lanes(list, first, _mm512_add_ps(_mm512_set1_ps(list->base), scaled), mask, rows, distances, found);
}

// Adds the table entries of four subquantizers' codes: 64 bytes of codes, tables as narrow_tables
// lays them out.
INLINE void add_four(__m512i codes, __m512i low, __m512i high, __m512i *even, __m512i *odd) {
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512i upper = _mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble);
    *even = _mm512_adds_epu8(*even, _mm512_shuffle_epi8(low, _mm512_and_si512(codes, nibble)));
    *odd = _mm512_adds_epu8(*odd, _mm512_shuffle_epi8(high, upper));
}

// Sums of `together` blocks (1 or 2), which share the loads of the tables. Prefetches as many
// blocks at `ahead` along the way: a separate prefetch loop takes a quarter of the scan's time. The
// lines are prefetched in ascending order: alternating between the two blocks made memory a fifth
// slower.
INLINE void sum_blocks(const uint8_t *block, size_t stride, size_t pairs, const uint8_t *tables, const uint8_t *ahead,
                       size_t together, __m256i *sums) {
    __m512i even[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()}, odd[2] = {even[0], even[0]};
    size_t p = 0;
    for (; p + 1 < pairs; p += 2) {
        __m512i low = _mm512_loadu_si512(tables + 64 * p), high = _mm512_loadu_si512(tables + 64 * p + 64);
        const uint8_t *lines = ahead + together * p * TSR_BLOCK;
        for (size_t i = 0; i < together; i++) {
            __builtin_prefetch(lines + 64 * i);
            add_four(_mm512_loadu_si512(block + i * stride + p * TSR_BLOCK), low, high, even + i, odd + i);
        }
    }
    if (p < pairs) {
        // A last single pair; its missing neighbour is zeros.
        __m512i low = _mm512_loadu_si512(tables + 64 * p), high = _mm512_loadu_si512(tables + 64 * p + 64);
        for (size_t i = 0; i < together; i++) {
            const __m256i *codes = (const __m256i *)(block + i * stride + p * TSR_BLOCK);
            add_four(_mm512_zextsi256_si512(_mm256_loadu_si256(codes)), low, high, even + i, odd + i);
        }
    }
    for (size_t i = 0; i < together; i++) {
        // The bias bytes may lie in a cache line of their own.
        __builtin_prefetch(ahead + together * pairs * TSR_BLOCK + 64 * i);
        __m512i both = _mm512_adds_epu8(even[i], odd[i]);
        sums[i] = _mm256_adds_epu8(_mm512_castsi512_si256(both), _mm512_extracti64x4_epi64(both, 1));
    }
}

static size_t scan_pq4_narrow(const tsr_list *list, const int16_t *tables, int16_t factor, int16_t bias_factor,
                              uint8_t limit, uint8_t *scratch, uint32_t *rows, float *distances) {
    const __m256i most = _mm256_set1_epi8((char)limit), bias_factors = _mm256_set1_epi16(bias_factor);
    size_t found = 0, pairs = list->subquantizers / 2, stride = list->block_stride;
    const uint8_t *block = list->blocks, *end = block + (list->count + 31) / 32 * stride;
    narrow_tables(tables, pairs, factor, scratch);
    for (size_t first = 0; first < list->count;) {
        __m256i sums[2];
        size_t together = list->count - first > TSR_BLOCK ? 2 : 1;
        const uint8_t *ahead = place_ahead(list, block, end);
        // The second of two blocks ahead may be the first of the next list.
        if (together == 2 && ahead + stride == end && list->next_blocks) prefetch_block(list->next_blocks, stride);
        if (together == 2) sum_blocks(block, stride, pairs, scratch, ahead, 2, sums);
        else sum_blocks(block, stride, pairs, scratch, ahead, 1, sums);
        for (size_t i = 0; i < together; i++, first += TSR_BLOCK, block += stride) {
            __m256i sum = sums[i];
            if (list->has_bias) sum = _mm256_adds_epu8(sum, narrowed_bias(block + pairs * TSR_BLOCK, bias_factors));
            __mmask32 mask = _mm256_cmple_epu8_mask(sum, most);
            if (list->count - first < TSR_BLOCK) mask &= (1u << (list->count - first)) - 1;
            if (!mask) continue;
            found = emit_sums(list, first, _mm256_castsi256_si128(sum), (__mmask16)mask, rows, distances, found);
            found = emit_sums(list, first + 16, _mm256_extracti128_si256(sum, 1), (__mmask16)(mask >> 16), rows, distances,
                              found);
        }
    }
    return found;
}

static void rank_centroids(const tsr_centroids *centroids, const uint8_t *query, float scale, float constant,
                           float *out) {
    size_t words = centroids->words, groups = centroids->groups;
    const int8_t *codes = centroids->codes;
    // Four groups per pass share each load of four query bytes.
    for (size_t g = 0; g < groups; g += 4, codes += 4 * 64 * words) {
        size_t together = groups - g < 4 ? groups - g : 4;
        __m512i sums[4];
        for (size_t i = 0; i < 4; i++)
            sums[i] = _mm512_loadu_si512(centroids->corrections + 16 * (i < together ? g + i : g));
        for (size_t w = 0; w < words; w++) {
            int32_t four;
            __builtin_memcpy(&four, query + 4 * w, 4);
            __m512i wanted = _mm512_set1_epi32(four);
            for (size_t i = 0; i < 4; i++)
                sums[i] = _mm512_dpbusd_epi32(
                    sums[i], wanted, _mm512_loadu_si512(codes + 64 * ((i < together ? i : 0) * words + w)));
        }
        for (size_t i = 0; i < together; i++) {
            __m512 scaled = _mm512_mul_ps(_mm512_set1_ps(scale), _mm512_cvtepi32_ps(sums[i]));
            scaled = _mm512_add_ps(_mm512_set1_ps(constant), scaled);
            size_t at = 16 * (g + i);
            _mm512_storeu_ps(out + at, _mm512_add_ps(_mm512_loadu_ps(centroids->norms + at), scaled));
        }
    }
}

// Four queries and four groups of centroids at a time: each load serves four products.
static void rank_four(const tsr_centroids *centroids, const tsr_ranking *queries) {
    size_t words = centroids->words, groups = centroids->groups;
    const int8_t *codes = centroids->codes;
    for (size_t g = 0; g < groups; g += 4, codes += 4 * 64 * words) {
        size_t together = groups - g < 4 ? groups - g : 4;
        const int8_t *part[4];
        __m512i sums[4][4];
        for (size_t i = 0; i < 4; i++) {
            part[i] = codes + (i < together ? i : 0) * 64 * words;
            for (size_t q = 0; q < 4; q++)
                sums[q][i] = _mm512_loadu_si512(centroids->corrections + 16 * (i < together ? g + i : g));
        }
        for (size_t w = 0; w < words; w++) {
            __m512i some[4];
            for (size_t i = 0; i < 4; i++) some[i] = _mm512_loadu_si512(part[i] + 64 * w);
            for (size_t q = 0; q < 4; q++) {
                int32_t four;
                __builtin_memcpy(&four, queries[q].query + 4 * w, 4);
                __m512i wanted = _mm512_set1_epi32(four);
                for (size_t i = 0; i < 4; i++) sums[q][i] = _mm512_dpbusd_epi32(sums[q][i], wanted, some[i]);
            }
        }
        for (size_t q = 0; q < 4; q++)
            for (size_t i = 0; i < together; i++) {
                __m512 scaled = _mm512_mul_ps(_mm512_set1_ps(queries[q].scale), _mm512_cvtepi32_ps(sums[q][i]));
                scaled = _mm512_add_ps(_mm512_set1_ps(queries[q].constant), scaled);
                size_t at = 16 * (g + i);
                _mm512_storeu_ps(queries[q].out + at, _mm512_add_ps(_mm512_loadu_ps(centroids->norms + at), scaled));
            }
    }
}

static void rank_together(const tsr_centroids *centroids, const tsr_ranking *queries, size_t count) {
    for (; count >= 4; count -= 4, queries += 4) rank_four(centroids, queries);
    for (; count > 0; count--, queries++)
        rank_centroids(centroids, queries->query, queries->scale, queries->constant, queries->out);
}

// The smallest and largest of a value's 16 lanes, both exact.
INLINE void extent_of_16(__m512 values, float *low, float *high) {
    __m256 first = _mm512_castps512_ps256(values), last = _mm512_extractf32x8_ps(values, 1);
    __m256 most = _mm256_max_ps(first, last), least = _mm256_min_ps(first, last);
    // Reduces both at once: the largest in the lower half, the negated smallest in the upper.
    __m512 both = _mm512_insertf32x8(_mm512_castps256_ps512(most), _mm256_xor_ps(least, _mm256_set1_ps(-0.0f)), 1);
    both = _mm512_max_ps(both, _mm512_shuffle_f32x4(both, both, 0xB1));
    both = _mm512_max_ps(both, _mm512_permute_ps(both, 0x4E));
    both = _mm512_max_ps(both, _mm512_permute_ps(both, 0xB1));
    *high = _mm512_cvtss_f32(both);
    *low = -_mm256_cvtss_f32(_mm512_extractf32x8_ps(both, 1));
}

static void quantize_tables(const float *tables, size_t subquantizers, int16_t *steps, float *offset, float *step) {
    enum { kept = 256 };
    float sum = 0, widest = 0, lows[kept];
    for (size_t m = 0; m < subquantizers; m++) {
        float low, high;
        extent_of_16(_mm512_loadu_ps(tables + 16 * m), &low, &high);
        if (m < kept) lows[m] = low;
        sum += low;
        widest = high - low > widest ? high - low : widest;
    }
    *offset = sum;
    *step = widest > 0 ? widest / TSR_TABLE_STEPS : 1;
    float inverse = 1.0f / *step;
    inverse = inverse < __FLT_MAX__ ? inverse : __FLT_MAX__;
    for (size_t m = subquantizers; m % 4; m++)
        for (size_t k = 0; k < 16; k++) steps[tsr_step_place(m, k)] = 0;
    for (size_t m = 0; m < subquantizers; m++) {
        float low, high;
        __m512 values = _mm512_loadu_ps(tables + 16 * m);
        if (m < kept) low = lows[m];
        else extent_of_16(values, &low, &high);
        values = _mm512_mul_ps(_mm512_sub_ps(values, _mm512_set1_ps(low)), _mm512_set1_ps(inverse));
        values = _mm512_min_ps(values, _mm512_set1_ps(TSR_TABLE_STEPS));
        __m256i both = _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(values));
        int16_t *place = steps + tsr_step_place(m, 0);
        _mm_storeu_si128((__m128i *)place, _mm256_castsi256_si128(both));
        _mm_storeu_si128((__m128i *)(place + 32), _mm256_extracti128_si256(both, 1));
    }
}

static size_t select_below(const float *values, size_t count, float threshold, uint32_t first, uint32_t *indices,
                           float *selected) {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512 most = _mm512_set1_ps(threshold);
    size_t found = 0;
    for (size_t i = 0; i < count; i += 16) {
        __mmask16 there = count - i < 16 ? (__mmask16)((1u << (count - i)) - 1) : 0xffff;
        __m512 some = _mm512_maskz_loadu_ps(there, values + i);
        __mmask16 mask = _mm512_mask_cmp_ps_mask(there, some, most, _CMP_LE_OQ);
        if (!mask) continue;
        __m512i places = _mm512_add_epi32(lanes, _mm512_set1_epi32((int)(first + (uint32_t)i)));
        _mm512_storeu_ps(selected + found, _mm512_maskz_compress_ps(mask, some));
        _mm512_storeu_si512(indices + found, _mm512_maskz_compress_epi32(mask, places));
        found += (size_t)__builtin_popcount(mask);
    }
    return found;
}

const tsr_kernel_table tsr_avx512_kernels = TSR_KERNELS("avx512", rank_centroids, rank_together);
#pragma clang attribute pop
#endif
