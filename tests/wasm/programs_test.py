"""Running, calling, trapping, features, and files that are no good."""

import os

from wasm_case import HEADER, PREVIEW1, WasmCase, binary_module, hello_binary, marked_lines

WORDS = ["a b", "", "it's", 'say "x"', "-v", "--json", "--", "ünï ☃", "$HOME", "*"]


class Run(WasmCase):
    BASICS = ("basics.wat", "p2-basics.wat")

    def test_says_hello_as_text_as_a_component_and_as_bytes(self):
        self.assert_outcome(self.run_guest("hello.wat"), status="exited", exit_code=0, exit=0, runtime="wasm", engine="wasm",
                            stdout="Hello from WebAssembly\n", stderr="")
        self.assert_outcome(self.run_guest("hello-component.wat"), exit_code=0, stdout="Hello from a component\n", stderr="")
        self.assert_outcome(self.program("hello.wasm", hello_binary()), exit_code=0, stdout="Hello from bytes\n", stderr="")

    def test_knows_a_module_by_its_first_bytes(self):
        self.assert_outcome(self.program("hello", hello_binary()), exit_code=0, stdout="Hello from bytes\n", runtime="wasm")

    def test_passes_arguments_untouched(self):
        for name in self.BASICS:
            outcome = self.run_guest(name, arguments=["a", *WORDS])
            self.assert_outcome(outcome, exit_code=0, stdout="".join(f"[{word}]\n" for word in WORDS))

    def test_the_environment_is_empty_until_given(self):
        self.env["SANDPIT_TEST_SECRET"] = "hunter2"
        for name in self.BASICS:
            self.assert_outcome(self.run_guest(name, arguments=["e"]), exit_code=0, stdout="")
            outcome = self.run_guest(name, "--env", "A=b", "--env", "C=d=ü", arguments=["e"])
            self.assert_outcome(outcome, stdout="[A=b]\n[C=d=ü]\n")

    def test_reads_stdin_from_a_pipe_a_file_and_nothing(self):
        text = "first\nsecond ☃\n" * 5000
        given = self.write("given", text)
        for name in self.BASICS:
            self.assert_outcome(self.run_guest(name, arguments=["c"], stdin=text.encode()), exit_code=0, stdout=text)
            self.assert_outcome(self.run_guest(name, "--stdin", str(given), arguments=["c"]), exit_code=0, stdout=text)
            with open(given, "rb") as file:
                self.assert_outcome(self.run_guest(name, arguments=["c"], stdin=file), exit_code=0, stdout=text)
            with open("/dev/null", "rb") as nothing:
                self.assert_outcome(self.run_guest(name, arguments=["c"], stdin=nothing), exit_code=0, stdout="")

    def test_gives_the_exit_code(self):
        for code in (0, 3, 125, 126, 127, 134, 255):
            self.assert_outcome(self.run_guest("basics.wat", arguments=["x", code]), status="exited", exit_code=code, exit=code)
        self.assert_outcome(self.run_guest("p2-basics.wat", arguments=["x"]), status="exited", exit_code=1, exit=1)

    def test_keeps_stdout_and_stderr_apart(self):
        for name in self.BASICS:
            self.assert_outcome(self.run_guest(name, arguments=["o"]), exit_code=0, stdout="out\n", stderr="err\n")

    def test_output_that_is_not_text_arrives_as_it_is(self):
        data = bytes(range(256)) * 40
        for name in self.BASICS:
            done = self.sandpit("run", self.guest(name), "c", stdin=data)
            self.assertEqual((done.returncode, done.stdout), (0, data))

    def test_keeps_head_and_tail_of_a_flood_and_goes_on(self):
        outcome = self.run_guest("basics.wat", "--output-limit", "64KiB", arguments=["f"])
        self.assert_outcome(outcome, status="exited", exit_code=0, stdout_truncated=True, stderr="went on\n",
                            stderr_truncated=False, stdout_bytes=5 + 20000 * 50 + 5)
        self.assertTrue(outcome["stdout"].startswith("head\n"))
        self.assertTrue(outcome["stdout"].endswith("tail\n"))
        self.assertLess(len(outcome["stdout"]), 80 << 10)
        outcome = self.run_guest("p2-basics.wat", "--output-limit", "64KiB", arguments=["f"])
        self.assert_outcome(outcome, exit_code=0, stdout_truncated=True, stdout_bytes=20000 * 50)

    def test_the_examples_of_the_readme(self):
        self.assert_outcome(self.run_guest("fibonacci.wat", arguments=[30]), exit_code=0, stdout="832040\n")
        self.assert_outcome(self.run_guest("fibonacci.wat"), exit_code=2, stdout="")
        self.write("data/greeting.txt", "Good morning\n")
        self.assert_outcome(self.run_guest("capabilities.wat", "--read", "data:/data"), exit_code=0, stdout="Good morning\n")
        self.assert_outcome(self.run_guest("capabilities.wat"), exit_code=1, stdout="")

    def test_check_describes_and_runs_nothing(self):
        found = self.check(self.guest("fibonacci.wat"))
        self.assertTrue(found["ok"], found)
        self.assertEqual(found["exit"], 0)
        self.assertEqual(found["description"]["kind"], "module")
        self.assertEqual(found["description"]["entry"], "_start")
        names = {row["name"] for row in found["description"]["imports"]}
        self.assertIn("fd_write", {name.rsplit(".", 1)[-1] for name in names})
        found = self.check(self.guest("hello-component.wat"))
        self.assertEqual((found["ok"], found["description"]["kind"]), (True, "component"))
        self.write("loop.wat", '(module (func $f (loop (br 0))) (start $f) (func (export "_start")))')
        self.assertTrue(self.ends_within(10, lambda: self.check("loop.wat"))["ok"])


class Invoke(WasmCase):
    def assert_gives(self, name, function, values, printed):
        self.assert_outcome(self.invoke(name, function, *values), status="exited", exit_code=0, exit=0, stdout=printed)

    def test_core_numbers(self):
        for function, values, printed in (
                ("add", ["40", "2"], "42\n"), ("add", ["2147483647", "1"], "-2147483648\n"), ("add", ["-1", "0xff"], "254\n"),
                ("add64", ["9223372036854775807", "1"], "-9223372036854775808\n"), ("half32", ["3"], "1.5\n"),
                ("half64", ["-0.25"], "-0.125\n"), ("half64", ["inf"], "inf\n"), ("half64", ["nan"], "NaN\n"),
                ("vector", ["0x0"], "0x" + "f" * 32 + "\n"), ("both", ["7", "2.5"], "2.5\n7\n-1\n"), ("nothing", [], ""),
                ("reference", ["null"], ""), ("same_reference", ["null"], "null\n")):
            with self.subTest(function=function, values=values):
                self.assert_gives("values.wat", function, values, printed)

    def test_values_of_components(self):
        for function, values, printed in (
                ("greet", ["ann ☃"], '"hello, ann ☃"\n'), ("greet", ['"q\\"uote"'], '"hello, q\\"uote"\n'), ("greet", [""], '"hello, "\n'),
                ("sum", ["[1, 2, 39]"], "42\n"), ("sum", ["[]"], "0\n"), ("swap", ["{x: 1, y: -2}"], "{x: -2, y: 1}\n"),
                ("same", ["some(5)"], "some(5)\n"), ("same", ["none"], "none\n"), ("next", ["blue"], "red\n"),
                ("check", ["5"], "ok(5)\n"), ("check", ["-1"], "err(4294967295)\n")):
            with self.subTest(function=function, values=values):
                self.assert_gives("p2-values.wat", function, values, printed)

    def test_a_wrong_number_a_wrong_type_and_an_unknown_name_are_refused(self):
        for name, function, values, words in (
                ("values.wat", "add", ["1"], ("add takes 2 arguments, not 1", "add(i32, i32) -> i32")),
                ("values.wat", "nothing", ["1"], ("takes 0 arguments, not 1",)),
                ("values.wat", "add", ["1", "x"], ("argument 2 of add", "i32")),
                ("values.wat", "add", ["1", "4294967296"], ("argument 2 of add",)),
                ("values.wat", "add", ["1", "1.5"], ("argument 2 of add",)),
                ("values.wat", "half64", ["one"], ("argument 1", "f64")),
                ("values.wat", "reference", ["1"], ("argument 1",)),
                ("values.wat", "ad", [], ("no exported function ad", "add(i32, i32) -> i32")),
                ("values.wat", "memory", [], ("memory is a memory",)),
                ("p2-values.wat", "greet", [], ("greet takes 1 argument, not 0",)),
                ("p2-values.wat", "sum", ["[1, x]"], ("argument numbers of sum", "list<u32>")),
                ("p2-values.wat", "swap", ["{x: 1}"], ("argument point of swap",)),
                ("p2-values.wat", "next", ["pink"], ("argument colour of next",)),
                ("p2-values.wat", "nope", [], ("no exported function nope", "greet"))):
            with self.subTest(function=function, values=values):
                self.assert_refused(self.invoke(name, function, *values), *words)

    def test_is_refused_with_another_language(self):
        self.write("p.py", "print(1)")
        done = self.sandpit("run", "--invoke", "f", "p.py")
        self.assertEqual(done.returncode, 2, done.stderr)

    def test_a_trap_in_a_called_function(self):
        self.assert_trap(self.invoke("p2-values.wat", "crash"), "unreachable")


class Traps(WasmCase):
    def test_each_kind_is_told_with_its_function_and_line(self):
        lines = marked_lines("traps.wat")
        self.assertEqual(len(lines), 9)
        for trap, line in lines.items():
            with self.subTest(trap=trap):
                outcome = self.invoke("traps.wat", trap)
                self.assert_trap(outcome, trap)
                trace = outcome["wasm"]["backtrace"]
                function = "divide" if trap == "integer_divide_by_zero" else trap
                # The prologue of a function, where the stack is checked, has no line.
                place = r"traps\.wat" if trap == "stack_overflow" else rf"traps\.wat:{line}:\d+"
                self.assertRegex(trace[0], rf"^{function} \({place}\)$")

    def test_bounds_hold_for_far_offsets_and_for_copies(self):
        self.assert_trap(self.invoke("traps.wat", "far"), "memory_out_of_bounds")
        self.assert_trap(self.invoke("traps.wat", "copy"), "memory_out_of_bounds")

    def test_the_call_stack_is_shown_innermost_first(self):
        outcome = self.run_guest("traps.wat")
        self.assert_trap(outcome, "integer_divide_by_zero")
        trace = outcome["wasm"]["backtrace"]
        self.assertEqual([frame.split(" ")[0] for frame in trace[:2]], ["divide", "integer_divide_by_zero"])
        self.assertEqual(len(trace), 3)
        done = self.sandpit("run", "traps.wat")
        self.assertEqual(done.returncode, 134)
        self.assertRegex(done.stderr.decode(), r"trap: integer divide by zero\nsandpit:   divide \(traps.wat:\d+:\d+\)")

    def test_a_function_without_a_name_of_its_own_is_shown_by_its_number(self):
        self.assertRegex(self.run_guest("traps.wat")["wasm"]["backtrace"][-1], r"^wasm-function\[\d+\] \(traps\.wat:\d+:\d+\)$")

    def test_a_binary_without_lines_shows_offsets(self):
        outcome = self.program("t.wasm", binary_module(b"\0"))
        self.assert_trap(outcome, "unreachable")
        self.assertRegex(outcome["wasm"]["backtrace"][0], r"\(t\.wasm: offset 0x[0-9a-f]+\)$")

    def test_a_component(self):
        outcome = self.run_guest("p2-basics.wat", arguments=["t"])
        self.assert_trap(outcome, "unreachable")
        line = marked_lines("p2-basics.wat")["unreachable"]
        self.assertRegex(outcome["wasm"]["backtrace"][0], rf"^crash \(p2-basics\.wat:{line}:\d+\)$")

    def test_kinds_of_features_that_are_off(self):
        for trap, features, text in (
                ("uncaught_exception", "allow_exceptions = true", '(tag $t) (func (export "_start") (throw $t))'),
                ("null_reference", "allow_gc = true",
                 '(type $s (struct (field i32))) (func (export "_start") (drop (struct.get $s 0 (ref.null $s))))'),
                ("cast_failure", "allow_gc = true",
                 '(type $s (struct (field i32))) (func (export "_start") '
                 '(drop (ref.cast (ref $s) (ref.i31 (i32.const 1)))))'),
                ("array_out_of_bounds", "allow_gc = true",
                 '(type $a (array i32)) (func (export "_start") '
                 '(drop (array.get $a (array.new_default $a (i32.const 2)) (i32.const 2))))'),
                ("unaligned_atomic", "allow_threads = true",
                 '(memory 1 1 shared) (func (export "_start") (drop (i32.atomic.load (i32.const 1))))')):
            with self.subTest(trap=trap):
                self.assert_trap(self.program("t.wat", f"(module {text})", *self.config(features)), trap)

    def test_what_was_printed_before_is_kept(self):
        outcome = self.program("t.wat", f"""(module
          (import "{PREVIEW1}" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1) (data (i32.const 0) "\\08\\00\\00\\00\\03\\00\\00\\00so\\0a")
          (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20))) unreachable))""")
        self.assert_trap(outcome, "unreachable")
        self.assertEqual(outcome["stdout"], "so\n")


class Features(WasmCase):
    START = '(func (export "_start"))'
    ROWS = (
        ("allow_bulk_memory", "bulk memory", '(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))', ""),
        ("allow_reference_types", "reference types", "(func (param externref))", ""),
        ("allow_simd", "SIMD", "(func (drop (v128.const i64x2 0 0)))", "allow_relaxed_simd = false\n"),
        ("allow_relaxed_simd", "relaxed SIMD",
         "(func (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))", ""),
        ("allow_multi_memory", "multi-memory", "(memory 1) (memory 1)", ""),
        ("allow_memory64", "memory64", "(memory i64 1)", ""),
        ("allow_tail_calls", "tail call", "(func $f (return_call $f))", ""),
        ("allow_threads", "threads", "(memory 1 1 shared)", ""),
        ("allow_exceptions", "exception handling", "(tag $t) (func (throw $t))", ""),
        ("allow_gc", "garbage collection", "(type (struct (field i32)))", ""),
    )

    def test_each_is_named_when_it_is_off_and_works_when_it_is_on(self):
        for key, name, text, also in self.ROWS:
            with self.subTest(key=key):
                also = also if key != "allow_reference_types" else "allow_exceptions = false\nallow_gc = false\n"
                self.write("f.wat", f"(module {text} {self.START})")
                refused = self.outcome("f.wat", *self.config(f"{key} = false\n{also}"))
                self.assert_refused(refused, name, f"{key} = true")
                self.assert_outcome(self.outcome("f.wat", *self.config(f"{key} = true")), status="exited", exit_code=0)

    def test_what_is_young_is_off_by_default_and_the_rest_on(self):
        off = {"allow_threads", "allow_exceptions", "allow_gc"}
        for key, name, text, _ in self.ROWS:
            with self.subTest(key=key):
                outcome = self.program("f.wat", f"(module {text} {self.START})")
                if key in off:
                    self.assert_refused(outcome, name, key)
                else:
                    self.assert_outcome(outcome, status="exited")

    def test_the_component_model(self):
        self.assert_refused(self.run_guest("hello-component.wat", *self.config("allow_component_model = false")),
                            "component model", "allow_component_model = true")
        self.assert_outcome(self.run_guest("hello.wat", *self.config("allow_component_model = false")), exit_code=0)

    def test_check_lists_the_features_that_are_used(self):
        self.write("f.wat", f"(module (memory 1) (memory 1) {self.START})")
        self.assertEqual(self.check("f.wat")["description"]["features"], ["multi-memory"])


class BadInput(WasmCase):
    def assert_bad(self, name, *words, exit_status=126):
        for verb in (("run",), ("run", "--json"), ("check",)):
            done = self.sandpit(*verb, name)
            self.assertEqual(done.returncode, exit_status, (verb, done.stdout, done.stderr))
            for word in words:
                self.assertIn(word, (done.stdout + done.stderr).decode().replace('\\"', '"'), verb)

    def test_an_empty_file(self):
        for name in ("e.wasm", "e.wat"):
            self.write(name, b"")
            self.assert_bad(name, "the file is empty")

    def test_a_file_truncated_anywhere(self):
        whole = hello_binary()
        boundary = whole.index(b"\x1a\x0b") + 2  # where the data section begins: a module without it is whole
        for size in range(1, len(whole) - 1, 7):
            if size == boundary:
                continue
            self.write("t.wasm", whole[:size])
            outcome = self.outcome("t.wasm")
            self.assert_outcome(outcome, status="refused", exit=126, stdout="")
            self.assertTrue(outcome["message"], size)
        self.write("t.wasm", whole[:5])
        self.assert_bad("t.wasm", "truncated")

    def test_corrupt_bytes(self):
        whole = hello_binary()
        for at in range(4, len(whole), 5):
            self.write("c.wasm", whole[:at] + bytes([whole[at] ^ 0xA5]) + whole[at + 1:])
            outcome = self.outcome("c.wasm", "--timeout", "5")
            self.assertIn(outcome["status"], ("refused", "exited", "trapped"), (at, outcome))
        body = binary_module(b"\x41\1")  # leaves a value behind
        self.write("c.wasm", body)
        self.assert_bad("c.wasm", "function 0", "offset 0x")

    def test_a_place_is_told_once(self):
        self.write("t.wat", '(module (func $f (result i32) i64.const 5) (func (export "_start")))')
        message = self.outcome("t.wat")["message"]
        self.assertRegex(message, r"^t\.wat: offset 0x[0-9a-f]+: function 0: type mismatch")
        self.write("t.wasm", HEADER + b"\1\5\x60")
        self.assertEqual(self.outcome("t.wasm")["message"].count("offset"), 1)

    def test_other_bytes(self):
        self.write("w.wasm", b"\x7fELF\2\1\1" + b"\0" * 100)
        self.assert_bad("w.wasm", "not WebAssembly", "7f 45 4c 46")
        self.write("v.wasm", b"\0asm\2\0\0\0")
        self.assert_bad("v.wasm", "version 2")

    def test_a_syntax_error_is_shown_with_line_column_and_caret(self):
        self.write("s.wat", '(module\n  (func (export "_start")\n    (i32.consst 1)))\n')
        done = self.sandpit("run", "s.wat")
        self.assertEqual(done.returncode, 126)
        text = done.stderr.decode()
        self.assertIn("s.wat:3:6: ", text)
        lines = text.splitlines()
        self.assertEqual(lines[-1].index("^") - lines[-2].index("(i32.consst"), 1, text)
        found = self.check("s.wat")
        self.assertEqual((found["exit"], found["problems"][0]["line"], found["problems"][0]["column"]), (126, 3, 6))

    def test_a_file_without_an_entry_point_is_told_what_it_exports(self):
        self.assert_refused(self.run_guest("values.wat"), "no entry point", "add(i32, i32) -> i32", "memory", "--invoke")
        self.assert_refused(self.run_guest("p2-values.wat"), "no entry point", "greet", "--invoke")
        self.write("n.wat", "(module)")
        self.assert_refused(self.outcome("n.wat"), "no entry point", "exports nothing")
        self.write("n.wat", '(module (func (export "_start") (param i32)))')
        self.assert_refused(self.outcome("n.wat"), "_start")

    def test_no_file_a_directory_a_fifo_and_a_file_that_may_not_be_read(self):
        (self.dir / "d.wasm").mkdir()
        os.mkfifo(self.dir / "f.wasm")
        for name in ("missing.wasm", "d.wasm", "f.wasm"):
            done = self.sandpit("run", name)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(name, done.stderr.decode())

    def test_a_huge_count_in_a_small_file(self):
        self.write("h.wasm", b"\0asm\1\0\0\0\1\x85\x80\x80\x80\0\xff\xff\xff\xff\x0f")
        self.assert_bad("h.wasm", "h.wasm")

    def test_deep_nesting_in_text(self):
        self.write("n.wat", "(module " + "(func " * 100000)
        self.assertIn(self.outcome("n.wat")["status"], ("refused", "compile_failed"))
        self.write("n.wat", '(module (func (export "_start") ' + "(block " * 50000 + ")" * 50000 + "))")
        self.assertIn(self.outcome("n.wat")["status"], ("refused", "exited", "compile_failed"))
