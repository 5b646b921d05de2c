"""What the client makes of a connection that breaks and a server that has no time: a proxy does it to a real server."""
import time

from support import QUERIES, Proxy, ServedTestCase
from tessera_client import APIError, Client, ConnectionFailed, TimedOut


class BehindProxy(ServedTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = Proxy(cls.server.address)
        cls.addClassCleanup(cls.proxy.stop)
        with Client(cls.server.address) as client:
            cls.expected = client.index("wordnet").search(QUERIES[0]).results

    def setUp(self):
        self.addCleanup(self.proxy.rules)

    def index(self, **options):
        client = Client(self.proxy.address, **options)
        self.addCleanup(client.close)
        return client.index("wordnet")


class FailureTests(BehindProxy):
    def test_a_search_survives_what_happens_once(self):
        for fault in ({"fault": "reset"}, {"fault": "reset", "applied": True}, {"fault": "truncate", "bytes": 40},
                      {"fault": "answer", "status": 503}, {"fault": "answer", "status": 429}):
            with self.subTest(**fault):
                index = self.index()
                self.proxy.rules({**fault, "times": 1})
                self.assertEqual(index.search(QUERIES[0]).results, self.expected)
                self.assertEqual(self.proxy.seen(), 2)

    def test_a_kept_connection_that_broke_is_replaced(self):
        index = self.index()
        self.proxy.rules()
        index.search(QUERIES[0])
        self.proxy.rules({"fault": "reset", "times": 1})
        self.assertEqual(index.search(QUERIES[0]).results, self.expected)

    def test_retries_end(self):
        for fault, kind in (({"fault": "reset"}, ConnectionFailed), ({"fault": "answer", "status": 503}, APIError)):
            with self.subTest(**fault):
                index = self.index(retries=2)
                self.proxy.rules(fault)
                self.assertRaises(kind, index.search, QUERIES[0])
                self.assertEqual(self.proxy.seen(), 3)

    def test_what_the_server_decided_is_not_asked_again(self):
        index = self.index()
        self.proxy.rules({"fault": "answer", "status": 500})
        with self.assertRaises(APIError) as caught:
            index.search(QUERIES[0])
        self.assertEqual((caught.exception.status, self.proxy.seen()), (500, 1))

    def test_the_pause_that_the_server_asks_for_is_kept(self):
        index = self.index()
        self.proxy.rules({"fault": "answer", "status": 429, "retryAfter": 1, "times": 1})
        start = time.monotonic()
        self.assertEqual(index.search(QUERIES[0]).results, self.expected)
        self.assertGreaterEqual(time.monotonic() - start, 1)

    def test_a_pause_longer_than_the_time_limit_is_not_begun(self):
        index = self.index(timeout=20)
        self.proxy.rules({"fault": "answer", "status": 429, "retryAfter": 3600})
        with self.assertRaises(APIError) as caught:
            index.search(QUERIES[0])
        self.assertEqual((caught.exception.status, caught.exception.retry_after, self.proxy.seen()), (429, 3600, 1))

    def test_no_answer_ends_at_the_time_limit(self):
        index = self.index(timeout=0.5)
        self.proxy.rules({"fault": "hold"})
        self.assertRaises(TimedOut, index.search, QUERIES[0])
        self.assertEqual(self.proxy.seen(), 1)

    def test_an_answer_that_stops_half_way_ends_at_the_time_limit(self):
        index = self.index(timeout=0.5)
        self.proxy.rules({"fault": "hold", "applied": True, "bytes": 30})
        self.assertRaises(TimedOut, index.search, QUERIES[0])


class AdminFailureTests(BehindProxy):
    def test_publish_is_repeated_and_a_rollback_only_where_nothing_was_done(self):
        self.proxy.rules({"fault": "reset", "applied": True, "method": "POST", "times": 1})
        published = self.index().publish(self.sample.draft)
        self.assertEqual((published.version, published.already_published, self.proxy.seen()), (2, True, 2))
        self.rollback_that_may_have_happened_is_not_sent_again()
        self.rollback_that_was_refused_is_sent_again()

    def rollback_that_may_have_happened_is_not_sent_again(self):
        index = self.index()
        self.proxy.rules({"fault": "reset", "applied": True, "method": "POST"})
        self.assertRaises(ConnectionFailed, index.rollback, 1)
        self.assertEqual(self.proxy.seen(), 1)
        self.proxy.rules()
        self.assertEqual([version.version for version in index.versions().versions], [1, 2, 3])

    def rollback_that_was_refused_is_sent_again(self):
        self.proxy.rules({"fault": "answer", "status": 429, "times": 1})
        self.assertEqual(self.index().rollback(2).version, 4)
