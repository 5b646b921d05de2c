// Settings of the C library's allocator.
#include "vector_kernels.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void tsr_return_large_memory(size_t threshold) {
#if defined(__GLIBC__)
    (void)mallopt(M_MMAP_THRESHOLD, (int)threshold);
#else
    (void)threshold;
#endif
}
