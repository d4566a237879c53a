#!/usr/bin/python3
"""Warm runs give what cold runs give, and siblings share nothing that a program could see.

    run_tests.py [--as-user] PATH/TO/sandpit [CLASS[.TEST] ...]

Every program of programs.py runs cold (sandpit run) and forked from a template (SANDPIT_TEST_WARM, tests/support/warm_run).
"""

import collections
import json
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import java  # noqa: E402
import programs  # noqa: E402
import sandpit_tests  # noqa: E402
from neighbours import Neighbours, Preloads  # noqa: E402, F401
from preloads import LanguagePreloads  # noqa: E402, F401
from sandpit_tests import Case, main  # noqa: E402
from siblings import Siblings  # noqa: E402

INTERPRETERS = {"py": "python3", "js": "node", "mjs": "node", "rb": "ruby", "php": "php", "pl": "perl", "lua": "lua5.4", "java": "javac"}
COUNT = 100  # of siblings


class Warm(Case):
    def setUp(self):
        super().setUp()
        if not sandpit_tests.WARM:
            self.fail("SANDPIT_TEST_WARM is not set")

    def both(self, name, text, *options, arguments=(), stdin=b""):
        """The Outcomes of a cold and of a warm run of the same program."""
        self.write(name, text)
        done = self.sandpit("run", "--json", *options, "--", name, *arguments, stdin=stdin)
        cold = json.loads(done.stdout)
        warm = self.outcome(name, *options, arguments=arguments, stdin=stdin)
        self.assertEqual(cold["start"], "cold")
        self.assertEqual(warm["start"], "warm", warm)
        return cold, warm


class Same(Warm):
    def compare(self, extension):
        self.need(INTERPRETERS[extension])
        # Each starts a launcher and a template: where that takes seconds, some of the programs are enough.
        every = 1 if sandpit_tests.SLOWNESS < 4 else 8
        for name, program in list(programs.ALL[extension].items())[::every]:
            with self.subTest(name):
                cold, warm = self.both("main." + extension, program.text, arguments=program.arguments, stdin=program.stdin)
                for outcome in (cold, warm):
                    outcome["stderr"] = re.sub("0x[0-9a-f]{8,}", "ADDRESS", outcome["stderr"])
                keys = ["status", "exit_code", "signal", "stdout", "stderr", "stdout_truncated"]
                # A program that was killed or never said anything would be the same for the wrong reason.
                self.assertEqual(cold["status"], program.status, cold)
                self.assertTrue(cold["stdout"] or cold["stderr"], cold)
                self.assertEqual({key: warm[key] for key in keys}, {key: cold[key] for key in keys})

    def test_python(self):
        self.compare("py")

    def test_javascript(self):
        self.compare("js")

    def test_javascript_modules(self):
        self.compare("mjs")

    def test_ruby(self):
        self.compare("rb")

    def test_php(self):
        self.compare("php")

    def test_perl(self):
        self.compare("pl")

    def test_lua(self):
        self.compare("lua")


class Once(Siblings):
    """What can't be forked: a process that has started waits for one run."""

    def setUp(self):
        super().setUp()
        self.need("javac")
        # As an ordinary user of a host without a cgroup for him it starts cold, since nothing could tell what is the run's own.
        self.write("Main.java", "class Main { public static void main(String[] a) { } }")
        if "sampled" in json.loads(self.sandpit("run", "--json", "Main.java").stdout).get("enforcement", {}).get("cpu_time", "sampled"):
            self.skipTest("a cgroup")

    def test_java_programs_are_the_same(self):
        tasks = self.first("java")
        tasks += [{"id": name, "runtime": "java", "source": program.text, "args": list(program.arguments), "stdin": program.stdin.decode()}
                  for name, program in java.JAVA.items()]
        warm = self.outcomes(tasks, "-j", "1")
        cold = self.outcomes(tasks, "-j", "1", "--cold")
        self.assertGreater(sum(warm[name]["start"] == "warm" for name in java.JAVA), len(java.JAVA) - 5)
        for name, program in java.JAVA.items():
            with self.subTest(name):
                keys = ["status", "exit_code", "signal", "stdout", "stderr", "stdout_truncated"]
                self.assertEqual(cold[name]["status"], program.status, cold[name])
                # A program that never said anything would be the same for the wrong reason.
                self.assertTrue(cold[name]["stdout"] or cold[name]["stderr"], cold[name])
                self.assertEqual({key: warm[name].get(key) for key in keys}, {key: cold[name].get(key) for key in keys})


class Random(Siblings):
    def distinct(self, runtime, extension, text):
        self.need(INTERPRETERS[extension])
        runs = self.batch(runtime, text, COUNT)
        columns = collections.defaultdict(list)
        for run in runs:
            for index, word in enumerate(run["stdout"].split()):
                columns[index].append(word)
        self.assertGreater(len(columns), 0, runs[0])
        for index, words in columns.items():
            self.assertEqual(len(words), len(runs))
            self.assertEqual(len(set(words)), len(words), f"column {index}: {collections.Counter(words).most_common(2)}")

    def test_python(self):
        self.distinct("python", "py", "import random, os, secrets, uuid, ssl, tempfile\n"
                      "print(random.random(), secrets.token_hex(8), uuid.uuid4(), ssl.RAND_bytes(8).hex(), os.urandom(8).hex(),\n"
                      "      tempfile.mktemp())")

    def test_javascript(self):
        self.distinct("javascript", "js", "const c = require('crypto'); console.log(Math.random(), c.randomBytes(8).toString('hex'), c.randomUUID(),\n"
                      "  c.randomInt(2 ** 47), crypto.getRandomValues(new Uint32Array(2)).join())")

    def test_javascript_contexts_and_threads(self):
        self.need("node")
        text = ("const vm = require('vm'); const { Worker } = require('worker_threads');\n"
                "const numbers = [Math.random(), vm.runInNewContext('Math.random()'), vm.runInContext('Math.random()', vm.createContext())];\n"
                "const worker = () => new Promise(done => new Worker(\"require('worker_threads').parentPort.postMessage(Math.random())\",\n"
                "  { eval: true }).on('message', done));\n"
                "(async () => { numbers.push(await worker(), await worker()); console.log(numbers.join(' ')) })()")
        found = [run["stdout"].split() for run in self.batch("javascript", text, 20)]
        self.assertEqual({len(numbers) for numbers in found}, {5})
        # Neither in one run nor in its siblings.
        twice = [number for number, times in collections.Counter(sum(found, [])).items() if times > 1]
        self.assertEqual(twice, [], found[:2])

    def test_ruby(self):
        self.distinct("ruby", "rb", "require 'securerandom'; require 'openssl'\n"
                      "puts [rand, Random.rand, SecureRandom.hex(8), Random.new.rand, OpenSSL::Random.random_bytes(8).unpack1('H*')].join(' ')")

    def test_php(self):
        self.distinct("php", "php", "<?php echo mt_rand(), ' ', rand(), ' ', bin2hex(random_bytes(8)), ' ', random_int(0, PHP_INT_MAX), ' ', uniqid('', true),\n"
                      "  ' ', lcg_value();")

    def test_perl(self):
        self.distinct("perl", "pl", "print rand(), ' ', int(rand(1e15));")

    def test_lua(self):
        self.distinct("lua", "lua", "print(math.random(1 << 60), math.random())")

    def test_java(self):
        self.distinct("java", "java", "import java.util.*;\npublic class Main { public static void main(String[] a) {\n"
                      "System.out.println(new java.security.SecureRandom().nextLong() + \" \" + new Random().nextLong() + \" \" + Math.random() + \" \"\n"
                      "+ UUID.randomUUID() + \" \" + java.util.concurrent.ThreadLocalRandom.current().nextLong() + \" \" + new SplittableRandom().nextLong());\n} }")


class Traces(Siblings):
    """What one run leaves behind is not there for the next one of the same template."""

    def nothing_left(self, first, text, count=20):
        for run in self.batch("python", first + text, count, first="\n" + first):
            self.assertEqual(run["stdout"], "clean\n", run["stdout"] + run["stderr"])

    def test_files(self):
        self.nothing_left("", "import os\n"
                          "found = [p for p in ('/tmp/mark', '/work/mark', '/dev/shm/mark') if os.path.exists(p)]\n"
                          "for p in ('/tmp/mark', '/work/mark', '/dev/shm/mark'): open(p, 'w').write('x')\n"
                          "print('clean' if not found else found)\n")

    def test_modules_and_builtins(self):
        self.nothing_left("", "import builtins, sys\n"
                          "print('clean' if not hasattr(builtins, 'mark') and 'mark' not in sys.modules else 'dirty')\n"
                          "builtins.mark = 1; sys.modules['mark'] = sys\n")

    def test_abstract_sockets_and_ports(self):
        self.nothing_left("", "import socket, subprocess, sys\n"
                          "a = socket.socket(socket.AF_UNIX); a.bind(b'\\0mark'); a.listen()\n"
                          "t = socket.socket(type=socket.SOCK_DGRAM); t.bind(('127.0.0.1', 4242))\n"
                          "print('clean', flush=True)\n")

    def test_system_v_and_posix_ipc(self):
        self.nothing_left("", "import ctypes\n"
                          "libc = ctypes.CDLL(None, use_errno=True)\n"
                          "found = libc.shmget(4242, 0, 0)\n"
                          "made = libc.shmget(4242, 4096, 0o1600)\n"
                          "print('clean' if found < 0 else 'shared memory', flush=True)\n")

    def test_descriptors(self):
        self.nothing_left("", "import os\n"
                          "own = sorted(int(n) for n in os.listdir('/proc/self/fd'))\n"
                          "extra = {n: os.readlink(f'/proc/self/fd/{n}') for n in own if n > 2 and os.path.exists(f'/proc/self/fd/{n}')}\n"
                          "print('clean' if not extra else extra)\n")

    def test_environment_and_command_line(self):
        self.nothing_left("", "import os\n"
                          "text = open('/proc/self/environ').read() + str(dict(os.environ))\n"
                          "bad = [w for w in ('LD_PRELOAD', 'SANDPIT', 'sandpit_warm') if w in text]\n"
                          "print('clean' if not bad else (bad, text))\n")

    def test_processes_that_stay(self):
        self.nothing_left("", "import os, time\n"
                          "names = [n for n in os.listdir('/proc') if n.isdigit() and int(n) > 2]\n"
                          "if os.fork() == 0:\n  os.setsid(); time.sleep(60)\n"
                          "print('clean' if not names else names, flush=True); os._exit(0)\n")


if __name__ == "__main__":
    main()
