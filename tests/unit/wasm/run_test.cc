// What a well-behaved module sees: arguments, environment, streams, exit codes, directories.
#include "unit/wasm/worker_driver.h"

namespace sandpit::wasm::testing {
namespace {

class Run : public WorkerTest {};

std::string example(const std::string& name) {
  std::ifstream file(std::string(SANDPIT_SOURCE_DIR) + "/examples/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(Run, PrintsHello) {
  const Ended ended = run(given(example("hello.wat"), "hello.wat"));
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.out, "Hello from WebAssembly\n");
  EXPECT_EQ(ended.report.end, End::kExited);
  EXPECT_EQ(ended.report.compiler, "cranelift");
  EXPECT_GT(ended.report.compile_us, 0);
  EXPECT_EQ(ended.phase, Phase::kDone);
  EXPECT_EQ(ended.report.memory_high_water, 65536U);
  EXPECT_EQ(ended.memory_high_water, 65536U);
}

TEST_F(Run, PrintsHelloFromAComponent) {
  const Ended ended = run(given(example("hello-component.wat"), "hello-component.wat"));
  EXPECT_EQ(ended.exit_code, 0) << all_problems(ended.report) << ended.report.message;
  EXPECT_EQ(ended.out, "Hello from a component\n");
}

TEST_F(Run, ComputesFibonacciOfItsArgument) {
  Given fibonacci = given(example("fibonacci.wat"), "fibonacci.wat");
  fibonacci.plan.args = {"fibonacci.wat", "90"};
  EXPECT_EQ(run(fibonacci).out, "2880067194370816120\n");
  fibonacci.plan.args = {"fibonacci.wat", "0"};
  EXPECT_EQ(run(fibonacci).out, "0\n");
  fibonacci.plan.args = {"fibonacci.wat", "x"};
  const Ended ended = run(fibonacci);
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(ended.err, "usage: fibonacci N, with N from 0 to 93\n");
}

TEST_F(Run, ReadsAFileOfItsFirstDirectory) {
  const TempDir dir;
  dir.write("greeting.txt", "Good morning\n");
  Given reader = given(example("capabilities.wat"), "capabilities.wat");
  EXPECT_EQ(run(reader).err, "no directory was granted: try --read DIR\n");
  EXPECT_EQ(run(reader).exit_code, 1);
  reader.plan.preopens = {{.inside = dir.path(), .guest = "/data", .writable = false}};
  const Ended ended = run(reader);
  EXPECT_EQ(ended.out, "Good morning\n");
  EXPECT_EQ(ended.exit_code, 0);
}

TEST_F(Run, ExitsWithTheCodeOfProcExit) {
  EXPECT_EQ(run(given(program("(call $proc_exit (i32.const 7))"))).exit_code, 7);
  const Ended ended = run(given(program("(call $proc_exit (i32.const 200))")));
  EXPECT_EQ(ended.exit_code, 200);
  EXPECT_EQ(ended.report.exit_code, 200U);
  EXPECT_EQ(ended.report.end, End::kExited);
}

TEST_F(Run, SeesItsEnvironmentAndNothingElse) {
  Given environment = given(program(R"(
    (drop (call $environ_get (i32.const 100) (i32.const 200)))
    (call $print (i32.const 200) (i32.const 7)))",
                                    R"(
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  ;; ---)"));
  environment.plan.env = {"NAME=x"};
  const Ended ended = run(environment);
  EXPECT_EQ(ended.out, std::string("NAME=x\0", 7)) << all_problems(ended.report);
}

const char* const kCat = R"(
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  ;; ---)";
const char* const kCatBody = R"(
    (block $end (loop $more
      (i32.store (i32.const 16) (i32.const 1024))
      (i32.store (i32.const 20) (i32.const 4096))
      (br_if $end (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
      (br_if $end (i32.eqz (i32.load (i32.const 24))))
      (call $print (i32.const 1024) (i32.load (i32.const 24)))
      (br $more))))";

TEST_F(Run, CopiesItsInput) {
  Given cat = given(program(kCatBody, kCat));
  cat.input = std::string(20'000, 'x') + "end";
  const Ended ended = run(cat);
  EXPECT_EQ(ended.out, cat.input) << all_problems(ended.report);
}

TEST_F(Run, CopiesItsInputFromAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    for (const char* part : {"one ", "two ", "three"}) {
      ::usleep(20'000);
      (void)!::write(ends[1], part, std::strlen(part));
    }
    ::_exit(0);
  }
  writer.reset();
  Given cat = given(program(kCatBody, kCat));
  cat.input_fd = reader.get();
  EXPECT_EQ(run(cat).out, "one two three");
  ::waitpid(child, nullptr, 0);
}

TEST_F(Run, StreamsThatAreOffAreClosed) {
  Given silent = given(program(kCatBody, kCat));
  silent.input = "something";
  silent.plan.capabilities.standard_input = false;
  EXPECT_EQ(run(silent).out, "");
  silent.plan.capabilities.standard_input = true;
  silent.plan.capabilities.standard_output = false;
  EXPECT_EQ(run(silent).out, "");
  // The write says so: the errno is the exit code.
  Given told =
      given(program("(call $proc_exit (call $write (i32.const 1) (i32.const 0) (i32.const 1)))"));
  told.plan.capabilities.standard_output = false;
  EXPECT_NE(run(told).exit_code, 0);
}

// Opens `path` with the flags and exits with the errno.
std::string opener(const std::string& path, int open_flags, int rights) {
  return program(
      "(call $proc_exit (call $path_open (i32.const 3) (i32.const 1) (i32.const 256) "
      "(i32.const " +
          std::to_string(path.size()) + ") (i32.const " + std::to_string(open_flags) +
          ") (i64.const " + std::to_string(rights) +
          ") (i64.const 0) (i32.const 0) (i32.const 16)))",
      R"((import "wasi_snapshot_preview1" "path_open" (func $path_open
      (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  ;; ---
  (data (i32.const 256) ")" +
          path + "\")");
}

constexpr int kCreate = 1;
constexpr int kReading = 2;
constexpr int kWriting = 64;

TEST_F(Run, WritesOnlyWhereItMay) {
  const TempDir dir;
  dir.write("old.txt", "old");
  Given create = given(opener("new.txt", kCreate, kWriting));
  create.plan.preopens = {{.inside = dir.path(), .guest = "/data", .writable = false}};
  EXPECT_NE(run(create).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(dir.path("new.txt")));
  create.plan.preopens[0].writable = true;
  EXPECT_EQ(run(create).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(dir.path("new.txt")));
}

TEST_F(Run, StaysInItsDirectory) {
  const TempDir outside;
  outside.write("secret", "secret");
  const TempDir dir;
  std::filesystem::create_symlink(outside.path("secret"), dir.path("link"));
  std::filesystem::create_symlink("../" + outside.path().substr(5) + "/secret", dir.path("up"));
  std::filesystem::create_symlink(outside.path(), dir.path("dir"));
  const std::string up = "../" + outside.path().substr(5) + "/secret";
  for (const std::string& path :
       {std::string("link"), std::string("up"), std::string("dir/secret"), up,
        std::string("a/../") + up, outside.path("secret"), std::string("/etc/passwd")}) {
    Given escape = given(opener(path, 0, kReading));
    escape.plan.preopens = {{.inside = dir.path(), .guest = "/data", .writable = true}};
    const Ended ended = run(escape);
    EXPECT_EQ(ended.report.end, End::kExited) << path;
    EXPECT_NE(ended.exit_code, 0) << path;
  }
}

TEST_F(Run, AFileStandsForItsDirectory) {
  const TempDir dir;
  dir.write("one.txt", "1");
  Given open = given(opener("one.txt", 0, kReading));
  open.plan.preopens = {{.inside = dir.path("one.txt"), .guest = "/data/one.txt"}};
  EXPECT_EQ(run(open).exit_code, 0);
}

}  // namespace
}  // namespace sandpit::wasm::testing
