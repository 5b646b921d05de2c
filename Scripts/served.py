"""Runs a real `shardctl serve` for tests and measurements, on a free port and any store.

By hand, until its standard input ends; --keys asks for the keys named below:

    Scripts/served.py [--keys] [--shardctl .build/release/shardctl] [-- OPTIONS OF serve]
"""
import argparse, json, os, pathlib, select, shutil, signal, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARDCTL = pathlib.Path(os.environ.get("TESSERA_SHARDCTL", ROOT / ".build/release/shardctl"))
SAMPLE = ROOT / "Samples/wordnet"
READ_KEY, ADMIN_KEY = "read-key-of-the-tests", "admin-key-of-the-tests"
PATIENCE_S = 120


class Failed(Exception):
    """A program failed; the text has its command and its output."""


def shardctl(*arguments, program=SHARDCTL):
    """Standard output of one command."""
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"shardctl {' '.join(map(str, arguments))}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


class SampleStore:
    """A temporary store with an index `wordnet`: version 1 published, and a draft."""

    def __init__(self, program=SHARDCTL, copy_of=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-served-"))
        self.address = f"file://{self.folder}/store"
        self.program = program
        if copy_of is not None:
            shutil.copytree(copy_of.folder / "store", self.folder / "store")
            self.draft = copy_of.draft
            return
        try:
            self.train()
            shardctl("publish", "--store", self.address, "--index", "wordnet", "--quiet", program=program)
            # Without stored queries, publishing it measures nothing and is quick.
            self.draft = self.train("--seed", 2, "--tune-queries", 0)
        except Failed:
            self.remove()
            raise

    def train(self, *options):
        """The id of a new draft."""
        said = shardctl("train", "--store", self.address, "--index", "wordnet", "--vectors", SAMPLE / "base.i8bin", "--ids",
                        SAMPLE / "ids.txt", "--metric", "cosine", "--shard-size", 2500, "--quiet", "--json", *options, program=self.program)
        return json.loads(said)["draft"]

    def keys(self):
        """The path of a file of keys as `serve` wants it."""
        path = self.folder / "keys"
        path.touch(mode=0o600)
        path.write_text(f"read {READ_KEY}\nadmin {ADMIN_KEY}\n")
        return path

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Server:
    """`shardctl serve`, or with `command="worker"` a worker, from its start until `stop`."""

    def __init__(self, *arguments, program=SHARDCTL, command="serve", cores=None, ready=True):
        pinned = ["taskset", "-c", ",".join(map(str, cores))] if cores else []
        self.log = tempfile.TemporaryFile()
        place = ["--port", "0"] if command == "serve" else ["--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen([*pinned, str(program), command, *place, *map(str, arguments)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        self.command = f"shardctl {command} {' '.join(map(str, arguments))}"
        try:
            self.address = self.find_address()
            if ready and command == "serve":
                self.wait_until_ready()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def find_address(self):
        raw, end = b"", time.monotonic() + PATIENCE_S
        while b"\n" not in raw:
            came, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 4096) if came else b""
            if not piece:
                raise Failed(f"{self.command} does not serve: {raw.decode()}{self.said()}")
            raw += piece
        line = raw.split(b"\n")[0].decode()
        if not line.startswith(("serving ", "listening on ")):
            raise Failed(f"{self.command} said {line!r} instead of where it serves")
        return line.split()[-1]

    def wait_until_ready(self):
        import http.client
        import ssl
        import urllib.parse

        parts, end = urllib.parse.urlsplit(self.address), time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            # The state is public, so the certificate is not checked.
            connection = (http.client.HTTPConnection(parts.hostname, parts.port, timeout=10) if parts.scheme == "http" else
                          http.client.HTTPSConnection(parts.hostname, parts.port, timeout=10, context=ssl._create_unverified_context()))
            connection.request("GET", "/ready")
            status = connection.getresponse().status
            connection.close()
            if status == 200:
                return
            time.sleep(0.05)
        raise Failed(f"{self.command} never got ready: {self.said()}")

    def said(self):
        """The end of its log."""
        self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, self.log.tell() - 4000))
        return self.log.read().decode(errors="replace")

    def stop(self, number=signal.SIGTERM):
        """Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"{self.command} did not end: {self.said()}") from None
        finally:
            self.process.stdout.close()
            self.log.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.log.closed:
            self.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", action="store_true", help="ask for keys")
    parser.add_argument("--shardctl", type=pathlib.Path, default=SHARDCTL)
    parser.add_argument("options", nargs="*", help="for serve, after --")
    arguments = parser.parse_args()
    sample = SampleStore(arguments.shardctl)
    try:
        keys = ["--keys", sample.keys()] if arguments.keys else []
        with Server("--store", sample.address, *keys, *arguments.options, program=arguments.shardctl) as server:
            print(server.address, flush=True)
            sys.stdin.read()
    except Failed as error:
        sys.exit(str(error))
    finally:
        sample.remove()


if __name__ == "__main__":
    main()
