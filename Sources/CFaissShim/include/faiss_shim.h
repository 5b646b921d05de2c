// A C interface to libfaiss. The functions exist only if the package is built with `--traits
// Faiss`.
//
// Every call runs on the calling thread alone, may be made from several threads at once, and
// returns a status. If that is not TESSERA_FAISS_OK, `message` (owned by the caller,
// `message_capacity` bytes, at least 1) holds a zero-terminated reason. No exception crosses. The
// caller checks sizes and pointers: matrices are row-major, and the shim does not check shapes.
#ifndef TESSERA_FAISS_SHIM_H
#define TESSERA_FAISS_SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TESSERA_FAISS_OK = 0,
    TESSERA_FAISS_FAILED = 1,
    TESSERA_FAISS_OUT_OF_MEMORY = 2,
};

// The version of the Faiss headers this was compiled with, "1.7.3". Static storage.
const char *tessera_faiss_version(void);

// k-means on x [n][d] with n >= k; writes centroids [k][d].
int tessera_faiss_train_centroids(
    const float *x, int64_t n, int64_t d, int64_t k, int iterations, int seed, float *centroids,
    char *message, size_t message_capacity);

// The nearest of centroids [k][d] for each row of x [n][d]: labels [n], squared distances [n].
int tessera_faiss_assign(
    const float *x, int64_t n, int64_t d, const float *centroids, int64_t k, uint32_t *labels,
    float *distances, char *message, size_t message_capacity);

// Product quantizer codebooks [m][2^bits][dsub] for x [n][m * dsub] with n >= 2^bits.
int tessera_faiss_train_codebooks(
    const float *x, int64_t n, int64_t m, int64_t dsub, int bits, int seed, float *codebooks,
    char *message, size_t message_capacity);

// Codes [n][m], one per byte, of x [n][m * dsub].
int tessera_faiss_encode(
    const float *x, int64_t n, const float *codebooks, int64_t m, int64_t dsub, int bits,
    uint8_t *codes, char *message, size_t message_capacity);

// An OPQ rotation [m * dsub][d] for x [n][d] with d <= m * dsub and n >= 2^bits.
int tessera_faiss_train_rotation(
    const float *x, int64_t n, int64_t d, int64_t m, int64_t dsub, int bits, int seed,
    float *rotation, char *message, size_t message_capacity);

// An IVF-PQ index of residuals. Several threads may search at once; adding must be exclusive.
typedef struct tessera_faiss_index tessera_faiss_index;

// Creates an index without vectors from centroids [lists][m * dsub] and codebooks
// [m][2^bits][dsub]. It uses inner product if `inner_product` is not 0, else squared distance. The
// caller destroys *index.
int tessera_faiss_index_create(
    const float *centroids, int64_t lists, const float *codebooks, int64_t m, int64_t dsub,
    int bits, int inner_product, tessera_faiss_index **index, char *message,
    size_t message_capacity);

// Adds n vectors to a list: ids [n], none negative; codes [n][m], one per byte.
int tessera_faiss_index_add(
    tessera_faiss_index *index, int64_t list, int64_t n, const int64_t *ids, const uint8_t *codes,
    char *message, size_t message_capacity);

// The k nearest to x [m * dsub] in the given lists [list_count], each list given once: ids [k] and
// distances [k], nearest first. If there are fewer, the remaining ids are -1.
int tessera_faiss_index_search(
    const tessera_faiss_index *index, const float *x, const int64_t *lists, int64_t list_count,
    int64_t k, int64_t *ids, float *distances, char *message, size_t message_capacity);

void tessera_faiss_index_destroy(tessera_faiss_index *index);

#ifdef __cplusplus
}
#endif
#endif
