// Measures how often a core is taken from a program that only reads the clock: pauses in which no
// server on that core could answer.
//
//   cc -O2 -o pauses pauses.c
//   pauses SECONDS MILLISECONDS
//
// Prints the number of pauses of at least MILLISECONDS, their sum in milliseconds, and the longest.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    double least = atof(arguments[2]), last = milliseconds(), end = last + 1e3 * atof(arguments[1]);
    double all = 0, longest = 0;
    int pauses = 0;
    while (last < end) {
        double now = milliseconds(), pause = now - last;
        if (pause >= least) {
            pauses++;
            all += pause;
        }
        if (pause > longest) longest = pause;
        last = now;
    }
    printf("{\"pauses\": %d, \"milliseconds\": %.1f, \"longest\": %.2f}\n", pauses, all, longest);
    return 0;
}
