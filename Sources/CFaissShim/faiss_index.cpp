// Searches a shard through Faiss: an IndexIVFPQ filled with the shard's own centroids, codebooks
// and codes.
#include "faiss_shim.h"

#ifdef TESSERA_FAISS

#include "guarded.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/utils/distances.h>

#include <algorithm>
#include <memory>
#include <vector>

using tessera::guarded;

// The quantizer is declared first: the lists point to it, and members are destroyed in reverse
// order.
struct tessera_faiss_index {
    faiss::IndexFlat quantizer;
    faiss::IndexIVFPQ lists;

    tessera_faiss_index(
        int64_t d, int64_t count, int64_t m, int bits, faiss::MetricType metric)
        : quantizer(d, metric),
          lists(&quantizer, size_t(d), size_t(count), size_t(m), size_t(bits), metric) {}
};

int tessera_faiss_index_create(
    const float *centroids, int64_t lists, const float *codebooks, int64_t m, int64_t dsub,
    int bits, int inner_product, tessera_faiss_index **index, char *message,
    size_t message_capacity) {
    return guarded(message, message_capacity, [&] {
        const auto metric =
            inner_product != 0 ? faiss::METRIC_INNER_PRODUCT : faiss::METRIC_L2;
        auto made = std::make_unique<tessera_faiss_index>(m * dsub, lists, m, bits, metric);
        made->quantizer.add(lists, centroids);
        std::copy(
            codebooks, codebooks + (m * dsub << bits), made->lists.pq.centroids.begin());
        made->lists.is_trained = true;
        *index = made.release();
    });
}

int tessera_faiss_index_add(
    tessera_faiss_index *index, int64_t list, int64_t n, const int64_t *ids, const uint8_t *codes,
    char *message, size_t message_capacity) {
    return guarded(message, message_capacity, [&] {
        const size_t m = index->lists.pq.M;
        const size_t width = index->lists.code_size;
        const bool wide = index->lists.pq.nbits == 8;
        std::vector<uint8_t> packed(size_t(n) * width);
        for (size_t i = 0; i < size_t(n); i++) {
            for (size_t j = 0; j < m; j++) {
                // 4-bit codes are packed two per byte, the lower half first.
                const size_t place = i * width + (wide ? j : j / 2);
                packed[place] |= uint8_t(codes[i * m + j] << (wide ? 0 : j % 2 * 4));
            }
        }
        index->lists.invlists->add_entries(size_t(list), size_t(n), ids, packed.data());
        index->lists.ntotal += n;
    });
}

int tessera_faiss_index_search(
    const tessera_faiss_index *index, const float *x, const int64_t *lists, int64_t list_count,
    int64_t k, int64_t *ids, float *distances, char *message, size_t message_capacity) {
    return guarded(message, message_capacity, [&] {
        const size_t d = size_t(index->quantizer.d);
        std::vector<float> centroid(d);
        std::vector<float> to_centroids;
        for (int64_t i = 0; i < list_count; i++) {
            index->quantizer.reconstruct(lists[i], centroid.data());
            to_centroids.push_back(
                index->lists.metric_type == faiss::METRIC_L2
                    ? faiss::fvec_L2sqr(x, centroid.data(), d)
                    : faiss::fvec_inner_product(x, centroid.data(), d));
        }
        // Passed as an argument, since the index is shared between threads.
        faiss::IVFSearchParameters parameters;
        parameters.nprobe = size_t(list_count);
        // Without this argument some versions count in a global, which is a data race.
        faiss::IndexIVFStats counts;
        index->lists.search_preassigned(
            1, x, k, lists, to_centroids.data(), distances, ids, false, &parameters, &counts);
    });
}

void tessera_faiss_index_destroy(tessera_faiss_index *index) {
    delete index;
}

#endif
