"""What the tests share: a real server on the bundled sample, and a proxy before it that makes requests fail."""
import atexit
import contextlib
import functools
import json
import pathlib
import struct
import subprocess
import sys
import unittest
import urllib.request

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "Scripts"), str(ROOT / "Clients/python/src")]

import served  # noqa: E402
from served import ADMIN_KEY, READ_KEY, SAMPLE, SampleStore, Server  # noqa: E402,F401


def rows(path, kind):
    raw = path.read_bytes()
    count, columns = struct.unpack_from("<II", raw)
    return np.frombuffer(raw, kind, offset=8).reshape(count, columns)


QUERIES = rows(SAMPLE / "queries.i8bin", np.int8).astype(np.float32)
IDS = (SAMPLE / "ids.txt").read_text().splitlines()
TRUTH = [{IDS[row] for row in neighbours} for neighbours in rows(SAMPLE / "truth.ibin", np.int32)]
DIMENSION = QUERIES.shape[1]


@functools.lru_cache(maxsize=None)
def trained():
    sample = SampleStore()
    atexit.register(sample.remove)
    return sample


class ServedTestCase(unittest.TestCase):
    """A store and a server of the class's own, so that no class sees what another one publishes."""

    keys = False
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.sample = SampleStore(copy_of=trained())
        cls.addClassCleanup(cls.sample.remove)
        keys = ["--keys", cls.sample.keys()] if cls.keys else []
        cls.server = Server("--store", cls.sample.address, "--poll-seconds", 0.1, *keys, *cls.options)
        cls.addClassCleanup(cls.server.stop)


class Proxy:
    """Scripts/fault-proxy.py before a server."""

    def __init__(self, address):
        self.process = subprocess.Popen([sys.executable, str(ROOT / "Scripts/fault-proxy.py"), address, "--attached"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()

    def rules(self, *rules):
        """Makes requests about the sample's index fail as the rules say, from now on."""
        request = urllib.request.Request(f"{self.address}/_faults/wordnet", json.dumps(rules).encode(), method="PUT")
        urllib.request.urlopen(request, timeout=30).close()

    def seen(self):
        """How many requests about the index came since the rules were set."""
        with contextlib.closing(urllib.request.urlopen(f"{self.address}/_faults/wordnet", timeout=30)) as answer:
            return json.load(answer)["seen"]

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)
