"""What the serving benchmarks share: requests, load by load.c, what a server costs while it runs."""
import base64, json, os, pathlib, re, struct, subprocess, threading, time
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
RECORD = np.dtype([("start", "f8"), ("latency", "f4"), ("status", "i2"), ("incomplete", "u1"), ("kept", "u1"), ("ids", "u1"),
                   ("same", "u1"), ("spare", "6u1")])
ELEMENTS = {".fbin": np.float32, ".u8bin": np.uint8, ".i8bin": np.int8, ".ibin": np.int32}


def rows(path):
    count, width = np.fromfile(path, np.uint32, 2)
    return np.fromfile(path, ELEMENTS[path.suffix], offset=8).reshape(count, width)


def mapped_rows(path):
    count, width = (int(number) for number in np.fromfile(path, np.uint32, 2))
    return np.memmap(path, ELEMENTS[path.suffix], "r", 8, (count, width))


def write_rows(path, values):
    with open(path, "wb") as file:
        np.array(values.shape, np.uint32).tofile(file)
        np.ascontiguousarray(values).tofile(file)
    return path


def base64_of(values):
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def search_request(index, body):
    text = json.dumps(body, separators=(",", ":")).encode()
    return (f"POST /v1/indexes/{index}/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n").encode() + text


def write_requests(path, requests):
    with open(path, "wb") as file:
        for request in requests:
            file.write(struct.pack("<I", len(request)) + request)
    return path


def pauses(folder, cores, seconds, milliseconds):
    """How often each core was taken, for at least `milliseconds`, from a program that only reads the clock."""
    program = pathlib.Path(folder) / "pauses"
    subprocess.run(["clang", "-O2", "-std=c11", "-o", program, HERE / "pauses.c"], check=True)
    started = {core: subprocess.Popen(["taskset", "-c", str(core), program, str(seconds), str(milliseconds)], stdout=subprocess.PIPE, text=True)
               for core in cores}
    return {core: json.loads(process.communicate()[0]) for core, process in started.items()}


class Loader:
    """Compiled once; each run is a process of its own."""

    def __init__(self, folder, cores):
        self.folder, self.cores, self.number = pathlib.Path(folder), cores, 0
        self.program = self.folder / "load"
        subprocess.run(["clang", "-O2", "-std=c11", "-o", self.program, HERE / "load.c", "-lm"], check=True)

    def start(self, server, requests, seconds, connections, rate=0, arrivals="even"):
        self.number += 1
        records = self.folder / f"records-{self.number}"
        port = int(server.address.rsplit(":", 1)[1])
        process = subprocess.Popen(["taskset", "-c", ",".join(map(str, self.cores)), str(self.program), str(port), str(requests), str(records),
                                    str(connections), str(seconds), str(rate), arrivals], stdout=subprocess.PIPE, text=True)
        return Run(process, records, float(process.stdout.readline()), seconds)

    def run(self, *arguments, **options):
        return self.start(*arguments, **options).finish()


class Run:
    def __init__(self, process, records, origin, seconds):
        self.process, self.records, self.origin, self.seconds = process, records, origin, seconds

    def now(self):
        """Seconds since its start, as its records count them."""
        return time.monotonic() - self.origin

    def stop(self):
        self.seconds = self.now()
        self.process.terminate()
        return self.finish()

    def finish(self):
        if self.process.wait() != 0:
            raise RuntimeError("the load ended with an error")
        self.process.stdout.close()
        records = np.fromfile(self.records, RECORD)
        self.records.unlink()
        return Outcome(records, self.seconds)


class Outcome:
    def __init__(self, records, seconds):
        self.records, self.seconds = records, seconds
        self.failed = records[records["status"] != 200]
        self.rate = (len(records) - len(self.failed)) / seconds

    def percentile(self, *which, since=0.0, until=float("inf")):
        """Milliseconds; of what was asked between `since` and `until`, in seconds of the run."""
        asked = self.between(since, until)
        good = asked["latency"][asked["status"] == 200]
        return [float(value) for value in np.percentile(good, which)] if len(good) else [float("nan")] * len(which)

    def between(self, since, until):
        return self.records[(self.records["start"] >= since) & (self.records["start"] < until)]

    def under_way(self, time_s):
        """Those asked before and answered after it."""
        ends = self.records["start"] + self.records["latency"] / 1000
        return int(((self.records["start"] < time_s) & (ends >= time_s)).sum())

    def failures(self):
        """How many of which status; 0 is a broken connection, -1 a refused one, -2 no answer."""
        return {int(status): int(count) for status, count in zip(*np.unique(self.failed["status"], return_counts=True))}

    def answered(self, since, until):
        """Good answers a second to what was asked between `since` and `until`."""
        asked = self.between(since, until)
        return float((asked["status"] == 200).sum() / max(1e-9, until - since))


def cpu_seconds(process):
    """User and system time of a process and its threads."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stolen_seconds(cores):
    """Time in which the host let these cores wait, since the machine started."""
    fields = {line.split()[0]: line.split() for line in pathlib.Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")}
    return sum(int(fields[f"cpu{core}"][8]) for core in cores) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


class Watch(threading.Thread):
    """Looks at a process every so often: seconds since the start, resident megabytes, open descriptors."""

    def __init__(self, process, every_s):
        super().__init__(daemon=True)
        self.process, self.every_s, self.seen, self.ended = process, every_s, [], threading.Event()
        self.start()

    def run(self):
        start = time.monotonic()
        while not self.ended.wait(self.every_s) and self.process.poll() is None:
            self.seen.append((time.monotonic() - start, resident_megabytes(self.process), descriptors(self.process)))

    def finish(self):
        self.ended.set()
        self.join()
        return self.seen
