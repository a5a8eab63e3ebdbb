"""Instructions in user space that a 64-byte message costs our server, counted by callgrind: no noise, hence a gate."""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from servers import BUILD, server

STORED = Path(__file__).resolve().parent / "instructions.json"
TOLERANCE = 1.05


def count(in_flight, messages):
    """Instructions of a server's life with 64 connections and so many messages."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", f"--log-file={log}",
                   str(BUILD / "examples/echo_server"), "--threads", "1"]
        with server(command) as target:
            subprocess.run([str(BUILD / "tests/bench/load"), "--port", str(target.port), "--in-flight", str(in_flight),
                            "--messages", str(messages)], check=True, stdout=subprocess.DEVNULL)
            target.process.terminate()
            target.process.wait()
        return int(re.search(r"Collected : (\d+)", log.read_text("utf-8")).group(1))


def per_message(in_flight):
    # What belongs to the start, the handshakes and the end is the same in both.
    few, many = 6400, 38400
    return (count(in_flight, many) - count(in_flight, few)) / (many - few)


def compiler():
    return subprocess.run(["g++", "-dumpfullversion"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def main(update):
    """Returns the exit code: 1 if a message has become dearer than stored."""
    figures = {f"{k} in flight": round(per_message(k)) for k in (1, 16)}
    stored = json.loads(STORED.read_text("ascii")) if STORED.exists() else {}
    known = stored.get(compiler())
    for name, now in figures.items():
        before = f", stored {known[name]:,}" if known else ""
        print(f"{name}: {now:,} instructions in user space per message{before}")
    if update:
        stored[compiler()] = figures
        STORED.write_text(json.dumps(stored, indent=1) + "\n", encoding="ascii")
        return 0
    if not known:
        print(f"g++ {compiler()} has no figures in {STORED.name}: nothing to compare with")
        return 0
    dearer = [name for name, now in figures.items() if now > known[name] * TOLERANCE]
    if dearer:
        print(f"dearer by more than 5 %: {', '.join(dearer)}", file=sys.stderr)
    return 1 if dearer else 0
