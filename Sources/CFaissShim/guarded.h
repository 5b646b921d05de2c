// The wrapper around every function of the shim: it uses one thread and lets no exception cross.
#ifndef TESSERA_FAISS_GUARDED_H
#define TESSERA_FAISS_GUARDED_H

#include "faiss_shim.h"

#include <cstdio>
#include <exception>
#include <new>

// Declared here: <omp.h> belongs to the compiler and <cblas.h> to the distribution, and neither may
// be installed.
extern "C" void omp_set_num_threads(int);
extern "C" void openblas_set_num_threads(int);
extern "C" int openblas_get_num_threads(void);

namespace tessera {

// OpenMP keeps its thread count per thread and OpenBLAS per process, so both are set on each call.
// Tessera trains one shard per thread; a team of threads under each would compete for the same
// cores.
inline void use_one_thread() {
    omp_set_num_threads(1);
    if (openblas_get_num_threads() != 1) {
        openblas_set_num_threads(1);
    }
}

inline void write_message(char *message, size_t capacity, const char *text) noexcept {
    std::snprintf(message, capacity, "%s", text);
}

template <class Body>
int guarded(char *message, size_t capacity, Body body) noexcept {
    try {
        use_one_thread();
        body();
        return TESSERA_FAISS_OK;
    } catch (const std::bad_alloc &) {
        write_message(message, capacity, "out of memory");
        return TESSERA_FAISS_OUT_OF_MEMORY;
    } catch (const std::exception &error) {
        write_message(message, capacity, error.what());
    } catch (...) {
        write_message(message, capacity, "unknown exception");
    }
    return TESSERA_FAISS_FAILED;
}

}  // namespace tessera

#endif
