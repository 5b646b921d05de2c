// Compares every kernel of every instruction set this machine has with the scalar definition.
//
//   harness              runs all checks, names differing kernels, prints a digest of scalar
//                        results
//   harness SET...       the same, after checking that the machine has exactly these instruction
//                        sets and uses the first
//   harness --in-use     prints the set in use
#define _GNU_SOURCE
#include "harness.h"
#include "kernel_table.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST_ROOMS 16
#define LARGEST_ROOM ((size_t)1 << 20)
#define MOST_RESULTS (1 << 20)
#define MOST_SHOWN 40

// End of each room; made on first use, then reused.
static char *rooms[MOST_ROOMS];
static size_t room_count;
static uint64_t random_state;

static uint32_t expected[MOST_RESULTS], given[MOST_RESULTS];
static uint32_t *results_to = expected;
static size_t result_count;

static char kernel[32], shape[160];
static uint64_t digest = 0xcbf29ce484222325u;
static size_t comparisons, differences;

_Static_assert(sizeof(tsr_kernel_table) == 25 * sizeof(void *), "the number of kernels changed: does each have its check?");

static void stop(const char *why) {
    printf("error: %s: %s on %s, %s\n", why, kernel, tsr_isa_name(), shape);
    fflush(stdout);
    _exit(2);
}

static void out_of_bounds(int signal) {
    (void)signal;
    stop("access outside of the given memory");
}

void fresh_seed(uint64_t seed) { random_state = seed; }

// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
uint64_t next_random(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void *room(size_t bytes) {
    if (room_count == MOST_ROOMS || bytes > LARGEST_ROOM) stop("too much memory asked for");
    if (!rooms[room_count]) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *start = mmap(NULL, LARGEST_ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (start == MAP_FAILED || mprotect(start + LARGEST_ROOM, page, PROT_NONE) != 0) stop("no memory");
        rooms[room_count] = start + LARGEST_ROOM;
    }
    // Fill, so that bytes a kernel leaves unwritten do not come from another kernel.
    return memset(rooms[room_count++] - bytes, 0xa5, bytes);
}

void free_rooms(void) { room_count = 0; }

uint8_t *random_bytes(size_t count) {
    uint8_t *bytes = room(count);
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)next_random();
    return bytes;
}

float *random_floats(size_t count, enum values kind) {
    static const float edges[] = {INFINITY, -INFINITY, 0.0f, -0.0f, 0x1p-149f, -0x1p-130f, 0x1.fffffep127f, NAN};
    float *values = room(count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = next_random();
        values[i] = (float)(int32_t)(bits >> 32) * 0x1p-31f;
        if (kind == HUGE) values[i] *= 0x1p126f;
        if (kind >= INFINITE && (bits & 15) == 0) values[i] = edges[(bits >> 4 & 15) % (kind == ANY ? 8 : 7)];
    }
    return values;
}

void begin_check(const char *name, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    snprintf(kernel, sizeof kernel, "%s", name);
    vsnprintf(shape, sizeof shape, format, arguments);
    va_end(arguments);
}

static void give(uint32_t word) {
    if (result_count == MOST_RESULTS) stop("too many results");
    results_to[result_count++] = word;
}

void give_floats(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = 0x7fc00000u;
        if (values[i] == values[i]) memcpy(&bits, values + i, 4);
        give(bits);
    }
}

void give_bytes(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) give(((const uint8_t *)bytes)[i]);
}

void give_number(uint64_t value) {
    give((uint32_t)value);
    give((uint32_t)(value >> 32));
}

static size_t results_of(const char *set, uint32_t *to, void (*results)(const void *), const void *input) {
    if (!tsr_isa_force(set)) stop("an instruction set is gone");
    size_t rooms_of_input = room_count;
    results_to = to;
    result_count = 0;
    results(input);
    room_count = rooms_of_input;
    return result_count;
}

static void report(const char *set, size_t count, size_t wanted) {
    size_t at = 0;
    while (at < count && at < wanted && given[at] == expected[at]) at++;
    if (at == count && at == wanted) return;
    if (differences++ >= MOST_SHOWN) return;
    if (at < count && at < wanted)
        printf("error: %s differs on %s, %s: result %zu of %zu is %08x and should be %08x\n", kernel, set, shape, at,
               wanted, given[at], expected[at]);
    else
        printf("error: %s differs on %s, %s: %zu results, and should be %zu\n", kernel, set, shape, count, wanted);
}

void check(void (*results)(const void *), const void *input) {
    size_t wanted = results_of("scalar", expected, results, input);
    for (size_t i = 0; i < wanted; i++) digest = (digest ^ expected[i]) * 0x100000001b3u;
    for (size_t place = 0; strcmp(tsr_isa_at(place), "scalar") != 0; place++) {
        memset(given, 0xa5, wanted * sizeof *given);
        report(tsr_isa_at(place), results_of(tsr_isa_at(place), given, results, input), wanted);
        comparisons++;
    }
}

static int has_exactly(int count, char **names) {
    for (int i = 0; i < count; i++)
        if (!tsr_isa_at((size_t)i) || strcmp(tsr_isa_at((size_t)i), names[i]) != 0) return 0;
    return tsr_isa_at((size_t)count) == NULL;
}

int main(int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "--in-use") == 0) return puts(tsr_isa_name()) < 0;
    signal(SIGSEGV, out_of_bounds);
    for (size_t i = 0; tsr_isa_at(i); i++) printf("%s%s", i ? ", " : "instruction sets: ", tsr_isa_at(i));
    printf("; in use: %s\n", tsr_isa_name());
    if (count > 1 && !(has_exactly(count - 1, arguments + 1) && strcmp(tsr_isa_name(), arguments[1]) == 0)) {
        printf("error: other instruction sets were asked for\n");
        return 1;
    }
    check_distances();
    check_scans();
    check_ranking();
    check_tables();
    printf("%zu comparisons, %zu differ\n", comparisons, differences);
    printf("digest of the definition: %016llx\n", (unsigned long long)digest);
    if (comparisons == 0) printf("error: this machine has no instruction set to compare\n");
    return differences > 0 || comparisons == 0;
}
