// What the checks of the kernels share: seeded inputs that end where reading on would trap, and the
// comparison of what an instruction set gives with what the scalar definition gives.
#ifndef TESSERA_KERNEL_HARNESS_H
#define TESSERA_KERNEL_HARNESS_H

#include "vector_kernels.h"

/// What the floats of an input are; messages give the number.
enum values {
    ORDINARY,  // between -1 and 1
    HUGE,      // finite, but squares and sums overflow
    INFINITE,  // ordinary, with infinities, zeros of both signs, subnormal and extreme numbers
    ANY,       // those, and NaN
    VALUE_KINDS
};

/// The next of the seeded random numbers; `fresh_seed` begins anew.
uint64_t next_random(void);
void fresh_seed(uint64_t seed);

/// Memory that ends at a page nobody may touch, for one check's inputs, until `free_rooms`; what
/// `check` runs has it for its outputs until it returns.
void *room(size_t bytes);
void free_rooms(void);

uint8_t *random_bytes(size_t count);
float *random_floats(size_t count, enum values kind);

/// What is compared: a kernel's name, and words that tell the shape it was given.
void begin_check(const char *kernel, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// Takes down a result of the check. Floats are held to the same bits, any NaN to any NaN.
void give_floats(const float *values, size_t count);
void give_bytes(const void *bytes, size_t count);
void give_number(uint64_t value);

/// Runs `results`, which gives what a kernel makes of `input`, on every instruction set.
void check(void (*results)(const void *input), const void *input);

/// The checks, each over all shapes.
void check_distances(void);
void check_scans(void);
void check_ranking(void);
void check_tables(void);

#endif
