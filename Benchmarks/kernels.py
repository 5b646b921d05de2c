#!/usr/bin/env python3
"""Times the 4-bit scan kernels and writes a section of RESULTS.md.

    Benchmarks/kernels.py [--core N] [--megabytes 2048]
"""
import argparse, json, os, pathlib, statistics, subprocess, tempfile
import common

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = HERE.parent / "Sources" / "CVectorKernels"
ROUNDS = 5

# Vector instructions of a block of 32 vectors with 48 subquantizers and a bias byte. Loads go beside them.
# avx512: 12 steps of (shift, 2 and, 2 shuffle, 2 add), then 4 of 512 bits and 10 of 256 to fold, add the bias and compare.
# avx2: 24 steps of the same 7, then 10.
# Ports that can take them: Intel's cores have two for 512-bit registers and three for 256-bit ones; AMD's from Zen 5 on four for
# either, of which two shift and shuffle (12 x 3 / 2 and 24 x 3 / 2: less than all have to do).
STEPS = {"avx512": (12 * 7 + 4, 10), "avx2": (0, 24 * 7 + 10)}
PORTS = {"GenuineIntel": (2, 3), "AuthenticAMD": (4, 4)}


def limits():
    vendor = next(line.split()[-1] for line in open("/proc/cpuinfo") if line.startswith("vendor_id"))
    wide, narrow = PORTS[vendor]
    return {isa: large / wide + small / narrow for isa, (large, small) in STEPS.items()}


def measure(binary, isa, core, megabytes):
    out = common.run(binary, megabytes, cores=[core], TESSERA_ISA=isa)
    return json.loads(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--megabytes", type=int, default=2048)
    given = parser.parse_args()
    most = limits()
    with tempfile.TemporaryDirectory() as folder:
        binary = pathlib.Path(folder) / "kernels"
        subprocess.run(["clang", "-O2", "-std=c11", f"-I{KERNELS}/include", HERE / "kernels.c", *KERNELS.glob("*.c"), "-lm", "-o",
                        binary], check=True)
        rows = [[measure(binary, isa, given.core, given.megabytes) for _ in range(ROUNDS)] for isa in most]
    lines = ["## Kernels", "", f"{common.machine()}. Lists of 224 vectors, 48 subquantizers of 4 bits and a bias byte; medians of "
             f"{ROUNDS} runs of the best of many passes.", "", f"    Benchmarks/kernels.py --megabytes {given.megabytes}", "",
             "The limit is counted by hand from the vector instructions of a block (Benchmarks/kernels.py has the count); memory is "
             f"{given.megabytes} MB in huge pages, read in order.", "",
             "| kernel | ns a vector, codes in L2 | cycles a block | limit | reached | from RAM, GB/s | plain reads, GB/s | reached |",
             "|---|---|---|---|---|---|---|---|"]
    for runs in rows:
        isa = runs[0]["isa"]
        middle = lambda value: statistics.median(value(run) for run in runs)
        cycles = middle(lambda run: 32 * run["l2_ns_per_vector"] * run["ghz"])
        share = middle(lambda run: run["ram_scan_gb_s"] / run["ram_read_gb_s"])
        lines.append(f"| {isa} | {middle(lambda run: run['l2_ns_per_vector']):.2f} | {cycles:.1f} | {most[isa]:.1f} | "
                     f"{most[isa] / cycles:.0%} | {middle(lambda run: run['ram_scan_gb_s']):.1f} | "
                     f"{middle(lambda run: run['ram_read_gb_s']):.1f} | {share:.0%} |")
    common.replace_section(HERE / "RESULTS.md", "\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
