"""Versions, keys, health and numbers of a real server; TLS."""
import ssl
import subprocess
import time

from support import ADMIN_KEY, QUERIES, READ_KEY, ServedTestCase, Server
from tessera_client import (Client, Conflict, ConnectionFailed, InvalidArgument, NotFound, PermissionDenied, TesseraError,
                            Unauthenticated)

PATIENCE_S = 60


class VersionTests(ServedTestCase):
    keys = True

    def client(self, key):
        client = Client(self.server.address, key)
        self.addCleanup(client.close)
        return client

    def serving(self, index, version):
        end = time.monotonic() + PATIENCE_S
        while index.detail().version != version:
            self.assertLess(time.monotonic(), end, f"version {version} is never served")
            time.sleep(0.02)

    def test_publish_and_rollback_move_the_answers(self):
        admin, reader = self.client(ADMIN_KEY).index("wordnet"), self.client(READ_KEY).index("wordnet")
        first = reader.search(QUERIES[0])
        listed = reader.versions()
        self.assertEqual((listed.serving, [version.version for version in listed.versions]), (1, [1]))
        self.assertEqual([draft.id for draft in listed.drafts], [self.sample.draft])

        published = admin.publish(self.sample.draft)
        self.assertEqual((published.version, published.kind, published.vectors, published.already_published), (2, "publish", 9980, False))
        again = admin.publish(self.sample.draft)
        self.assertEqual((again.version, again.already_published), (2, True))
        self.serving(reader, 2)
        self.assertEqual(reader.search(QUERIES[0]).version, 2)

        back = admin.rollback(1)
        self.assertEqual((back.version, back.kind), (3, "rollback"))
        self.serving(reader, 3)
        answer = reader.search(QUERIES[0])
        self.assertEqual((answer.version, answer.results), (3, first.results))
        last = reader.versions().versions[-1]
        self.assertEqual((last.version, last.state, last.kind, last.rollback_of), (3, "published", "rollback", 1))

    def test_what_cannot_be_published(self):
        admin = self.client(ADMIN_KEY).index("wordnet")
        for call in (lambda: admin.publish("no-such-draft"), lambda: admin.rollback(77)):
            with self.assertRaises((NotFound, InvalidArgument, Conflict)):
                call()

    def test_keys_are_asked_for(self):
        for key in (None, "wrong-key-of-the-tests"):
            with self.assertRaises(Unauthenticated) as caught:
                self.client(key).indexes()
            self.assertEqual(caught.exception.status, 401)
        for call in (lambda: self.client(READ_KEY).index("wordnet").rollback(1),
                     lambda: self.client(READ_KEY).index("wordnet").publish(self.sample.draft)):
            with self.assertRaises(PermissionDenied) as caught:
                call()
            self.assertNotIn(READ_KEY, repr(caught.exception) + str(caught.exception))

    def test_health_readiness_and_numbers(self):
        anybody, reader = self.client(None), self.client(READ_KEY)
        self.assertEqual(anybody.health().status, "ok")
        ready = anybody.ready()
        self.assertEqual((ready.ready, ready.closing, [index.name for index in ready.indexes]), (True, False, ["wordnet"]))
        for _ in range(3):
            reader.index("wordnet").search_batch(QUERIES)
        stats = reader.stats()
        self.assertGreaterEqual(stats.requests.queries, 3 * len(QUERIES))
        self.assertGreaterEqual(stats.stages["total"].count, 3)
        self.assertLessEqual(stats.stages["total"].p50, stats.stages["total"].p99)
        self.assertIn("wordnet", [index.name for index in stats.indexes])
        self.assertIn("# TYPE", reader.metrics())

    def test_what_an_index_is(self):
        index = self.client(READ_KEY).index("wordnet")
        detail, shards = index.detail(), index.shards()
        self.assertEqual((detail.name, detail.vectors, detail.dimension, detail.metric), ("wordnet", 9980, 384, "cosine"))
        self.assertTrue(detail.operating_points and detail.max_k >= 10 and detail.max_batch >= 1)
        self.assertEqual((len(shards.shards), sum(shard.vectors for shard in shards.shards)), (detail.shards, 9980))
        self.assertEqual([summary.name for summary in self.client(READ_KEY).indexes()], ["wordnet"])


class TLSTests(ServedTestCase):
    def test_certificates_are_verified(self):
        certificate, key = self.sample.folder / "certificate.pem", self.sample.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key),
                        "-out", str(certificate)], check=True, capture_output=True)
        key.chmod(0o600)
        with Server("--store", self.sample.address, "--tls-certificate", certificate, "--tls-key", key) as server:
            self.assertTrue(server.address.startswith("https://"))
            with Client(server.address, retries=0) as client, self.assertRaises(ConnectionFailed) as caught:
                client.health()
            self.assertIsInstance(caught.exception.__cause__, ssl.SSLCertVerificationError)
            with Client(server.address, tls=ssl.create_default_context(cafile=str(certificate))) as client:
                answers = [client.index("wordnet").search(query) for query in QUERIES]
                self.assertTrue(all(len(answer.results) == 10 for answer in answers))
            with Client(server.address.replace("https:", "http:"), retries=0) as client:
                self.assertRaises(TesseraError, client.health)
