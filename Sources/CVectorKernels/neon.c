// Kernels for 64-bit ARM, as two instruction sets: `neon` (Advanced SIMD and CRC32), and `dotprod`,
// which also ranks centroids with the byte dot products of Armv8.2. They are tested against the
// scalar definition under emulation; their speed has not been measured.
#if defined(__aarch64__)
#pragma STDC FP_CONTRACT OFF
#include "kernel_table.h"

#include <arm_acle.h>
#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))

INLINE float largest_of_32(const float *values) {
    float32x4_t most = vld1q_f32(values);
    for (int i = 4; i < 32; i += 4) most = vmaxq_f32(most, vld1q_f32(values + i));
    return vmaxvq_f32(most);
}

INLINE void widen_halves(const uint8_t *bytes, float *values) {
    for (int i = 0; i < 32; i += 4)
        vst1q_f32(values + i, vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(bytes + 2 * i))));
}

// A mask with one bit per byte of 32, set where the byte is all ones: every byte keeps the bit of
// its position, and adjacent bytes are added.
INLINE uint32_t mask_of(uint8x16_t low, uint8x16_t high) {
    const uint8x16_t places = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t sums = vpaddq_u8(vandq_u8(low, places), vandq_u8(high, places));
    sums = vpaddq_u8(sums, sums);
    sums = vpaddq_u8(sums, sums);
    return vgetq_lane_u32(vreinterpretq_u32_u8(sums), 0);
}

// All ones for each of 16 values that is at most `most`.
INLINE uint8x16_t ones_within(const float *values, float32x4_t most) {
    uint16x8_t eights[2];
    for (int i = 0; i < 2; i++) {
        uint32x4_t a = vcleq_f32(vld1q_f32(values + 8 * i), most);
        uint32x4_t b = vcleq_f32(vld1q_f32(values + 8 * i + 4), most);
        eights[i] = vuzp1q_u16(vreinterpretq_u16_u32(a), vreinterpretq_u16_u32(b));
    }
    return vuzp1q_u8(vreinterpretq_u8_u16(eights[0]), vreinterpretq_u8_u16(eights[1]));
}
INLINE uint32_t lanes_within(const float *values, float threshold) {
    const float32x4_t most = vdupq_n_f32(threshold);
    return mask_of(ones_within(values, most), ones_within(values + 16, most));
}

INLINE uint32_t number_within(const float *values, float most) {
    // A byte of all ones is -1, so the negated sum is the count.
    return (uint32_t)-vaddvq_s8(vreinterpretq_s8_u8(ones_within(values, vdupq_n_f32(most))));
}
INLINE uint32_t number_below(const uint64_t *keys, uint64_t key) {
    const uint64x2_t limit = vdupq_n_u64(key);
    uint64x2_t ones = vcltq_u64(vld1q_u64(keys), limit);
    for (int i = 2; i < 8; i += 2) ones = vaddq_u64(ones, vcltq_u64(vld1q_u64(keys + i), limit));
    return (uint32_t)-vaddvq_u64(ones);
}
#include "lanes.h"

// Two table entries for each of 16 code bytes: the low nibble's from the first table, the high
// nibble's from the second.
INLINE uint8x16x2_t look_up(const uint8_t *codes, uint8x16x2_t tables) {
    uint8x16_t bytes = vld1q_u8(codes);
    return (uint8x16x2_t){{vqtbl1q_u8(tables.val[0], vandq_u8(bytes, vdupq_n_u8(15))),
                           vqtbl1q_u8(tables.val[1], vshrq_n_u8(bytes, 4))}};
}
INLINE uint8x16x2_t load_tables(const uint8_t *tables) {
    return (uint8x16x2_t){{vld1q_u8(tables), vld1q_u8(tables + 16)}};
}

static size_t scan_pq4(const tsr_list *list, const uint8_t *tables, float threshold,
                       uint32_t *rows, float *distances) {
    size_t found = 0, pairs = list->subquantizers / 2;
    const uint8_t *block = list->blocks;
    for (size_t first = 0; first < list->count; first += TSR_BLOCK, block += list->block_stride) {
        uint16x8_t sums[4] = {vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0)};
        for (size_t p = 0; p < pairs; p++) {
            uint8x16x2_t pair = load_tables(tables + p * 32);
            for (int i = 0; i < 2; i++) {
                uint8x16x2_t entries = look_up(block + p * TSR_BLOCK + 16 * i, pair);
                for (int j = 0; j < 2; j++) {
                    sums[2 * i] = vaddw_u8(sums[2 * i], vget_low_u8(entries.val[j]));
                    sums[2 * i + 1] = vaddw_high_u8(sums[2 * i + 1], entries.val[j]);
                }
            }
        }
        f32x32 values;
        for (int i = 0; i < 4; i++) {
            vst1q_f32((float *)&values + 8 * i, vcvtq_f32_u32(vmovl_u16(vget_low_u16(sums[i]))));
            vst1q_f32((float *)&values + 8 * i + 4, vcvtq_f32_u32(vmovl_high_u16(sums[i])));
        }
        found = emit_block(list, first, list->table_step * values, block + pairs * TSR_BLOCK,
                           threshold, rows, distances, found);
    }
    return found;
}

// `(value * factor + 0x4000) >> 15` of 16 values, as saturated bytes.
INLINE uint8x16_t narrowed(int16x8_t first, int16x8_t last, int16x8_t factor) {
    return vqmovun_high_s16(vqmovun_s16(vqrdmulhq_s16(first, factor)), vqrdmulhq_s16(last, factor));
}

// Writes the list's tables, `[subquantizers][16]` bytes.
static void narrow_steps(const int16_t *tables, size_t subquantizers, int16_t factor, uint8_t *bytes) {
    const int16x8_t factors = vdupq_n_s16(factor);
    for (size_t m = 0; m < subquantizers; m++) {
        const int16_t *entries = tables + tsr_step_place(m, 0);
        vst1q_u8(bytes + 16 * m, narrowed(vld1q_s16(entries), vld1q_s16(entries + 32), factors));
    }
}

// 16 bias bytes in units of the list's steps.
INLINE uint8x16_t narrowed_bias(const uint8_t *bias, int16x8_t factor) {
    uint8x16_t bytes = vld1q_u8(bias);
    return narrowed(vreinterpretq_s16_u16(vshll_n_u8(vget_low_u8(bytes), 7)),
                    vreinterpretq_s16_u16(vshll_high_n_u8(bytes, 7)), factor);
}

static size_t scan_pq4_narrow(const tsr_list *list, const int16_t *tables, int16_t factor, int16_t bias_factor,
                              uint8_t limit, uint8_t *scratch, uint32_t *rows, float *distances) {
    const uint8x16_t most = vdupq_n_u8(limit);
    const int16x8_t bias_factors = vdupq_n_s16(bias_factor);
    size_t found = 0, pairs = list->subquantizers / 2;
    const uint8_t *block = list->blocks, *end = block + (list->count + 31) / 32 * list->block_stride;
    narrow_steps(tables, 2 * pairs, factor, scratch);
    for (size_t first = 0; first < list->count; first += TSR_BLOCK, block += list->block_stride) {
        prefetch_ahead(list, block, end);
        uint8x16_t sums[2] = {vdupq_n_u8(0), vdupq_n_u8(0)};
        for (size_t p = 0; p < pairs; p++) {
            uint8x16x2_t pair = load_tables(scratch + p * 32);
            for (int i = 0; i < 2; i++) {
                uint8x16x2_t entries = look_up(block + p * TSR_BLOCK + 16 * i, pair);
                sums[i] = vqaddq_u8(vqaddq_u8(sums[i], entries.val[0]), entries.val[1]);
            }
        }
        if (list->has_bias)
            for (int i = 0; i < 2; i++)
                sums[i] = vqaddq_u8(sums[i], narrowed_bias(block + pairs * TSR_BLOCK + 16 * i, bias_factors));
        uint32_t mask = mask_of(vcleq_u8(sums[0], most), vcleq_u8(sums[1], most));
        if (list->count - first < TSR_BLOCK) mask &= (1u << (list->count - first)) - 1;
        for (; mask; mask &= mask - 1) {
            uint32_t lane = (uint32_t)__builtin_ctz(mask);
            rows[found] = list->first_row + (uint32_t)first + lane;
            distances[found++] = list->base + list->table_step * (float)((const uint8_t *)sums)[lane];
        }
    }
    return found;
}

static size_t scan_pq8(const tsr_list *list, const float *tables, float threshold,
                       uint32_t *rows, float *distances) {
    size_t found = 0;
    const uint8_t *block = list->blocks;
    for (size_t first = 0; first < list->count; first += TSR_BLOCK, block += list->block_stride) {
        f32x32 sums = {0};
        for (size_t m = 0; m < list->subquantizers; m++) {
            f32x32 entries;
            for (int i = 0; i < TSR_BLOCK; i++) entries[i] = tables[m * 256 + block[m * TSR_BLOCK + i]];
            sums += entries;
        }
        found = emit_block(list, first, sums, block + list->subquantizers * TSR_BLOCK, threshold,
                           rows, distances, found);
    }
    return found;
}

INLINE float smallest_of_16(const float *v) {
    return vminvq_f32(vminq_f32(vminq_f32(vld1q_f32(v), vld1q_f32(v + 4)),
                                vminq_f32(vld1q_f32(v + 8), vld1q_f32(v + 12))));
}
INLINE float largest_of_16(const float *v) {
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(vld1q_f32(v), vld1q_f32(v + 4)),
                                vmaxq_f32(vld1q_f32(v + 8), vld1q_f32(v + 12))));
}

static void group_minima(const float *values, size_t groups, float *minima) {
    for (size_t g = 0; g < groups; g++) minima[g] = smallest_of_16(values + 16 * g);
}

static void quantize_tables(const float *tables, size_t subquantizers, int16_t *steps, float *offset, float *step) {
    float sum = 0, widest = 0;
    for (size_t m = 0; m < subquantizers; m++) {
        float low = smallest_of_16(tables + 16 * m), high = largest_of_16(tables + 16 * m);
        sum += low;
        widest = high - low > widest ? high - low : widest;
    }
    *offset = sum;
    *step = widest > 0 ? widest / TSR_TABLE_STEPS : 1;
    float inverse = 1.0f / *step;
    inverse = inverse < __FLT_MAX__ ? inverse : __FLT_MAX__;
    const float32x4_t most = vdupq_n_f32(TSR_TABLE_STEPS);
    for (size_t m = 0; m < (subquantizers + 3) / 4 * 4; m++)
        for (size_t k = 0; k < 16; k += 4) {
            int16x4_t four = vdup_n_s16(0);
            if (m < subquantizers) {
                float32x4_t low = vdupq_n_f32(smallest_of_16(tables + 16 * m));
                float32x4_t scaled = vmulq_n_f32(vsubq_f32(vld1q_f32(tables + 16 * m + k), low), inverse);
                // The smaller number; `most` for NaN.
                four = vmovn_s32(vcvtnq_s32_f32(vminnmq_f32(scaled, most)));
            }
            vst1_s16(steps + tsr_step_place(m, k), four);
        }
}

// Four bytes of the query minus its offset of 128, repeated to fill the register. The product of
// signed bytes is the one the header defines, so the corrections, which undo the offset, are not
// needed.
INLINE int8x16_t load_query(const uint8_t *four) {
    uint32_t bytes;
    __builtin_memcpy(&bytes, four, 4);
    return vreinterpretq_s8_u32(vdupq_n_u32(bytes ^ 0x80808080u));
}

INLINE void store_ranks(const tsr_centroids *centroids, size_t at, int32x4_t products, float scale, float constant,
                        float *out) {
    float32x4_t scaled = vmulq_f32(vdupq_n_f32(scale), vcvtq_f32_s32(products));
    scaled = vaddq_f32(vdupq_n_f32(constant), scaled);
    vst1q_f32(out + at, vaddq_f32(vld1q_f32(centroids->norms + at), scaled));
}

// 16-bit products, two sums per centroid, added at the end.
static void rank_centroids(const tsr_centroids *centroids, const uint8_t *query, float scale, float constant,
                           float *out) {
    const int8_t *codes = centroids->codes;
    for (size_t c = 0; c < 16 * centroids->groups; c += 16) {
        int32x4_t sums[8];
        for (int i = 0; i < 8; i++) sums[i] = vdupq_n_s32(0);
        for (size_t w = 0; w < centroids->words; w++, codes += 64) {
            int8x8_t wanted = vget_low_s8(load_query(query + 4 * w));
            for (int i = 0; i < 8; i++) sums[i] = vpadalq_s16(sums[i], vmull_s8(vld1_s8(codes + 8 * i), wanted));
        }
        for (size_t i = 0; i < 4; i++)
            store_ranks(centroids, c + 4 * i, vpaddq_s32(sums[2 * i], sums[2 * i + 1]), scale, constant, out);
    }
}

__attribute__((target("dotprod")))
static void rank_centroids_dotprod(const tsr_centroids *centroids, const uint8_t *query, float scale, float constant,
                                   float *out) {
    const int8_t *codes = centroids->codes;
    for (size_t c = 0; c < 16 * centroids->groups; c += 16) {
        int32x4_t sums[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
        for (size_t w = 0; w < centroids->words; w++, codes += 64) {
            int8x16_t wanted = load_query(query + 4 * w);
            for (int i = 0; i < 4; i++) sums[i] = vdotq_s32(sums[i], vld1q_s8(codes + 16 * i), wanted);
        }
        for (size_t i = 0; i < 4; i++) store_ranks(centroids, c + 4 * i, sums[i], scale, constant, out);
    }
}

static void rank_together(const tsr_centroids *centroids, const tsr_ranking *queries, size_t count) {
    for (size_t i = 0; i < count; i++)
        rank_centroids(centroids, queries[i].query, queries[i].scale, queries[i].constant, queries[i].out);
}

static void rank_together_dotprod(const tsr_centroids *centroids, const tsr_ranking *queries, size_t count) {
    for (size_t i = 0; i < count; i++)
        rank_centroids_dotprod(centroids, queries[i].query, queries[i].scale, queries[i].constant, queries[i].out);
}

static size_t select_below(const float *values, size_t count, float threshold, uint32_t first, uint32_t *indices,
                           float *selected) {
    size_t found = 0;
    for (size_t i = 0; i < count; i += 32) {
        size_t left = count - i < 32 ? count - i : 32;
        f32x32 some = load_floats(values + i, left);
        uint32_t mask = lanes_within((const float *)&some, threshold);
        if (left < 32) mask &= (1u << left) - 1;
        for (; mask; mask &= mask - 1) {
            uint32_t lane = (uint32_t)__builtin_ctz(mask);
            indices[found] = first + (uint32_t)i + lane;
            selected[found++] = values[i + lane];
        }
    }
    return found;
}

__attribute__((target("crc")))
static uint32_t crc32c(uint32_t crc, const uint8_t *bytes, size_t count) {
    crc = ~crc;
    for (; count >= 8; count -= 8, bytes += 8) {
        uint64_t word;
        __builtin_memcpy(&word, bytes, 8);
        crc = __crc32cd(crc, word);
    }
    for (; count > 0; count--, bytes++) crc = __crc32cb(crc, *bytes);
    return ~crc;
}

const tsr_kernel_table tsr_neon_kernels = TSR_KERNELS("neon", rank_centroids, rank_together);
const tsr_kernel_table tsr_dotprod_kernels = TSR_KERNELS("dotprod", rank_centroids_dotprod, rank_together_dotprod);
#endif
