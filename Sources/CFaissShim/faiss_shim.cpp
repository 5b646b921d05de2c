// The parts of Faiss that Tessera uses: k-means, assignment, product quantizers and OPQ rotations.
// Compiles against Faiss 1.7.3 and newer; empty without the trait, since a root build compiles it
// in any case.
#include "faiss_shim.h"

#ifdef TESSERA_FAISS

#include "guarded.h"

#include <faiss/Clustering.h>
#include <faiss/Index.h>
#include <faiss/IndexFlat.h>
#include <faiss/VectorTransform.h>
#include <faiss/impl/ProductQuantizer.h>
#include <faiss/utils/distances.h>
#include <faiss/utils/random.h>
#include <faiss/utils/utils.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

using tessera::guarded;

namespace {

// The caller samples: Faiss must not drop points, nor print a warning that there are few.
void use_all_points(faiss::ClusteringParameters &parameters, int iterations, int seed) {
    parameters.niter = iterations;
    parameters.seed = seed;
    parameters.verbose = false;
    parameters.min_points_per_centroid = 1;
    parameters.max_points_per_centroid = std::numeric_limits<int>::max();
}

// For each centroid, the lowest one with the same coordinates. BLAS may round two equal columns
// differently, so ties between equal centroids must be mapped to the lower one.
std::vector<uint32_t> lowest_equals(const float *centroids, int64_t k, int64_t d) {
    const size_t row = size_t(d) * sizeof(float);
    std::vector<uint32_t> order(static_cast<size_t>(k));
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
        const int difference =
            std::memcmp(centroids + size_t(a) * d, centroids + size_t(b) * d, row);
        return difference != 0 ? difference < 0 : a < b;
    });
    std::vector<uint32_t> lowest(order.size());
    for (size_t i = 0; i < order.size(); i++) {
        const bool repeats = i > 0 &&
            std::memcmp(centroids + size_t(order[i]) * d, centroids + size_t(order[i - 1]) * d,
                        row) == 0;
        lowest[order[i]] = repeats ? lowest[order[i - 1]] : order[i];
    }
    return lowest;
}

}  // namespace

#define TESSERA_TEXT_(x) #x
#define TESSERA_TEXT(x) TESSERA_TEXT_(x)

const char *tessera_faiss_version(void) {
    return TESSERA_TEXT(FAISS_VERSION_MAJOR) "." TESSERA_TEXT(FAISS_VERSION_MINOR) "." TESSERA_TEXT(
        FAISS_VERSION_PATCH);
}

int tessera_faiss_train_centroids(
    const float *x, int64_t n, int64_t d, int64_t k, int iterations, int seed, float *centroids,
    char *message, size_t message_capacity) {
    return guarded(message, message_capacity, [&] {
        faiss::Clustering clustering(static_cast<int>(d), static_cast<int>(k));
        use_all_points(clustering, iterations, seed);
        faiss::IndexFlatL2 index(d);
        clustering.train(n, x, index);
        std::copy(clustering.centroids.begin(), clustering.centroids.end(), centroids);
    });
}

int tessera_faiss_assign(
    const float *x, int64_t n, int64_t d, const float *centroids, int64_t k, uint32_t *labels,
    float *distances, char *message, size_t message_capacity) {
    return guarded(message, message_capacity, [&] {
        faiss::IndexFlatL2 index(d);
        index.add(k, centroids);
        std::vector<int64_t> found(static_cast<size_t>(n));
        index.search(n, x, 1, distances, found.data());
        const std::vector<uint32_t> lowest = lowest_equals(centroids, k, d);
        for (int64_t i = 0; i < n; i++) {
            // No result (-1) means that the distance overflowed: report centroid 0 at an infinite
            // distance.
            labels[i] = found[size_t(i)] < 0 ? 0 : lowest[size_t(found[size_t(i)])];
            // Recomputed, to avoid the cancellation in the search's ||x||^2 + ||c||^2 - 2 x.c.
            distances[i] = faiss::fvec_L2sqr(x + i * d, centroids + int64_t(labels[i]) * d, size_t(d));
        }
    });
}

namespace {

// Lloyd iterations per subquantizer: within 1% of the error of Faiss's default of 25 (measured), in
// 3/5 of the time, and the same number as in the mock backend.
constexpr int codebook_iterations = 15;

// OPQ iterations; Faiss's default is 50. One iteration at d = 784 on 8,000 vectors takes a second.
// The error falls to 0.30, 0.24 and 0.20 of a plain product quantizer's in 10, 20 and 50 iterations
// (measured on correlated 64-d vectors).
constexpr int rotation_iterations = 20;
constexpr int rotation_codebook_iterations = 4;

}  // namespace

int tessera_faiss_train_codebooks(
    const float *x, int64_t n, int64_t m, int64_t dsub, int bits, int seed, float *codebooks,
    char *message, size_t message_capacity) {
    return guarded(message, message_capacity, [&] {
        faiss::ProductQuantizer quantizer{size_t(m * dsub), size_t(m), size_t(bits)};
        use_all_points(quantizer.cp, codebook_iterations, seed);
        quantizer.train(size_t(n), x);
        std::copy(quantizer.centroids.begin(), quantizer.centroids.end(), codebooks);
    });
}

int tessera_faiss_encode(
    const float *x, int64_t n, const float *codebooks, int64_t m, int64_t dsub, int bits,
    uint8_t *codes, char *message, size_t message_capacity) {
    return guarded(message, message_capacity, [&] {
        faiss::ProductQuantizer quantizer{size_t(m * dsub), size_t(m), size_t(bits)};
        std::copy(codebooks, codebooks + (m * dsub << bits), quantizer.centroids.begin());
        std::vector<uint8_t> packed(quantizer.code_size);
        for (int64_t i = 0; i < n; i++) {
            // One vector at a time: compute_codes uses BLAS for wide subspaces, where a vector's
            // code depends on its neighbours in the batch, and ties on rounding.
            quantizer.compute_code(x + i * m * dsub, packed.data());
            uint8_t *row = codes + i * m;
            for (int64_t j = 0; j < m; j++) {
                // 4-bit codes are packed two per byte, the lower half first.
                row[j] = bits == 8 ? packed[size_t(j)] : (packed[size_t(j / 2)] >> (j % 2 * 4)) & 15;
            }
        }
    });
}

int tessera_faiss_train_rotation(
    const float *x, int64_t n, int64_t d, int64_t m, int64_t dsub, int bits, int seed,
    float *rotation, char *message, size_t message_capacity) {
    return guarded(message, message_capacity, [&] {
        const int64_t padded = m * dsub;
        faiss::ProductQuantizer quantizer{size_t(padded), size_t(m), size_t(bits)};
        use_all_points(quantizer.cp, rotation_codebook_iterations, seed);
        faiss::OPQMatrix opq(static_cast<int>(d), static_cast<int>(m), static_cast<int>(padded));
        opq.pq = &quantizer;
        opq.niter = rotation_iterations;
        opq.niter_pq = rotation_codebook_iterations;
        opq.niter_pq_0 = rotation_codebook_iterations;
        opq.max_train_points = size_t(n);
        opq.verbose = false;
        // Faiss starts from a rotation with its own fixed seed unless it is given one.
        opq.A.resize(size_t(padded * padded));
        faiss::float_randn(opq.A.data(), opq.A.size(), seed);
        faiss::matrix_qr(int(padded), int(padded), opq.A.data());
        opq.train(n, x);
        std::copy(opq.A.begin(), opq.A.begin() + padded * d, rotation);
    });
}

#endif
