// The float kernels of both x86 instruction sets, written once over 32-lane vectors and compiled for the ISA that
// includes them: clang lowers a 32-lane operation to four AVX2 or two AVX-512 instructions.
// Included inside a `#pragma clang attribute push(target)` region.

#pragma clang diagnostic ignored "-Wpsabi"  // every such function is inlined
typedef float f32x32 __attribute__((vector_size(128), aligned(4)));
typedef float f32x16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef float f32x8 __attribute__((vector_size(32), aligned(4)));
typedef int8_t i8x32 __attribute__((vector_size(32), aligned(1)));
typedef uint8_t u8x32 __attribute__((vector_size(32), aligned(1)));
#define INLINE static inline __attribute__((always_inline))

INLINE float fold(f32x32 v) {
    f32x16 sixteen = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) +
                     __builtin_shufflevector(v, v, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    f32x8 eight = __builtin_shufflevector(sixteen, sixteen, 0, 1, 2, 3, 4, 5, 6, 7) +
                  __builtin_shufflevector(sixteen, sixteen, 8, 9, 10, 11, 12, 13, 14, 15);
    float four[4], two[2];
    for (int i = 0; i < 4; i++) four[i] = eight[i] + eight[i + 4];
    for (int i = 0; i < 2; i++) two[i] = four[i] + four[i + 2];
    return two[0] + two[1];
}

// A short tail is copied into zeros first: a zero term leaves a partial sum as it is.
INLINE f32x32 load_floats(const float *from, size_t count) {
    f32x32 v = {0};
    __builtin_memcpy(&v, from, (count < 32 ? count : 32) * sizeof(float));
    return v;
}
INLINE f32x32 load_unsigned(const uint8_t *from, size_t count) {
    u8x32 v = {0};
    __builtin_memcpy(&v, from, count < 32 ? count : 32);
    return __builtin_convertvector(v, f32x32);
}
INLINE f32x32 load_signed(const int8_t *from, size_t count) {
    i8x32 v = {0};
    __builtin_memcpy(&v, from, count < 32 ? count : 32);
    return __builtin_convertvector(v, f32x32);
}
INLINE f32x32 load_halves(const uint8_t *from, size_t count) {
    uint8_t bytes[64] = {0};
    f32x32 v;
    __builtin_memcpy(bytes, from, (count < 32 ? count : 32) * 2);
    for (int i = 0; i < 4; i++) {
        __m256 part = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(bytes + 16 * i)));
        __builtin_memcpy((float *)&v + 8 * i, &part, 32);
    }
    return v;
}

#define SUM(name, parameters, term)                                            \
    static float name parameters {                                             \
        f32x32 sum = {0};                                                      \
        size_t i = 0;                                                          \
        for (; i + 32 <= n; i += 32) { enum { left = 32 }; sum += (term); }    \
        if (i < n) { size_t left = n - i; sum += (term); }                     \
        return fold(sum);                                                      \
    }
INLINE f32x32 square(f32x32 v) { return v * v; }

SUM(l2_f32, (const float *a, const float *b, size_t n),
    square(load_floats(a + i, left) - load_floats(b + i, left)))
SUM(dot_f32, (const float *a, const float *b, size_t n),
    load_floats(a + i, left) * load_floats(b + i, left))
SUM(dot_f32_i8, (const float *a, const int8_t *b, size_t n),
    load_floats(a + i, left) * load_signed(b + i, left))
SUM(l2_sq8, (const float *shifted, const float *step, const uint8_t *row, size_t n),
    square(load_floats(shifted + i, left) - load_floats(step + i, left) * load_unsigned(row + i, left)))
SUM(dot_sq8, (const float *scaled, const uint8_t *row, size_t n),
    load_floats(scaled + i, left) * load_unsigned(row + i, left))
INLINE f32x32 load_wide(const uint8_t *high, const uint8_t *low, size_t count) {
    return 256.0f * load_unsigned(high, count) + load_unsigned(low, count);
}
SUM(l2_sq16, (const float *shifted, const float *step, const uint8_t *high, const uint8_t *low, size_t n),
    square(load_floats(shifted + i, left) - load_floats(step + i, left) * load_wide(high + i, low + i, left)))
SUM(dot_sq16, (const float *scaled, const uint8_t *high, const uint8_t *low, size_t n),
    load_floats(scaled + i, left) * load_wide(high + i, low + i, left))
SUM(l2_f16, (const float *query, const uint8_t *row, size_t n),
    square(load_floats(query + i, left) - load_halves(row + 2 * i, left)))
SUM(dot_f16, (const float *query, const uint8_t *row, size_t n),
    load_floats(query + i, left) * load_halves(row + 2 * i, left))

// Four dimensions each 64 bytes. What fills up the last word is zeros.
INLINE f32x32 load_spread(const int8_t *from, size_t count) {
    int32_t words[8] = {0};
    for (size_t w = 0; w < (count < 32 ? (count + 3) / 4 : 8); w++) __builtin_memcpy(words + w, from + 64 * w, 4);
    __m256i all = _mm256_setr_epi32(words[0], words[1], words[2], words[3], words[4], words[5], words[6], words[7]);
    i8x32 v;
    __builtin_memcpy(&v, &all, sizeof v);
    return __builtin_convertvector(v, f32x32);
}
SUM(dot_centroid, (const float *a, const int8_t *b, size_t n),
    load_floats(a + i, left) * load_spread(b + 16 * i, left))

static void pq_tables(const float *query, const float *codebooks, size_t subquantizers,
                      size_t subdimension, size_t centroids, float *tables) {
    for (size_t m = 0; m < subquantizers; m++)
        for (size_t k = 0; k < centroids; k += 16) {
            f32x16 sum = {0};
            for (size_t j = 0; j < subdimension; j++) {
                f32x16 entries;
                __builtin_memcpy(&entries, codebooks + (m * subdimension + j) * centroids + k, 64);
                sum += query[m * subdimension + j] * entries;
            }
            __builtin_memcpy(tables + m * centroids + k, &sum, 64);
        }
}

// The distances of a block of 32 sums, and those within the threshold appended to the output.
INLINE size_t emit_block(const tsr_list *list, size_t first, f32x32 sums, const uint8_t *bias_bytes,
                         float threshold, uint32_t *rows, float *distances, size_t found) {
    f32x32 values = list->base + sums;
    if (list->has_bias) values = values + list->bias_step * load_unsigned(bias_bytes, 32);
    else values = values + 0.0f;
    uint32_t mask = 0;
    for (int i = 0; i < 4; i++) {
        __m256 part;
        __builtin_memcpy(&part, (float *)&values + 8 * i, 32);
        __m256 within = _mm256_cmp_ps(part, _mm256_set1_ps(threshold), _CMP_LE_OQ);
        mask |= (uint32_t)_mm256_movemask_ps(within) << (8 * i);
    }
    if (list->count - first < TSR_BLOCK) mask &= (1u << (list->count - first)) - 1;
    while (mask) {
        uint32_t lane = (uint32_t)__builtin_ctz(mask);
        mask &= mask - 1;
        rows[found] = list->first_row + (uint32_t)first + lane;
        distances[found++] = ((float *)&values)[lane];
    }
    return found;
}

// The smallest and largest of 16 values, in every lane of eight.
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

INLINE void shift_32(const float *query, const float *origin, size_t left, float *shifted, f32x32 *most) {
    f32x32 v = load_floats(query, left) - load_floats(origin, left);
    *most = __builtin_elementwise_max(__builtin_elementwise_abs(v), *most);
    __builtin_memcpy(shifted, &v, left * sizeof(float));
}
INLINE void round_32(const float *shifted, size_t left, float inverse, uint8_t *bytes) {
    f32x32 scaled = load_floats(shifted, left) * inverse;
    scaled = __builtin_elementwise_max(scaled, (f32x32){0} - 127.0f);
    scaled = __builtin_elementwise_min(scaled, (f32x32){0} + 127.0f);
    u8x32 rounded = __builtin_convertvector(__builtin_elementwise_rint(scaled) + 128.0f, u8x32);
    __builtin_memcpy(bytes, &rounded, (left + 3) / 4 * 4);
}

static void prepare_query(const float *query, const float *origin, size_t n, float *shifted, uint8_t *bytes,
                          float *step, float *norm) {
    f32x32 most = {0};
    size_t i = 0;
    for (; i + 32 <= n; i += 32) shift_32(query + i, origin + i, 32, shifted + i, &most);
    if (i < n) shift_32(query + i, origin + i, n - i, shifted + i, &most);
    __m256 eight = _mm256_max_ps(largest_of_16((const float *)&most), largest_of_16((const float *)&most + 16));
    float largest = _mm256_cvtss_f32(eight);
    float inverse = largest > 0 ? 127.0f / largest : 0;
    for (i = 0; i + 32 <= n; i += 32) round_32(shifted + i, 32, inverse, bytes + i);
    if (i < n) round_32(shifted + i, n - i, inverse, bytes + i);
    *step = largest / 127.0f;
    *norm = dot_f32(shifted, shifted, n);
}

static void group_minima(const float *values, size_t groups, float *minima) {
    for (size_t g = 0; g < groups; g++) minima[g] = _mm256_cvtss_f32(smallest_of_16(values + 16 * g));
}

// A block's bias bytes in steps of the list.
INLINE __m256i narrowed_bias(const uint8_t *bias, __m256i factor) {
    __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)bias));
    __m256i b = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(bias + 16)));
    a = _mm256_mulhrs_epi16(_mm256_slli_epi16(a, 7), factor);
    b = _mm256_mulhrs_epi16(_mm256_slli_epi16(b, 7), factor);
    return _mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xD8);
}

// Memory is waited for more than anything is computed: it is asked for two blocks ahead, across into the next list. More did not pay.
INLINE void prefetch_ahead(const tsr_list *list, const uint8_t *block, const uint8_t *end) {
    const uint8_t *ahead = block + 2 * list->block_stride;
    if (ahead >= end) {
        if (!list->next_blocks) return;
        ahead = list->next_blocks + (ahead - end);
    }
    for (size_t i = 0; i < list->block_stride; i += 64) __builtin_prefetch(ahead + i);
}

#ifndef NUMBER_WITHIN
// How many of 16 values are at most `most`, and how many of 8 keys are smaller than `key`.
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

// Of 16 values: all ones where a value is at most `most`.
INLINE i32x16 within_16(const float *values, f32x16 most) {
    f32x16 some;
    __builtin_memcpy(&some, values, 64);
    return some <= most;
}
INLINE u32x16 places_of_16(const float *values) {
    i32x16 bits;
    __builtin_memcpy(&bits, values, 64);
    return (u32x16)(bits ^ ((bits >> 31) | INT32_MIN));
}

// Halving the range of floats, until what is within has the wanted number.
static float nth_smallest(const float *values, size_t count, size_t wanted) {
    float rest[16];
    size_t whole = count / 16 * 16;
    for (size_t i = 0; i < 16; i++) rest[i] = whole + i < count ? values[whole + i] : __builtin_nanf("");
    const f32x16 infinite = (f32x16){0} + __builtin_inff();
    i32x16 numbers = within_16(rest, infinite);
    u32x16 least = places_of_16(rest) | ~(u32x16)numbers, most = places_of_16(rest) & (u32x16)numbers;
    for (size_t i = 0; i < whole; i += 16) {
        u32x16 places = places_of_16(values + i);
        numbers += within_16(values + i, infinite);
        least = __builtin_elementwise_min(least, places);
        most = __builtin_elementwise_max(most, places);
    }
    uint32_t low = __builtin_reduce_min(least), high = __builtin_reduce_max(most);
    uint32_t lowest = tsr_float_place(-__builtin_inff()), highest = tsr_float_place(__builtin_inff());
    low = low < lowest ? lowest : low;
    high = high > highest ? highest : high;
    if ((size_t)-__builtin_reduce_add(numbers) < wanted) return __builtin_inff();
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        float most = tsr_ordered_float(middle);
        size_t within = number_within(rest, most);
        for (size_t i = 0; i < whole; i += 16) within += number_within(values + i, most);
        if (within == wanted) {
            f32x16 limit = (f32x16){0} + most;
            u32x16 last = (u32x16)within_16(rest, limit) & places_of_16(rest);
            for (size_t i = 0; i < whole; i += 16)
                last = __builtin_elementwise_max(last, (u32x16)within_16(values + i, limit) & places_of_16(values + i));
            return tsr_ordered_float(__builtin_reduce_max(last)) + 0.0f;
        }
        if (within > wanted) high = middle;
        else low = middle + 1;
    }
    return tsr_ordered_float(low) + 0.0f;
}

static void sort_keys(const uint64_t *keys, size_t count, size_t wanted, uint64_t *sorted) {
    uint64_t rest[8];
    size_t whole = count / 8 * 8;
    for (size_t i = 0; i < 8; i++) rest[i] = whole + i < count ? keys[whole + i] : ~(uint64_t)0;
    for (size_t i = 0; i < count; i++) {
        size_t place = number_below(rest, keys[i]);
        for (size_t j = 0; j < whole; j += 8) place += number_below(keys + j, keys[i]);
        if (place < wanted) sorted[place] = keys[i];
    }
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
