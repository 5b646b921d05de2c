// The definition of every kernel, in plain C: clarity matters here, speed does not.
#pragma STDC FP_CONTRACT OFF
#include "kernel_table.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LANES 32

static float fold(float *lanes) {
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
}

static float half_to_float(const uint8_t *bytes) {
    uint32_t half = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
    uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31, mantissa = half & 0x3ffu;
    uint32_t bits;
    float value;
    if (exponent == 0) {
        value = (float)mantissa * 0x1p-24f;
        memcpy(&bits, &value, 4);
        bits |= sign;
    } else {
        bits = sign | (exponent == 31 ? 255u : exponent + 112u) << 23 | mantissa << 13;
    }
    memcpy(&value, &bits, 4);
    return value;
}

// One loop serves every distance and inner product; `term` is what one element adds.
#define SUM(name, parameters, term)                                     \
    static float name parameters {                                     \
        float lanes[LANES] = {0};                                      \
        for (size_t i = 0; i < n; i++) lanes[i % LANES] += (term);     \
        return fold(lanes);                                            \
    }
static float square(float value) { return value * value; }

SUM(l2_f32, (const float *a, const float *b, size_t n), square(a[i] - b[i]))
SUM(dot_f32, (const float *a, const float *b, size_t n), a[i] * b[i])
SUM(l2_sq8, (const float *shifted, const float *step, const uint8_t *row, size_t n),
    square(shifted[i] - step[i] * (float)row[i]))
SUM(dot_sq8, (const float *scaled, const uint8_t *row, size_t n), scaled[i] * (float)row[i])
static float wide(uint8_t high, uint8_t low) { return 256.0f * (float)high + (float)low; }
SUM(l2_sq16, (const float *shifted, const float *step, const uint8_t *high, const uint8_t *low, size_t n),
    square(shifted[i] - step[i] * wide(high[i], low[i])))
SUM(dot_sq16, (const float *scaled, const uint8_t *high, const uint8_t *low, size_t n),
    scaled[i] * wide(high[i], low[i]))
SUM(l2_f16, (const float *query, const uint8_t *row, size_t n),
    square(query[i] - half_to_float(row + 2 * i)))
SUM(dot_f16, (const float *query, const uint8_t *row, size_t n),
    query[i] * half_to_float(row + 2 * i))

SUM(dot_centroid, (const float *a, const int8_t *b, size_t n), a[i] * (float)b[i / 4 * 64 + i % 4])

static void pq_tables(const float *query, const float *codebooks, size_t subquantizers,
                      size_t subdimension, size_t centroids, float *tables) {
    for (size_t m = 0; m < subquantizers; m++)
        for (size_t k = 0; k < centroids; k++) {
            float sum = 0;
            for (size_t j = 0; j < subdimension; j++)
                sum += query[m * subdimension + j] *
                       codebooks[(m * subdimension + j) * centroids + k];
            tables[m * centroids + k] = sum;
        }
}

static size_t emit(const tsr_list *list, size_t index, float distance, float threshold,
                   uint32_t *rows, float *distances, size_t found) {
    if (!(distance <= threshold)) return found;
    rows[found] = list->first_row + (uint32_t)index;
    distances[found] = distance;
    return found + 1;
}

static float bias(const tsr_list *list, const uint8_t *block, size_t codes, size_t lane) {
    return list->has_bias ? list->bias_step * (float)block[codes + lane] : 0.0f;
}

static const uint8_t *block_of(const tsr_list *list, size_t index) {
    return list->blocks + index / TSR_BLOCK * list->block_stride;
}

// The sum of one vector's table entries for its 4-bit codes, capped at `most`.
static uint32_t sum_pq4(const tsr_list *list, size_t index, const uint8_t *tables, uint32_t most) {
    const uint8_t *codes = block_of(list, index) + index % TSR_BLOCK;
    uint32_t sum = 0;
    for (size_t p = 0; p < list->subquantizers / 2; p++) {
        uint8_t code = codes[p * TSR_BLOCK];
        sum += (uint32_t)tables[p * 32 + (code & 15)] + tables[p * 32 + 16 + (code >> 4)];
        if (sum > most) sum = most;
    }
    return sum;
}

static size_t scan_pq4(const tsr_list *list, const uint8_t *tables, float threshold,
                       uint32_t *rows, float *distances) {
    size_t found = 0, codes = list->subquantizers / 2 * TSR_BLOCK;
    for (size_t index = 0; index < list->count; index++) {
        float distance = list->base + list->table_step * (float)sum_pq4(list, index, tables, 65535);
        distance = distance + bias(list, block_of(list, index), codes, index % TSR_BLOCK);
        found = emit(list, index, distance, threshold, rows, distances, found);
    }
    return found;
}

static void narrow_steps(const int16_t *steps, size_t subquantizers, int16_t factor, uint8_t *bytes) {
    for (size_t m = 0; m < subquantizers; m++)
        for (size_t k = 0; k < 16; k++) {
            int step = (steps[tsr_step_place(m, k)] * factor + 0x4000) >> 15;
            bytes[16 * m + k] = (uint8_t)(step < 255 ? step : 255);
        }
}

static size_t scan_pq4_narrow(const tsr_list *list, const int16_t *tables, int16_t factor, int16_t bias_factor,
                              uint8_t limit, uint8_t *scratch, uint32_t *rows, float *distances) {
    size_t found = 0, codes = list->subquantizers / 2 * TSR_BLOCK;
    narrow_steps(tables, list->subquantizers, factor, scratch);
    for (size_t index = 0; index < list->count; index++) {
        uint32_t sum = sum_pq4(list, index, scratch, 255);
        if (list->has_bias) sum += (uint32_t)(block_of(list, index)[codes + index % TSR_BLOCK] * bias_factor + 128) >> 8;
        if (sum > 255) sum = 255;
        if (sum > limit) continue;
        rows[found] = list->first_row + (uint32_t)index;
        distances[found++] = list->base + list->table_step * (float)sum;
    }
    return found;
}

static void quantize_tables(const float *tables, size_t subquantizers, int16_t *steps, float *offset, float *step) {
    float sum = 0, widest = 0;
    for (size_t m = 0; m < subquantizers; m++) {
        float low = tables[16 * m], high = low;
        for (size_t k = 1; k < 16; k++) {
            float value = tables[16 * m + k];
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        sum += low;
        widest = high - low > widest ? high - low : widest;
    }
    *offset = sum;
    *step = widest > 0 ? widest / TSR_TABLE_STEPS : 1;
    float inverse = 1.0f / *step;
    inverse = inverse < FLT_MAX ? inverse : FLT_MAX;
    memset(steps, 0, (subquantizers + 3) / 4 * 64 * sizeof *steps);
    for (size_t m = 0; m < subquantizers; m++) {
        float low = tables[16 * m];
        for (size_t k = 1; k < 16; k++) low = tables[16 * m + k] < low ? tables[16 * m + k] : low;
        for (size_t k = 0; k < 16; k++) {
            float scaled = (tables[16 * m + k] - low) * inverse;
            steps[tsr_step_place(m, k)] = (int16_t)rintf(scaled < TSR_TABLE_STEPS ? scaled : TSR_TABLE_STEPS);
        }
    }
}

static void prepare_query(const float *query, const float *origin, size_t n, float *shifted, uint8_t *bytes,
                          float *step, float *norm) {
    float largest = 0;
    for (size_t i = 0; i < n; i++) {
        shifted[i] = query[i] - origin[i];
        largest = fabsf(shifted[i]) > largest ? fabsf(shifted[i]) : largest;
    }
    float inverse = largest > 0 ? 127.0f / largest : 0;
    for (size_t i = 0; i < (n + 3) / 4 * 4; i++) {
        float scaled = i < n ? shifted[i] * inverse : 0;
        scaled = scaled > -127.0f ? scaled : -127.0f;
        bytes[i] = (uint8_t)(128 + (int)rintf(scaled < 127.0f ? scaled : 127.0f));
    }
    *step = largest / 127.0f;
    *norm = dot_f32(shifted, shifted, n);
}

static void rank_centroids(const tsr_centroids *centroids, const uint8_t *query, float scale, float constant,
                           float *out) {
    for (size_t c = 0; c < 16 * centroids->groups; c++) {
        const int8_t *codes = centroids->codes + c / 16 * centroids->words * 64 + c % 16 * 4;
        int32_t product = centroids->corrections[c];
        for (size_t w = 0; w < centroids->words; w++)
            for (size_t j = 0; j < 4; j++) product += query[4 * w + j] * codes[64 * w + j];
        out[c] = centroids->norms[c] + (constant + scale * (float)product);
    }
}

static void rank_together(const tsr_centroids *centroids, const tsr_ranking *queries, size_t count) {
    for (size_t i = 0; i < count; i++)
        rank_centroids(centroids, queries[i].query, queries[i].scale, queries[i].constant, queries[i].out);
}

static void group_minima(const float *values, size_t groups, float *minima) {
    for (size_t g = 0; g < groups; g++) {
        minima[g] = values[16 * g];
        for (size_t i = 1; i < 16; i++)
            minima[g] = values[16 * g + i] < minima[g] ? values[16 * g + i] : minima[g];
    }
}

static size_t select_below(const float *values, size_t count, float threshold, uint32_t first, uint32_t *indices,
                           float *selected) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(values[i] <= threshold)) continue;
        indices[found] = first + (uint32_t)i;
        selected[found++] = values[i];
    }
    return found;
}

static float least(const float *values, size_t count) {
    float low = INFINITY;
    for (size_t i = 0; i < count; i++) low = values[i] < low ? values[i] : low;
    return low + 0.0f;
}

static float nth_smallest(const float *values, size_t count, size_t wanted) {
    uint32_t low = tsr_float_place(-INFINITY), high = tsr_float_place(INFINITY);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        size_t within = 0;
        for (size_t i = 0; i < count; i++) within += values[i] <= tsr_ordered_float(middle);
        if (within >= wanted) high = middle;
        else low = middle + 1;
    }
    return tsr_ordered_float(low) + 0.0f;
}

static void sort_keys(const uint64_t *keys, size_t count, size_t wanted, uint64_t *sorted) {
    for (size_t i = 0; i < count; i++) {
        size_t place = 0;
        for (size_t j = 0; j < count; j++) place += keys[j] < keys[i];
        if (place < wanted) sorted[place] = keys[i];
    }
}

static size_t scan_pq8(const tsr_list *list, const float *tables, float threshold,
                       uint32_t *rows, float *distances) {
    size_t found = 0;
    for (size_t index = 0; index < list->count; index++) {
        const uint8_t *block = block_of(list, index);
        size_t lane = index % TSR_BLOCK;
        float sum = 0;
        for (size_t m = 0; m < list->subquantizers; m++)
            sum += tables[m * 256 + block[m * TSR_BLOCK + lane]];
        float distance = list->base + sum;
        distance = distance + bias(list, block, list->subquantizers * TSR_BLOCK, lane);
        found = emit(list, index, distance, threshold, rows, distances, found);
    }
    return found;
}

static uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t count) {
    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

const tsr_kernel_table tsr_scalar_kernels = TSR_KERNELS("scalar", rank_centroids, rank_together);
