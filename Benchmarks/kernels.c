// Times the 4-bit scan and compares it with the limits of the machine: with codes in the
// second-level cache the number of instructions, otherwise memory bandwidth. Built and read by
// kernels.py; prints JSON.
#define _GNU_SOURCE
#include "vector_kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define SUBQUANTIZERS 48
#define COUNT 224
#define STRIDE (32 * (SUBQUANTIZERS / 2 + 1))
#define LIST_BYTES ((size_t)(COUNT / 32 * STRIDE))

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// Cycles a nanosecond: a chain of additions takes one cycle each.
static double frequency(void) {
    uint64_t sum = 1;
    double start = now();
    for (long i = 0; i < 200000000; i++) __asm__ volatile("add $1, %0" : "+r"(sum));
    return 200000000 / (now() - start) / 1e9;
}

static int16_t tables[16 * SUBQUANTIZERS];
static _Alignas(64) uint8_t scratch[32 * SUBQUANTIZERS + 64];
static uint32_t rows[COUNT + 16];
static float distances[COUNT + 16];
static volatile size_t found;

// Nanoseconds to scan all lists once.
static double scan(const uint8_t *codes, size_t lists) {
    double start = now();
    for (size_t i = 0; i < lists; i++) {
        tsr_list list = {.blocks = codes + i * LIST_BYTES, .next_blocks = i + 1 < lists ? codes + (i + 1) * LIST_BYTES : NULL,
                         .block_stride = STRIDE, .count = COUNT, .subquantizers = SUBQUANTIZERS, .has_bias = 1,
                         .table_step = 1};
        found += tsr_scan_pq4_narrow(&list, tables, 600, 64, 130, scratch, rows, distances);
    }
    return 1e9 * (now() - start);
}

// Nanoseconds to read all bytes once, 32 bytes eight times at a time.
static double read_all(const uint8_t *bytes, size_t count) {
    typedef uint64_t words __attribute__((vector_size(32), aligned(32)));
    words sums[8] = {{0}};
    double start = now();
    for (size_t i = 0; i + 256 <= count; i += 256)
        for (int j = 0; j < 8; j++) sums[j] += *(const words *)(bytes + i + 32 * (size_t)j);
    double took = 1e9 * (now() - start);
    for (int j = 0; j < 8; j++) found += sums[j][0];
    return took;
}

static double best_of(int times, double (*body)(const uint8_t *, size_t), const uint8_t *bytes, size_t count) {
    double best = 1e30;
    for (int i = 0; i < times; i++) {
        double took = body(bytes, count);
        if (took < best) best = took;
    }
    return best;
}

int main(int count, char **arguments) {
    size_t megabytes = count > 1 ? (size_t)atoi(arguments[1]) : 2048, bytes = megabytes << 20;
    uint8_t *codes = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (codes == MAP_FAILED) return 1;
    madvise(codes, bytes, MADV_HUGEPAGE);
    uint64_t state = 1;
    for (size_t i = 0; i < bytes; i += 8) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        memcpy(codes + i, &state, 8);
    }
    for (size_t i = 0; i < 16 * SUBQUANTIZERS; i++) tables[i] = (int16_t)(i * 7919 % 4096);
    double cycles = frequency();
    size_t small = (512 << 10) / LIST_BYTES, large = bytes / LIST_BYTES;
    scan(codes, small);
    double near = best_of(200, scan, codes, small) / (double)(small * COUNT);
    double far = best_of(3, scan, codes, large), plain = best_of(3, read_all, codes, bytes);
    printf("{\"isa\": \"%s\", \"ghz\": %.3f, \"l2_ns_per_vector\": %.4f, \"ram_scan_gb_s\": %.3f, \"ram_read_gb_s\": %.3f, "
           "\"share_found\": %.5f}\n",
           tsr_isa_name(), cycles, near, (double)(large * LIST_BYTES) / far, (double)bytes / plain,
           (double)tsr_scan_pq4_narrow(&(tsr_list){.blocks = codes, .block_stride = STRIDE, .count = COUNT,
                                                   .subquantizers = SUBQUANTIZERS, .has_bias = 1, .table_step = 1},
                                       tables, 600, 64, 130, scratch, rows, distances) / COUNT);
    return 0;
}
