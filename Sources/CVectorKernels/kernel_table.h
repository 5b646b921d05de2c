// The kernels of one instruction set, as the dispatcher sees them.
#ifndef TESSERA_KERNEL_TABLE_H
#define TESSERA_KERNEL_TABLE_H

#include "vector_kernels.h"

typedef struct {
    const char *name;
    size_t (*scan_pq4)(const tsr_list *, const uint8_t *, float, uint32_t *, float *);
    size_t (*scan_pq8)(const tsr_list *, const float *, float, uint32_t *, float *);
    float (*l2_f32)(const float *, const float *, size_t);
    float (*dot_f32)(const float *, const float *, size_t);
    float (*dot_f32_i8)(const float *, const int8_t *, size_t);
    float (*l2_sq8)(const float *, const float *, const uint8_t *, size_t);
    float (*dot_sq8)(const float *, const uint8_t *, size_t);
    float (*l2_f16)(const float *, const uint8_t *, size_t);
    float (*dot_f16)(const float *, const uint8_t *, size_t);
    void (*pq_tables)(const float *, const float *, size_t, size_t, size_t, float *);
    uint32_t (*crc32c)(uint32_t, const uint8_t *, size_t);
} tsr_kernel_table;

extern const tsr_kernel_table tsr_scalar_kernels;
#if defined(__x86_64__)
extern const tsr_kernel_table tsr_avx2_kernels;
extern const tsr_kernel_table tsr_avx512_kernels;
#endif

#endif
