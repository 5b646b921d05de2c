// The kernels whose steps are the same on every instruction set, written once over 32-lane vectors
// and compiled in each file that includes them. clang lowers a 32-lane operation to eight NEON,
// four AVX2 or two AVX-512 instructions.
//
// The including file first defines the operations that differ, over 32 values in memory:
//   widen_halves(bytes, values)        32 half floats as floats
//   largest_of_32(values)              the largest; none is NaN
//   lanes_within(values, threshold)    a bit for each value that is at most the threshold
// and over fewer values:
//   number_within(values, most)        how many of 16 values are at most `most`
//   number_below(keys, key)            how many of 8 keys are smaller than `key`

#pragma clang diagnostic ignored "-Wpsabi"  // every such function is inlined
typedef float f32x32 __attribute__((vector_size(128), aligned(4)));
typedef float f32x16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef float f32x8 __attribute__((vector_size(32), aligned(4)));
typedef int8_t i8x32 __attribute__((vector_size(32), aligned(1)));
typedef uint8_t u8x32 __attribute__((vector_size(32), aligned(1)));

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

// A short tail is copied into zeros first: a zero term does not change a partial sum.
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
INLINE f32x32 load_halves(const uint8_t *from, size_t count) {
    uint8_t bytes[64] = {0};
    f32x32 v;
    __builtin_memcpy(bytes, from, (count < 32 ? count : 32) * 2);
    widen_halves(bytes, (float *)&v);
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

// Loads centroid bytes, four dimensions per 64 bytes. The last word is padded with zeros.
INLINE f32x32 load_spread(const int8_t *from, size_t count) {
    int32_t words[8] = {0};
    for (size_t w = 0; w < (count < 32 ? (count + 3) / 4 : 8); w++) __builtin_memcpy(words + w, from + 64 * w, 4);
    i8x32 v;
    __builtin_memcpy(&v, words, sizeof v);
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

// Appends the rows of a block whose distance is within the threshold, from 32 table sums.
INLINE size_t emit_block(const tsr_list *list, size_t first, f32x32 sums, const uint8_t *bias_bytes,
                         float threshold, uint32_t *rows, float *distances, size_t found) {
    f32x32 values = list->base + sums;
    if (list->has_bias) values = values + list->bias_step * load_unsigned(bias_bytes, 32);
    else values = values + 0.0f;
    uint32_t mask = lanes_within((const float *)&values, threshold);
    if (list->count - first < TSR_BLOCK) mask &= (1u << (list->count - first)) - 1;
    while (mask) {
        uint32_t lane = (uint32_t)__builtin_ctz(mask);
        mask &= mask - 1;
        rows[found] = list->first_row + (uint32_t)first + lane;
        distances[found++] = ((float *)&values)[lane];
    }
    return found;
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
    float largest = largest_of_32((const float *)&most);
    float inverse = largest > 0 ? 127.0f / largest : 0;
    for (i = 0; i + 32 <= n; i += 32) round_32(shifted + i, 32, inverse, bytes + i);
    if (i < n) round_32(shifted + i, n - i, inverse, bytes + i);
    *step = largest / 127.0f;
    *norm = dot_f32(shifted, shifted, n);
}

// Scans wait for memory longer than they compute, so blocks are prefetched six ahead, across the
// end of the list into the next one. Two or twelve blocks ahead made a query a tenth slower. With
// nothing ahead, the current block is prefetched again.
INLINE const uint8_t *place_ahead(const tsr_list *list, const uint8_t *block, const uint8_t *end) {
    const uint8_t *ahead = block + 6 * list->block_stride;
    if (ahead < end) return ahead;
    return list->next_blocks ? list->next_blocks + (ahead - end) : block;
}
INLINE void prefetch_block(const uint8_t *block, size_t stride) {
    for (size_t i = 0; i < stride; i += 64) __builtin_prefetch(block + i);
}
INLINE void prefetch_ahead(const tsr_list *list, const uint8_t *block, const uint8_t *end) {
    const uint8_t *ahead = place_ahead(list, block, end);
    if (ahead != block) prefetch_block(ahead, list->block_stride);
}

// All ones in each lane of 16 values that is at most `most`.
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

static float least(const float *values, size_t count) {
    f32x16 low = (f32x16){0} + __builtin_inff();
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        f32x16 some;
        __builtin_memcpy(&some, values + i, 64);
        i32x16 lower = some < low;
        low = (f32x16)(((i32x16)some & lower) | ((i32x16)low & ~lower));
    }
    float most = __builtin_inff();
    for (size_t lane = 0; lane < 16; lane++) most = low[lane] < most ? low[lane] : most;
    for (; i < count; i++) most = values[i] < most ? values[i] : most;
    return most + 0.0f;
}

// Bisects the ordered range of floats until `wanted` values lie within it.
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
