"""What the benchmark measures."""
from dataclasses import dataclass, field


@dataclass
class Workload:
    name: str
    what: str
    load: list = field(default_factory=list)  # arguments of the load
    tls: bool = False
    deflate: str = "off"
    bytes_too: bool = False  # a server without framing takes part
    memory: bool = False  # bytes of an idle connection instead of time
    unit: str = "ns of CPU a message"
    program: tuple = ()  # a program that measures itself, instead of servers
    against: str = ""  # the server that it connects to; the program gets its port


def echo(name, what, *load, **more):
    return Workload(f"echo-{name}", f"{what}, 64 connections", [str(a) for a in load], bytes_too=True, **more)


def compressed(mode):
    return Workload(f"deflate-{mode}", f"1 KiB of JSON, {mode}, 64 connections",
                    ["--kind", "json", "--size", "1024", "--deflate", mode], deflate=mode)


def idle(name, size):
    return Workload(f"idle-{name}", f"10,000 connections after one message of {size} bytes",
                    ["--mode", "hold", "--connections", "10000", "--size", str(size)], memory=True,
                    unit="bytes a connection")


WORKLOADS = [
    echo("64-1", "64 bytes, 1 in flight"),
    echo("64-16", "64 bytes, 16 in flight", "--in-flight", 16),
    echo("1k", "1 KiB, 1 in flight", "--size", 1024),
    echo("16k", "16 KiB, 1 in flight", "--size", 16384),
    Workload("echo-1m", "1 MiB, 1 in flight, 8 connections", ["--size", str(1 << 20), "--connections", "8"],
             bytes_too=True),
    Workload("text-1k", "1 KiB of text in one to four bytes a letter, 64 connections",
             ["--kind", "text", "--size", "1024"]),
    Workload("tls-64-1", "64 bytes over TLS, 1 in flight, 64 connections", ["--tls", "1"], tls=True),
    Workload("tls-64-16", "64 bytes over TLS, 16 in flight, 64 connections", ["--tls", "1", "--in-flight", "16"], tls=True),
    Workload("tls-16k", "16 KiB over TLS, 1 in flight, 64 connections", ["--tls", "1", "--size", "16384"], tls=True),
    compressed("takeover"),
    compressed("no-takeover"),
    Workload("accept", "connect, handshake, one echo, close; 64 side by side", ["--mode", "churn"],
             unit="ns of CPU a connection"),
    idle("64", 64),
    idle("16k", 16384),
    Workload("dial", "connect, handshake, gone; the client's own CPU", program=("dials",), against="raw_echo",
             unit="ns of CPU a dial"),
    Workload("fan-out-1k", "one message to 1,000 subscribers", program=("fan_out", "--json"), unit="ns a delivery"),
    Workload("fan-out-10k", "one message to 10,000 subscribers", program=("fan_out", "--json", "", "10000"),
             unit="ns a delivery"),
    *(Workload(f"slow-{what}", f"a hub of 10,000 connections, some of which are slow: {what} of the healthy ones",
               program=("slow_clients", what), unit="us") for what in ("p50", "p99")),
    Workload("slow-memory", "the same: what its process grows by", program=("slow_clients", "memory"), unit="KiB"),
    Workload("streams", "byte streams and pipes over loopback, both ends", program=("streams", "512", "--json"),
             unit="us of CPU a MiB"),
]
