"""What the benchmarks share: starting programs, naming the machine, keeping a file of results in sections."""
import os, platform, subprocess


class Failed(Exception):
    """A program that ended with an error; the text has its command and what it said."""


def run(*command, cores=None, nice=0, **environment):
    """Standard output of a program, pinned to `cores` if given."""
    before = ["taskset", "-c", ",".join(map(str, cores))] if cores is not None else []
    before += ["nice", "-n", nice] if nice else []
    done = subprocess.run([str(part) for part in (*before, *command)], capture_output=True, text=True,
                          env={**os.environ, **environment})
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def replace_section(path, text):
    """Puts `text`, a section with its title, in the place of the one with the same title, or at the end."""
    title = text.split("\n", 1)[0]
    parts = path.read_text().split("\n## ") if path.exists() else ["# Measured\n"]
    sections = [parts[0].rstrip()] + ["## " + part.rstrip() for part in parts[1:]]
    for number, section in enumerate(sections):
        if section.split("\n", 1)[0] == title:
            sections[number] = text.rstrip()
            break
    else:
        sections.append(text.rstrip())
    path.write_text("\n\n".join(sections) + "\n")
