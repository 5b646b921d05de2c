// Shared by the checks of the kernels: seeded inputs that end where reading on would trap, and the
// comparison of an instruction set's results with those of the scalar definition.
#ifndef TESSERA_KERNEL_HARNESS_H
#define TESSERA_KERNEL_HARNESS_H

#include "vector_kernels.h"

/// Kinds of floats in an input; messages give the number.
enum values {
    ORDINARY,  // between -1 and 1
    HUGE,      // finite, but squares and sums overflow
    INFINITE,  // ordinary, with infinities, zeros of both signs, subnormal and extreme numbers
    ANY,       // those, and NaN
    VALUE_KINDS
};

/// The next seeded random number; `fresh_seed` restarts the sequence.
uint64_t next_random(void);
void fresh_seed(uint64_t seed);

/// Memory that ends at an inaccessible page, for one check's inputs, valid until `free_rooms`.
/// Functions run by `check` use it for their outputs, valid until they return.
void *room(size_t bytes);
void free_rooms(void);

uint8_t *random_bytes(size_t count);
float *random_floats(size_t count, enum values kind);

/// Names the comparison: the kernel, and its input's shape in words.
void begin_check(const char *kernel, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// Records a result of the check. Floats must have the same bits; any NaN equals any NaN.
void give_floats(const float *values, size_t count);
void give_bytes(const void *bytes, size_t count);
void give_number(uint64_t value);

/// Runs `results`, which records a kernel's results for `input`, on every instruction set.
void check(void (*results)(const void *input), const void *input);

/// The checks, each over all shapes.
void check_distances(void);
void check_scans(void);
void check_ranking(void);
void check_tables(void);

#endif
