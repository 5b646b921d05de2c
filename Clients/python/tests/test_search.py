"""Searches against a real server: answers, what they carry, refusals, threads and processes."""
import concurrent.futures
import http.client
import json
import os
import unittest
import urllib.parse

import numpy as np
from support import DIMENSION, QUERIES, TRUTH, ServedTestCase
from tessera_client import (BadAnswer, Client, ConnectionFailed, DeadlineExceeded, InvalidArgument, NotFound, Overloaded,
                            PayloadTooLarge, TesseraError)
from tessera_client.decode import batch_answer, search_answer


class SearchTests(ServedTestCase):
    def setUp(self):
        # Without retries, which would hide a connection that breaks between requests.
        self.client = Client(self.server.address, retries=0)
        self.addCleanup(self.client.close)
        self.index = self.client.index("wordnet")

    def test_the_exact_neighbours_are_found(self):
        found = sum(len(truth & set(self.index.search(query).ids)) for query, truth in zip(QUERIES, TRUTH))
        self.assertGreaterEqual(found / sum(map(len, TRUTH)), 0.9)

    def test_results_come_nearest_first_with_distance_and_score(self):
        answer = self.index.search(QUERIES[0], k=7)
        self.assertEqual(len(answer.results), 7)
        distances = [result.distance for result in answer.results]
        self.assertEqual(distances, sorted(distances))
        for result in answer.results:
            self.assertAlmostEqual(result.score, 1 - result.distance, places=5)
            self.assertIsNone(result.vector)
        self.assertEqual((answer.version, answer.complete, answer.share, answer.receipt), (1, True, None, None))
        self.assertIn(answer.source, ("ram", "disk", "store", "cache"))

    def test_a_batch_answers_as_its_queries_do_alone(self):
        batch = self.index.search_batch(QUERIES, k=5)
        alone = [self.index.search(query, k=5) for query in QUERIES]
        self.assertEqual(batch.results, [answer.results for answer in alone])
        self.assertEqual(batch.ids, [answer.ids for answer in alone])

    def test_lists_and_other_element_types_are_the_same_query(self):
        expected = self.index.search(QUERIES[1]).results
        for same in (QUERIES[1].tolist(), QUERIES[1].astype(np.float64), QUERIES[1].astype(np.int8), QUERIES[1][::-1].copy()[::-1]):
            self.assertEqual(self.index.search(same).results, expected)

    def test_base64_is_what_plain_json_numbers_are(self):
        parts = urllib.parse.urlsplit(self.server.address)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("POST", "/v1/indexes/wordnet/search", json.dumps({"vector": QUERIES[2].tolist()}))
        plain = json.load(connection.getresponse())["results"]
        self.assertEqual([(item["id"], item["distance"]) for item in plain],
                         [(result.id, result.distance) for result in self.index.search(QUERIES[2]).results])

    def test_more_like_an_id_leaves_the_id_out(self):
        nearest = self.index.search(QUERIES[3], k=1, with_vectors=True).results[0]
        alike = self.index.search_like(nearest.id, k=5)
        self.assertEqual(len(alike.results), 5)
        self.assertNotIn(nearest.id, alike.ids)
        by_vector = self.index.search(nearest.vector, k=6).ids
        self.assertEqual(by_vector[0], nearest.id)
        self.assertEqual(by_vector[1:], alike.ids)

    def test_vectors_come_when_asked_for(self):
        for result in self.index.search(QUERIES[0], k=3, with_vectors=True).results:
            self.assertEqual((result.vector.shape, result.vector.dtype), ((DIMENSION,), np.float32))
            self.assertAlmostEqual(float(np.linalg.norm(result.vector)), 1, places=2)
            cosine = float(result.vector @ QUERIES[0] / np.linalg.norm(QUERIES[0]))
            self.assertAlmostEqual(cosine, result.score, places=2)

    def test_parameters_reach_the_search(self):
        wide = self.index.search(QUERIES[0], nprobe=20, refine=200, explain=True)
        narrow = self.index.search(QUERIES[0], nprobe=np.int64(1), refine=np.int64(10), explain=True)
        self.assertGreater(wide.receipt.codes_scanned, narrow.receipt.codes_scanned)
        self.assertGreater(wide.receipt.rows_refined, narrow.receipt.rows_refined)
        third = wide.results[2].score
        self.assertEqual(len(self.index.search(QUERIES[0], nprobe=20, refine=200, score_threshold=third).results), 3)
        self.assertEqual(len(self.index.search_batch(QUERIES, explain=True).receipts), len(QUERIES))
        self.assertEqual(self.index.search(QUERIES[0], recall=0.9, version=1, deadline_ms=60_000, allow_partial=True).version, 1)

    def test_refusals_say_what_is_wrong(self):
        for call, kind, field in [
            (lambda: self.index.search(QUERIES[0][:-1]), InvalidArgument, "vector"),
            (lambda: self.index.search_batch(QUERIES[:, :-1]), InvalidArgument, "vectors"),
            (lambda: self.index.search(np.full(DIMENSION, np.nan)), InvalidArgument, "vector"),
            (lambda: self.index.search(QUERIES[0], k=0), InvalidArgument, "k"),
            (lambda: self.index.search(QUERIES[0], k=10**6), InvalidArgument, "k"),
            (lambda: self.index.search(QUERIES[0], recall=2), InvalidArgument, "recall"),
            (lambda: self.index.search(QUERIES[0], nprobe=1, recall=0.9), InvalidArgument, None),
            (lambda: self.index.search(QUERIES[0], version=99), NotFound, None),
            (lambda: self.index.search(QUERIES[0], deadline_ms=0), DeadlineExceeded, None),
            (lambda: self.index.search_like("no such id"), NotFound, None),
            (lambda: self.client.index("nothing").search(QUERIES[0]), NotFound, None),
            (lambda: self.client.index("nothing").versions(), NotFound, None),
        ]:
            with self.subTest(kind=kind.__name__, field=field), self.assertRaises(kind) as caught:
                call()
            error = caught.exception
            self.assertIsInstance(error, TesseraError)
            self.assertTrue(error.message and error.code and error.status >= 400)
            self.assertEqual(len(error.trace_id), 32)
            if field is not None:
                self.assertEqual(error.details.get("field"), field)

    def test_arrays_of_the_wrong_shape_are_not_sent(self):
        for call in (lambda: self.index.search(QUERIES), lambda: self.index.search_batch(QUERIES[0]),
                     lambda: self.index.search([]), lambda: self.index.search(1.0)):
            self.assertRaises(ValueError, call)

    def test_many_threads_share_a_client(self):
        expected = [self.index.search(query).results for query in QUERIES]

        def ask(number):
            return self.index.search(QUERIES[number % len(QUERIES)]).results

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            for number, results in enumerate(threads.map(ask, range(200))):
                self.assertEqual(results, expected[number % len(QUERIES)])

    def test_a_connection_is_kept(self):
        before = self.client.stats().connections
        for query in QUERIES:
            self.index.search(query)
        stats = self.client.stats()
        self.assertEqual(stats.connections, before)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_a_forked_process_does_not_read_its_parents_answers(self):
        expected = self.index.search(QUERIES[0]).results
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if all(self.index.search(QUERIES[0]).results == expected for _ in range(20)) else 1
            finally:
                os._exit(status)
        for _ in range(20):
            self.assertNotEqual(self.index.search(QUERIES[1]).results, expected)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_a_closed_client_refuses(self):
        self.client.close()
        self.assertRaises(ConnectionFailed, lambda: self.index.search(QUERIES[0]))

    def test_a_path_before_the_api_is_kept(self):
        with Client(self.server.address + "/nowhere/") as client:
            self.assertRaises(NotFound, client.stats)

    def test_answers_that_are_none_of_the_api_are_noticed(self):
        self.assertRaises(BadAnswer, search_answer, {"version": "1"})
        self.assertRaises(BadAnswer, batch_answer, {"version": 1, "complete": True, "took_ms": 1, "source": "ram", "results": []}, 2)


class SmallServerTests(ServedTestCase):
    options = ("--max-running", 1, "--max-waiting", 0, "--max-body-megabytes", 1)

    def test_an_overloaded_server_is_an_exception_with_its_pause(self):
        seen = []
        rows = np.repeat(QUERIES, 10, axis=0)

        def ask(_):
            with Client(self.server.address, retries=0) as client:
                try:
                    for _ in range(50):
                        client.index("wordnet").search_batch(rows)
                except Overloaded as error:
                    seen.append(error)

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            list(threads.map(ask, range(8)))
        self.assertTrue(seen, "400 batches from 8 threads never met a full server")
        self.assertEqual((seen[0].status, seen[0].code), (429, "overloaded"))
        self.assertGreater(seen[0].retry_after, 0)

    def test_a_body_that_is_too_large_is_named_so(self):
        with Client(self.server.address, retries=0) as client:
            with self.assertRaises((PayloadTooLarge, ConnectionFailed)):
                client.index("wordnet").search_batch(np.repeat(QUERIES, 100, axis=0))


class AddressTests(unittest.TestCase):
    def test_addresses_and_keys_are_checked(self):
        for address in ("127.0.0.1:80", "ftp://host", "http://", "http://a:b@host", "http://host/?x=1"):
            self.assertRaises(ValueError, Client, address)
        self.assertRaises(ValueError, Client, "http://127.0.0.1", "a\r\nb")
        self.assertRaises(ValueError, Client, "http://127.0.0.1", timeout=0)

    def test_an_unencrypted_key_over_a_network_is_warned_of(self):
        with self.assertWarns(UserWarning) as warned:
            Client("http://search.example", "secret-key")
        self.assertNotIn("secret-key", str(warned.warning))

    def test_nobody_there(self):
        with Client("http://127.0.0.1:9", retries=1) as client:
            self.assertRaises(ConnectionFailed, client.health)

    def test_a_key_is_never_shown(self):
        self.assertNotIn("secret-key", repr(Client("http://127.0.0.1:9", "secret-key")))


if __name__ == "__main__":
    unittest.main()
