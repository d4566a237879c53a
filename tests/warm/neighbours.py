"""What one run, or an odd request, might do to the others of its template."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import sandpit_tests
from siblings import WAITS, Siblings

SLEEPER = {"python": "import time; time.sleep(4); print('done')", "javascript": "setTimeout(() => console.log('done'), 4000)"}


class Neighbours(Siblings):
    def honest(self, runtime, count=4, **limits):
        return [{"id": f"honest {n}", "runtime": runtime, "source": SLEEPER[runtime], "limits": limits} for n in range(count)]

    def assert_unharmed(self, found):
        runs = {name: run for name, run in found.items() if str(name).startswith("honest")}
        self.assertTrue(any(run["start"] == "warm" for run in runs.values()), runs)
        for name, run in runs.items():
            self.assertEqual((name, run["status"], run["stdout"]), (name, "exited", "done\n"), run)

    def test_the_environment_of_a_request_reaches_no_template(self):
        tasks = self.first("lua", count=3) + [{"id": "seen", "runtime": "lua", "source": "print(INFO)"}]
        found = self.outcomes(tasks, "-j", "1", "--env", "LUA_INIT_5_4=INFO = io.open('/proc/self/status'):read('a'):match('CapEff[^\\n]*')")
        self.assertEqual({run["start_reason"] for run in found.values()}, {"its environment was added to"})
        self.assertIn("CapEff:\t0000000000000000", found["seen"]["stdout"])

    def test_our_own_variables_are_not_the_users(self):
        for variable in ("SANDPIT_PRELUDE=x'); import os; os._exit(3) #", "SANDPIT_FORGET=x", "SANDPIT_TRIGGER=/x", "SANDPIT_PRELOAD=antigravity"):
            tasks = self.first("python") + [{"id": "seen", "runtime": "python", "source": "print('fine')"}]
            self.assertEqual(self.outcomes(tasks, "-j", "1", "--env", variable)["seen"]["stdout"], "fine\n", variable)

    def test_arguments_of_the_run_before_are_not_in_memory(self):
        look = ("import re\nhits = set()\nwith open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb') as memory:\n"
                "  for line in maps:\n    a, b = (int(x, 16) for x in line.split()[0].split('-'))\n"
                "    if 'rw' not in line or b - a > 1 << 22: continue\n    memory.seek(a)\n"
                "    hits |= set(re.findall(rb'of-tenant-[A]-\\d+', memory.read(b - a)))\nprint(len(hits))")
        secrets = [f"of-tenant-A-{n}" for n in range(60)]
        tasks = self.first("python") + [{"id": "own", "runtime": "python", "source": look, "args": secrets},
                                        {"id": "other", "runtime": "python", "source": look}]
        found = self.outcomes(tasks, "-j", "1")
        self.assertEqual((found["own"]["start"], found["other"]["start"]), ("warm", "warm"))
        self.assertGreater(int(found["own"]["stdout"]), 50)  # the look finds what is there
        self.assertEqual(found["other"]["stdout"], "0\n")

    def test_runs_that_are_over_before_they_began_leave_the_template_alone(self):
        short = [{"id": f"short {n}", "runtime": "python", "source": "print(1)", "limits": {"timeout_s": 0.001}} for n in range(40)]
        found = self.outcomes(self.first("python", count=8) + self.honest("python") + short, "-j", "8")
        self.assert_unharmed(found)

    def test_tiny_memory_limits_end_only_their_own_run(self):
        for runtime in ("python", "javascript"):
            if runtime == "javascript" and not shutil.which("node", path=self.env["PATH"]):
                continue
            tiny = [{"id": f"tiny {n}", "runtime": runtime, "source": "", "limits": {"memory_limit_mb": 1}} for n in range(20)]
            self.assert_unharmed(self.outcomes(self.first(runtime, count=8) + self.honest(runtime, memory_limit_mb=64) + tiny, "-j", "8"))

    def test_files_are_charged_to_the_run_that_gets_them(self):
        # Its /proc names the groups it is in; outside of a memory controller there is nothing to see.
        if os.geteuid() != 0:
            self.skipTest("a memory controller")
        source = "print('ok')\n#" + "x" * (24 << 20)
        tasks = self.first("python", count=3) + [{"id": "large", "runtime": "python", "source": source}]
        found = self.outcomes(tasks, "-j", "1")["large"]
        self.assertEqual((found["start"], found["stdout"]), ("warm", "ok\n"), found)
        if found["enforcement"]["memory"].startswith("cgroup"):
            self.assertGreater(found["peak_memory_kb"], 24 << 10)

    def test_what_can_not_be_handed_to_a_template_starts_cold(self):
        tasks = self.first("python", count=3)
        tasks += [{"id": "large", "runtime": "python", "source": "import sys; print(len(sys.argv))", "args": ["x" * 1000] * 150}]
        tasks += [{"id": n, "runtime": "python", "source": "print('ok')", "args": ["y" * 1000] * 60} for n in range(60)]
        found = self.outcomes(tasks, "-j", "30")
        self.assertEqual((found["large"]["start"], found["large"]["stdout"]), ("cold", "151\n"), found["large"])
        self.assertEqual({found[n]["stdout"] for n in range(60)}, {"ok\n"})

    def test_a_frozen_init_goes_on(self):
        if os.geteuid() != 0:
            self.skipTest("root: init belongs to another user")
        init = str(pathlib.Path(sandpit_tests.SANDPIT).resolve().parent / "libexec/sandpit/warm-init")
        stopped = []

        def stop_and_go_on():
            until = time.monotonic() + 8
            while time.monotonic() < until and len(stopped) < 3:
                for process in filter(str.isdigit, os.listdir("/proc")):
                    try:
                        own = os.readlink(f"/proc/{process}/exe") == init and self.is_mine(int(process))
                        if own:
                            os.kill(int(process), signal.SIGSTOP)
                            time.sleep(0.05)
                            os.kill(int(process), signal.SIGCONT)
                            stopped.append(process)
                    except OSError:
                        pass
                time.sleep(0.2)

        thread = threading.Thread(target=stop_and_go_on)
        thread.start()
        found = self.outcomes(self.first("python") + self.honest("python", 2), "-j", "1")
        thread.join()
        self.assertGreater(len(stopped), 0)
        self.assert_unharmed(found)

    def is_mine(self, process):
        """Below this test, not of another one that runs beside it."""
        while process > 1:
            if process == os.getpid():
                return True
            stat = pathlib.Path(f"/proc/{process}/stat").read_text()
            process = int(stat.rpartition(")")[2].split()[1])
            if b"sandpit-launcher" in pathlib.Path(f"/proc/{process}/cmdline").read_bytes():
                # The launcher is nobody's child, but it has this test's environment.
                return self.env["HOME"].encode() in pathlib.Path(f"/proc/{process}/environ").read_bytes()
        return False

    def test_pending_signals_are_each_runs_own(self):
        fill = ("import ctypes, os, signal, time\nlibc = ctypes.CDLL(None)\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])\n"
                "n = 0\nuntil = time.monotonic() + 3\nwhile time.monotonic() < until:\n"
                "  if libc.sigqueue(os.getpid(), signal.SIGRTMIN, None) == 0: n += 1\n  else: time.sleep(0.02)\nprint(n >= 4096)")
        send = ("import ctypes, os, signal, time\ntime.sleep(1)\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])\n"
                "print(ctypes.CDLL(None).sigqueue(os.getpid(), signal.SIGRTMIN, None))")
        tasks = self.first("python", count=4) + [{"id": f"fill {n}", "runtime": "python", "source": fill} for n in range(2)]
        tasks += [{"id": f"send {n}", "runtime": "python", "source": send} for n in range(2)]
        found = self.outcomes(tasks, "-j", "4")
        self.assertEqual([found[f"send {n}"]["stdout"] for n in range(2)], ["0\n"] * 2)
        # As many as a run may have, or all that the host gives the user: the attempt was real.
        self.assertIn("True\n", [found[f"fill {n}"]["stdout"] for n in range(2)])

    def test_flags_of_an_inherited_file_are_each_runs_own(self):
        self.need("node")
        text = ("const { spawnSync } = require('child_process'); const fs = require('fs');\n"
                "for (const fd of fs.readdirSync('/proc/self/fd')) {\n"
                "  let flags; try { fs.readlinkSync('/proc/self/fd/' + fd); flags = fs.readFileSync('/proc/self/fdinfo/' + fd, 'utf8').split('\\n')[1] }\n"
                "  catch { continue }\n  if (fd < 3) continue;\n"
                "  console.log(fd, flags);\n"
                "  spawnSync('/usr/bin/perl', ['-e', 'open(F, \"<&=3\"); fcntl(F, 4, 0x400 | 0x800)'], { stdio: ['pipe', 'pipe', 'pipe', +fd] });\n}")
        tasks = self.first("javascript", count=3) + [{"id": n, "runtime": "javascript", "source": text} for n in range(3)]
        found = self.outcomes(tasks, "-j", "1")
        self.assertEqual({found[n]["start"] for n in range(3)}, {"warm"})
        self.assertGreater(len(found[0]["stdout"].splitlines()), 3)
        for n in (1, 2):
            self.assertEqual(found[n]["stdout"], found[0]["stdout"])

    def test_many_kinds_of_runs_do_not_push_out_what_is_in_use(self):
        tasks = self.first("lua", count=3)
        for n in range(40):
            tasks += [{"id": f"odd {n} {k}", "runtime": "lua", "source": "print(1)", "limits": {"stack_size_kb": 8192 + n}} for k in range(2)]
            tasks.append({"id": f"usual {n}", "runtime": "lua", "source": "print(1)"})
        found = self.outcomes(tasks, "-j", "1")
        self.assertEqual({found[f"usual {n}"]["start"] for n in range(40)}, {"warm"})


class Preloads(Siblings):
    def environment(self, **modules):
        """A virtual environment whose python has these modules."""
        # Not below /tmp, where each run has a directory of its own mounted.
        place = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="sandpit-suite-"))
        self.addCleanup(shutil.rmtree, place)
        place.chmod(0o755)
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", str(place / "venv")], check=True)
        site = next((place / "venv/lib").glob("python3*/site-packages"))
        for name, text in modules.items():
            (site / f"{name}.py").write_text(text)
        self.write("sandbox.toml", f"[runtimes.python]\ninterpreter = '{place}/venv/bin/python'\npreload = {sorted(modules)!r}\n")

    def run_with(self, text, **modules):
        self.environment(**modules)
        tasks = self.first("python", WAITS["python"], count=3) + [{"id": "run", "runtime": "python", "source": text}]
        return self.outcomes(tasks, "-j", "1", "--config", "sandbox.toml")["run"]

    def test_a_module_is_there_and_was_imported_once(self):
        run = self.run_with("import slow, sys; print(slow.value, 'SANDPIT_PRELOAD' in __import__('os').environ, len(sys.argv))",
                            slow="import time; time.sleep(0.3); value = 42")
        self.assertEqual((run["start"], run["stdout"]), ("warm", "42 False 1\n"), run)
        self.assertLess(run["wall_time_ms"], 250)

    def test_a_module_that_starts_threads_is_refused_by_name(self):
        run = self.run_with("import thready; print('works')", thready="import threading, time\n"
                            "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()")
        self.assertEqual((run["start"], run["stdout"]), ("cold", "works\n"), run)
        self.assertIn("preload thready: it starts threads", run["start_reason"])

    def test_a_module_that_is_not_there_is_named(self):
        self.write("sandbox.toml", "[runtimes.python]\npreload = ['not_there']\n")
        run = self.outcomes(self.first("python", count=5) + [{"id": "run", "runtime": "python", "source": "print(1)"}],
                            "-j", "1", "--config", "sandbox.toml")["run"]
        self.assertEqual((run["start"], run["stdout"]), ("cold", "1\n"), run)
        self.assertIn("preload not_there: ModuleNotFoundError", run["start_reason"])

    def test_what_is_no_module_is_an_error(self):
        self.write("a.py", "print(1)")
        self.write("a.sh", "echo 1")
        self.write("bad.toml", "[runtimes.python]\npreload = ['os; import x']\n")
        bad = self.sandpit("run", "--config", "bad.toml", "a.py")
        self.assertEqual((bad.returncode, b"runtimes.python.preload" in bad.stderr), (2, True), bad.stderr)
        self.write("none.toml", "[runtimes.shell]\npreload = ['POSIX']\n")
        none = self.sandpit("run", "--config", "none.toml", "a.sh")
        self.assertEqual((none.returncode, b'unknown key "preload"' in none.stderr), (2, True), none.stderr)

    def test_numpy(self):
        if subprocess.run(["/usr/bin/python3", "-c", "import numpy"], capture_output=True, check=False).returncode != 0:
            self.skipTest("numpy (apt-get install -y python3-numpy)")
        self.write("sandbox.toml", "[runtimes.python]\npreload = ['numpy']\n")
        text = "import numpy as n; print(n.arange(6).reshape(2, 3).sum(), n.random.random(), n.random.default_rng().random())"
        tasks = self.first("python", count=4) + [{"id": n, "runtime": "python", "source": text} for n in range(20)]
        found = self.outcomes(tasks, "-j", "1", "--config", "sandbox.toml")
        runs = [found[n] for n in range(20)]
        self.assertEqual({run["start"] for run in runs}, {"warm"}, runs[0])
        words = [run["stdout"].split() for run in runs]
        self.assertEqual({word[0] for word in words}, {"15"})
        for column in (1, 2):
            self.assertEqual(len({word[column] for word in words}), 20)
