"""What a program may reach: switches, files, the network. Each refusal is also shown with the grant, where it passes."""

import contextlib
import os
import socket
import threading
import time

from wasm_case import PREVIEW1, WasmCase

# capability: (a function of preview 1, its parameters), and an argument of p2-basics that needs its interface
SWITCHES = {"args": ("args_get", "i32 i32"), "env": ("environ_get", "i32 i32"), "clocks": ("clock_time_get", "i32 i64 i32"),
            "random": ("random_get", "i32 i32")}
INTERFACES = {"clocks": "wasi:clocks/monotonic-clock", "random": "wasi:random/random"}
BADF, PERM, NOTCAPABLE, ROFS, ACCES, MFILE, IO = 8, 63, 76, 69, 2, 33, 29
BASICS = ("basics.wat", "p2-basics.wat")


class Switches(WasmCase):
    def importing(self, function, parameters):
        zeros = " ".join(f"({kind}.const 0)" for kind in parameters.split())
        return f"""(module (import "{PREVIEW1}" "{function}" (func $f (param {parameters}) (result i32)))
          (import "{PREVIEW1}" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1) (func (export "_start") (call $exit (call $f {zeros}))))"""

    def off(self, *keys):
        return self.config("\n".join(f"{key} = false" for key in keys), "runtimes.wasm.capabilities")

    def test_a_function_that_is_off_is_refused_before_the_start(self):
        for key, (function, parameters) in SWITCHES.items():
            with self.subTest(key=key):
                self.write("c.wat", self.importing(function, parameters))
                self.assert_outcome(self.outcome("c.wat"), status="exited", exit_code=0)
                self.assert_refused(self.outcome("c.wat", *self.off(key)), PREVIEW1, function,
                                    f"runtimes.wasm.capabilities.{key} = true")

    def test_without_clocks_nothing_sleeps(self):
        self.write("c.wat", self.importing("poll_oneoff", "i32 i32 i32 i32"))
        self.assertEqual(self.outcome("c.wat")["status"], "exited")
        self.assert_refused(self.outcome("c.wat", *self.off("clocks")), "poll_oneoff", "runtimes.wasm.capabilities.clocks = true")

    def test_an_interface_that_is_off_is_refused_before_the_start(self):
        self.assert_outcome(self.run_guest("p2-basics.wat", arguments=["r"]), exit_code=0, stdout="9\n")
        for key, interface in INTERFACES.items():
            with self.subTest(key=key):
                self.assert_refused(self.run_guest("p2-basics.wat", *self.off(key), arguments=["a"]), interface,
                                    f"runtimes.wasm.capabilities.{key} = true")
        self.assert_refused(self.run_guest("p2-basics.wat", *self.off("args", "env"), arguments=["a"]), "wasi:cli/environment")
        self.assert_outcome(self.run_guest("p2-basics.wat", *self.off("env"), "--env", "A=b", arguments=["e"]), stdout="")
        self.assert_outcome(self.run_guest("p2-basics.wat", *self.off("args"), arguments=["a"]), stdout="", exit_code=1)

    def test_stdin_that_is_off_is_at_its_end(self):
        for name in BASICS:
            self.assert_outcome(self.run_guest(name, arguments=["c"], stdin=b"secret"), stdout="secret")
            self.assert_outcome(self.run_guest(name, *self.off("stdin"), arguments=["c"], stdin=b"secret"), stdout="")

    def test_outputs_that_are_off_get_nothing(self):
        for name in BASICS:
            outcome = self.run_guest(name, *self.off("stdout"), arguments=["o"])
            self.assertEqual((outcome["stdout"], outcome["status"]), ("", "exited"), outcome)
            outcome = self.run_guest(name, *self.off("stderr"), arguments=["o"])
            self.assertEqual((outcome["stdout"], outcome["stderr"]), ("out\n", ""), outcome)
        self.assert_outcome(self.run_guest("basics.wat", arguments=["w"]), exit_code=0)
        self.assertNotEqual(self.run_guest("basics.wat", *self.off("stdout"), arguments=["w"])["exit_code"], 0)

    def test_the_strict_profile_grants_nothing(self):
        self.need_exact_limits()
        self.assert_refused(self.run_guest("basics.wat", "--profile", "strict", arguments=["o"]), "args_get", "capabilities.args")
        self.assert_outcome(self.run_guest("hello.wat"), stdout="Hello from WebAssembly\n")
        self.assert_outcome(self.run_guest("hello.wat", "--profile", "strict"), status="exited", stdout="")

    def test_a_profile_may_give_some_back(self):
        self.need_exact_limits()
        self.write("judge.toml", "[profiles.judge]\ninherits = 'strict'\n"
                                 "[profiles.judge.runtimes.wasm.capabilities]\nstdin = true\nstdout = true\n")
        outcome = self.run_guest("hello.wat", "--config", "judge.toml", "--profile", "judge")
        self.assert_outcome(outcome, stdout="Hello from WebAssembly\n")

    def test_without_wasi_nothing_of_it_may_be_imported(self):
        off = self.config("wasi_enabled = false")
        self.assert_refused(self.run_guest("hello.wat", *off), PREVIEW1, "fd_write", "wasi_enabled = true")
        self.assert_refused(self.run_guest("hello-component.wat", *off), "wasi:", "wasi_enabled = true")
        self.assert_outcome(self.invoke("values.wat", "add", "1", "2", options=off), exit_code=0, stdout="3\n")

    def test_an_unknown_import_is_named(self):
        self.write("u.wat", '(module (import "env" "launch" (func (param i32))) (func (export "_start")))')
        self.assert_refused(self.outcome("u.wat"), "env.launch", "(i32)")
        self.write("u.wat", f'(module (import "{PREVIEW1}" "fd_wirte" (func)) (func (export "_start")))')
        self.assert_refused(self.outcome("u.wat"), "fd_wirte", "fd_write")
        self.write("u.wat", f'(module (import "{PREVIEW1}" "fd_close" (func (param i64))) (func (export "_start")))')
        self.assert_refused(self.outcome("u.wat"), "fd_close", "i64")
        self.write("u.wat", '(component (import "evil:host/door@1.0.0" (instance (export "open" (func)))))')
        self.assert_refused(self.outcome("u.wat"), "evil:host/door")

    def test_check_says_which_capability_each_import_needs(self):
        found = self.check(self.guest("basics.wat"), *self.off("clocks"))
        self.assertFalse(found["ok"])
        self.assertEqual(found["exit"], 126)
        self.assertTrue(self.check("basics.wat")["ok"])

    def test_sockets_of_preview_1_give_an_errno(self):
        outcome = self.run_guest("basics.wat", "--net", "host", arguments=["k"])
        self.assert_outcome(outcome, status="exited", exit_code=0)
        self.assertNotEqual(outcome["stdout"], "0\n")


class Files(WasmCase):
    def setUp(self):
        super().setUp()
        self.grant = self.dir / "grant"
        (self.grant / "sub").mkdir(parents=True)
        self.write("grant/inside", "inside")
        self.write("grant/sub/deep", "deep")
        self.secret = self.write("secret", "hunter2")

    def calls(self, *calls, options=("--write", "grant:/g"), **more):
        """The answers of files.wat: one (errno, text) for each call."""
        words = [word for op, path, *text in calls for word in (op[0], op[1:] or "3", path, text[0] if text else "-")]
        outcome = self.run_guest("files.wat", *options, arguments=words, **more)
        self.assert_outcome(outcome, status="exited", exit_code=0)
        return [self.answer(line) for line in outcome["stdout"].splitlines()]

    def p2_calls(self, *calls, options=("--write", "grant:/g")):
        words = [word for op, path, *text in calls for word in (op, path, text[0] if text else "-")]
        outcome = self.run_guest("p2-files.wat", *options, arguments=words)
        self.assert_outcome(outcome, status="exited", exit_code=0)
        return [self.answer(line) for line in outcome["stdout"].splitlines()]

    @staticmethod
    def answer(line):
        number, _, text = line[1:].partition(" ")
        return int(number), text

    def test_nothing_is_granted_by_default(self):
        self.assertEqual(self.calls(("r", "inside"), ("p", "-"), options=()), [(BADF, ""), (BADF, "")])
        self.assertEqual(self.calls(("r", "inside"))[0], (0, "inside"))
        self.assertEqual(self.p2_calls(("r", "inside"), options=()), [(0, "")])  # "-00": no directory
        self.assertEqual(self.p2_calls(("r", "inside")), [(99, "inside")])

    def test_a_read_grant_is_read_only(self):
        changes = [("w", "inside", "x"), ("w", "new", "x"), ("u", "inside"), ("d", "made"), ("l", "link", "inside"),
                   ("h", "hard", "inside"), ("m", "inside", "moved"), ("x", "sub")]
        answers = self.calls(("r", "inside"), *changes, options=("--read", "grant:/g"))
        self.assertEqual(answers[0], (0, "inside"))
        for change, (errno, _) in zip(changes, answers[1:]):
            self.assertIn(errno, (PERM, ROFS, NOTCAPABLE, ACCES), change)
        self.assertEqual(sorted(os.listdir(self.grant)), ["inside", "sub"])
        self.assertEqual((self.grant / "inside").read_text(), "inside")
        answers = self.p2_calls(("w", "inside", "x"), ("w", "new", "x"), ("l", "link", "inside"), ("u", "inside"),
                                options=("--read", "grant:/g"))
        self.assertNotIn(99, [code for code, _ in answers])
        self.assertEqual(sorted(os.listdir(self.grant)), ["inside", "sub"])

    def test_a_write_grant_writes_through(self):
        answers = self.calls(("w", "new", "text"), ("r", "new"), ("d", "made"), ("m", "new", "made/moved"), ("u", "inside"),
                             ("h", "hard", "sub/deep"), ("l", "link", "hard"), ("r", "link"), ("k", "link"))
        self.assertEqual([errno for errno, _ in answers], [0] * 9, answers)
        self.assertEqual((answers[1][1], answers[7][1], answers[8][1]), ("text", "deep", "hard"))
        self.assertEqual((self.grant / "made/moved").read_text(), "text")
        self.assertFalse((self.grant / "inside").exists())
        self.assertEqual(self.p2_calls(("w", "two", "p2"), ("r", "two"), ("u", "sub/deep")), [(99, ""), (99, "p2"), (99, "")])
        self.assertEqual((self.grant / "two").read_text(), "p2")

    def test_grants_are_descriptors_in_their_order(self):
        (self.dir / "other").mkdir()
        answers = self.calls(("p3", "-"), ("p4", "-"), ("p5", "-"), options=("--read", "other:/o", "--write", "grant:/g"))
        self.assertEqual(answers, [(0, "/o"), (0, "/g"), (BADF, "")])

    def test_two_files_of_one_directory_keep_their_own_access(self):
        grants = [("--read", "grant/inside:/f/a"), ("--write", "grant/sub/deep:/f/b")]
        for first, second in (grants, grants[::-1]):
            answers = self.calls(("r", "a"), ("r", "b"), ("w", "b", "new"), ("w", "a", "x"), options=(*first, *second))
            self.assertEqual([answers[0], answers[2]], [(0, "inside"), (0, "")], answers)
            self.assertEqual(answers[1][0], 0)
            self.assertNotEqual(answers[3][0], 0)  # its mount is read-only
            self.assertEqual(((self.grant / "inside").read_text(), (self.grant / "sub/deep").read_text()), ("inside", "new"))

    def test_preopens_of_the_configuration(self):
        def preopens(access):
            return self.config(f'preopens = [{{ path = "{self.grant}", inside = "/g", access = "{access}" }}]')
        answers = self.calls(("r", "inside"), ("w", "inside", "x"), ("p", "-"), options=preopens("ro"))
        self.assertEqual((answers[0], answers[2]), ((0, "inside"), (0, "/g")))
        self.assertNotEqual(answers[1][0], 0)
        self.assertEqual(self.calls(("w", "inside", "x"), options=preopens("rw")), [(0, "")])
        self.write("p.py", "import os; print(os.path.exists('/g'))")
        self.assert_outcome(self.outcome("p.py", *preopens("rw")), stdout="False\n")  # for modules only

    def test_dots_and_absolute_paths_stay_within(self):
        paths = ["../secret", "sub/../../secret", "/etc/passwd", str(self.secret), "..", "sub/../..", "../g/inside", "./../secret",
                 "sub/../../../../../../../../etc/passwd"]
        answers = self.calls(*[("r", path) for path in paths], *[("s", path) for path in paths])
        for path, (errno, text) in zip(paths * 2, answers):
            self.assertNotEqual(errno, 0, path)
            self.assertEqual(text, "")
        self.assertEqual(self.calls(("r", "sub/../inside"))[0], (0, "inside"))
        for code, text in self.p2_calls(*[("r", path) for path in paths]):
            self.assertNotEqual((code, text[:0]), (99, ""))
        self.calls(("w", "../made", "x"), ("d", "../made"), ("m", "inside", "../moved"), ("h", "../hard", "inside"))
        self.assertEqual(sorted(os.listdir(self.dir)), ["files.wat", "grant", "home", "p2-files.wat", "secret"])

    def test_links_of_the_host_do_not_lead_out(self):
        for name, target in (("out", "../secret"), ("absolute", str(self.secret)), ("etc", "/etc"), ("chain", "out"),
                             ("root", "/"), ("self", "/proc/self/root"), ("fine", "sub/deep"), ("loop", "loop")):
            os.symlink(target, self.grant / name)
        paths = ["out", "absolute", "etc/passwd", "chain", "root/etc/passwd", "self/etc/passwd", "loop"]
        for (errno, text), path in zip(self.calls(*[("r", path) for path in paths], ("r", "fine")), [*paths, "fine"]):
            self.assertEqual(errno == 0, path == "fine", (path, errno, text))
        for (code, text), path in zip(self.p2_calls(*[("r", path) for path in paths], ("r", "fine")), [*paths, "fine"]):
            self.assertEqual(code == 99, path == "fine", (path, code, text))
        self.calls(("w", "out", "x"), ("w", "absolute", "x"))
        self.assertEqual(self.secret.read_text(), "hunter2")

    def test_links_of_the_guest_do_not_lead_out(self):
        answers = self.calls(("l", "a", "../secret"), ("r", "a"), ("l", "b", str(self.secret)), ("r", "b"), ("l", "c", ".."),
                             ("r", "c/secret"), ("d", "deep"), ("l", "deep/up", "../../secret"), ("r", "deep/up"),
                             ("w", "a", "x"), ("h", "hard", "a"), ("r", "hard"), ("h", "h2", "../secret"), ("r", "h2"))
        for call in (1, 3, 5, 8, 9, 11, 13):
            self.assertNotEqual(answers[call][0], 0, (call, answers))
            self.assertEqual(answers[call][1], "")
        self.assertEqual(self.secret.read_text(), "hunter2")
        self.assertEqual(self.calls(("l", "good", "inside"), ("r", "good"))[1], (0, "inside"))
        answers = self.p2_calls(("l", "z", "../secret"), ("r", "z"), ("l", "y", "inside"), ("r", "y"))
        self.assertNotEqual(answers[1][0], 99)
        self.assertEqual(answers[3], (99, "inside"))

    def test_a_link_that_is_swapped_all_the_time_does_not_lead_out(self):
        stop = threading.Event()

        def swap():
            while not stop.is_set():
                for target in ("../secret", "inside"):
                    with contextlib.suppress(OSError):
                        os.symlink(target, self.grant / "t")
                        os.rename(self.grant / "t", self.grant / "race")
                    time.sleep(0.0002)  # else all that a guest ever sees is that somebody renames

        swapper = threading.Thread(target=swap)
        swapper.start()
        try:
            answers = self.calls(*[("r", "race")] * 400) + self.calls(*[("r", "race")] * 400)
        finally:
            stop.set()
            swapper.join()
        self.assertNotIn("hunter2", [text for _, text in answers])
        self.assertIn("inside", [text for _, text in answers])

    def test_a_file_may_be_granted_alone(self):
        answers = self.calls(("r", "inside"), ("r", "sub/deep"), ("w", "inside", "x"), options=("--read", "grant/inside:/g/inside"))
        self.assertEqual(answers[0], (0, "inside"))
        self.assertNotEqual(answers[1][0], 0)
        self.assertNotEqual(answers[2][0], 0)

    def test_a_file_in_the_root_is_refused_with_a_better_place(self):
        done = self.sandpit("run", "--read", f"{self.secret}:/f", self.guest("files.wat"), "r", "3", "f", "-")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(b"PATH:/data/f", done.stderr)
        outcome = self.run_guest("files.wat", "--read", f"{self.secret}:/data/f", arguments=["r", "3", "f", "-"])
        self.assert_outcome(outcome, status="exited", stdout="r0 hunter2\n")

    def test_open_files_run_out_with_an_errno(self):
        outcome = self.run_guest("files.wat", "--write", "grant:/g", "--open-files", "50", arguments=["F", "3", "inside", "-"])
        self.assert_outcome(outcome, status="exited", exit_code=0)
        errno, text = self.answer(outcome["stdout"])
        self.assertIn(errno, (MFILE, IO), outcome["stdout"])  # Wasmtime's preview 2, below, has no code for it
        self.assertLessEqual(int(text.split("#")[1]), 50 + 64)  # the worker's own are added

    def test_a_file_that_grows_too_large_gets_an_errno(self):
        outcome = self.run_guest("files.wat", "--write", "grant:/g", "--file-size", "1MiB", arguments=["b", "3", "big", "-"])
        self.assert_outcome(outcome, status="exited", exit_code=0)
        errno, text = self.answer(outcome["stdout"])
        self.assertEqual(errno, 22, outcome["stdout"])
        self.assertLessEqual((self.grant / "big").stat().st_size, 1 << 20)


class Network(WasmCase):
    """A server of our own; the guest is a component, as preview 1 can't connect."""

    def setUp(self):
        super().setUp()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.port = self.server.getsockname()[1]
        self.accepted = 0

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = self.server.accept()
                    self.accepted += 1
                    with connection, contextlib.suppress(OSError):
                        connection.sendall(b"served")

        threading.Thread(target=serve, daemon=True).start()

    def connect(self, *options, port=None):
        outcome = self.run_guest("p2-network.wat", *options, arguments=["c", "-", port or self.port])
        self.assert_outcome(outcome, status="exited", exit_code=0)
        return outcome

    def test_it_is_off_by_default(self):
        outcome = self.connect()
        self.assertRegex(outcome["stdout"], r"^[sc](01|02) $")
        self.assertEqual(self.accepted, 0)

    def test_the_hosts_network_may_be_granted(self):
        self.assert_outcome(self.connect("--net", "host"), stdout="c99 served")

    def test_a_private_loopback_does_not_reach_the_host(self):
        outcome = self.connect("--net", "loopback")
        self.assertNotIn("served", outcome["stdout"])
        self.assertEqual(self.accepted, 0)

    def test_what_is_listed_is_reached(self):
        for entry in (f"127.0.0.1:{self.port}", f"127.0.0.0/8:{self.port}", "127.0.0.1:*", "127.0.0.1"):
            with self.subTest(entry=entry):
                self.assert_outcome(self.connect(*self.config(f'network = ["{entry}"]')), stdout="c99 served", denials=[])

    def test_the_list_of_the_command_line_is_the_modules_own(self):
        here = f"127.0.0.1:{self.port}"
        elsewhere = self.config('network = ["10.0.0.0/8:*"]')
        self.assert_outcome(self.connect("--net", f"example.com:443,{here}"), stdout="c99 served", denials=[])
        self.assert_outcome(self.connect(*elsewhere, "--net", here), stdout="c99 served", denials=[])
        outcome = self.connect("--net", "10.0.0.0/8:*,[::1]:*")
        self.assertEqual(outcome["stdout"], "c01 ", outcome)
        self.assertIn(f"connect {here} (tcp)", [row["what"] for row in outcome["denials"]])
        self.assertEqual(self.accepted, 2)

    def test_the_list_of_the_configuration_holds_for_modules(self):
        for table in ("security", "runtimes.wasm.security"):
            for entry, answer in (("127.0.0.1", "c99 served"), ("10.0.0.0/8:*", "c01 ")):
                with self.subTest(table=table, entry=entry):
                    options = self.config(f'network = {{ mode = "allow", hosts = ["{entry}"] }}', table)
                    self.assert_outcome(self.connect(*options), stdout=answer)

    def test_what_is_not_listed_is_denied_and_told(self):
        for entry in (f"127.0.0.2:{self.port}", f"127.0.0.1:{self.port % 60000 + 1}", "10.0.0.0/8:*", "[::1]:*", "example.com:*"):
            with self.subTest(entry=entry):
                outcome = self.connect(*self.config(f'network = ["{entry}"]'))
                self.assertEqual(outcome["stdout"], "c01 ", outcome)
                self.assertIn(f"connect 127.0.0.1:{self.port} (tcp)", [row["what"] for row in outcome["denials"]])
        self.assertEqual(self.accepted, 0)

    def test_a_list_holds_with_the_hosts_network_too(self):
        outcome = self.connect(*self.config('network = ["10.0.0.0/8:*"]'), "--net", "host")
        self.assertEqual(outcome["stdout"], "c01 ", outcome)
        self.assertEqual(self.accepted, 0)

    def test_names_that_are_not_listed_are_denied_and_told(self):
        outcome = self.run_guest("p2-network.wat", *self.config('network = ["example.com:443"]'), arguments=["n", "evil.example", "-"])
        self.assertNotIn("n99", outcome["stdout"])
        self.assertIn("evil.example", str(outcome["denials"]))

    def test_without_the_network_names_are_denied(self):
        outcome = self.run_guest("p2-network.wat", arguments=["n", "localhost", "-"])
        self.assertNotIn("n99", outcome["stdout"])
