// What one request may cost others, for tests/wasm/library_test.py: one behaviour for each word.
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "common.h"

namespace {

constexpr const char* kNothing = R"((module (func (export "_start"))))";
constexpr const char* kEndless = R"((module (func (export "_start") (loop br 0))))";

sandpit::Request of_text(const std::string& text, const std::string& domain = "one") {
  sandpit::Request made{.source = sandpit::SourceText{.text = text, .name = "main.wat"}};
  made.trust_domain = domain;
  return made;
}

std::vector<sandpit::Request> warm_and_cold(sandpit::Request request) {
  std::vector<sandpit::Request> both(2, std::move(request));
  both[1].input = sandpit::StdinFile{"/dev/null"};
  return both;
}

void crowd() {
  const sandpit::Sandbox sandbox = make();
  for (const int which : {0, 1}) {
    std::atomic<int> right = 0;
    std::vector<std::thread> running;
    for (int i = 0; i < 12; ++i) {
      running.emplace_back([&, i] {
        auto request = warm_and_cold(of_text(kEndless, "tenant " + std::to_string(i)))[which];
        request.limits.wall_time = 700ms;
        request.limits.cpu_time = 700ms;
        const Outcome outcome = run(sandbox, request);
        const bool ended = outcome.status == Status::kWallTimeExceeded ||
                           outcome.status == Status::kCpuTimeExceeded;
        if (!ended) fail(text(outcome));
        ++right;
      });
    }
    for (std::thread& thread : running) thread.join();
    if (right != 12) fail(std::to_string(right) + " of 12");
  }
}

void strangers() {
  // As few processors as there can be: the bound is for each.
  cpu_set_t allowed;
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  for (int cpu = 0, kept = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed) && ++kept > 2) CPU_CLR(cpu, &allowed);
  ::sched_setaffinity(0, sizeof allowed, &allowed);
  const std::size_t most = 4 * std::thread::hardware_concurrency();
  const sandpit::Sandbox sandbox = make();
  std::size_t seen = 0;
  for (std::size_t i = 0; i < most + 6; ++i) {
    const Outcome outcome = run(sandbox, of_text(kNothing, "tenant " + std::to_string(i)));
    if (outcome.status != Status::kExited || outcome.wasm->warm) fail(text(outcome));
    seen = std::max(seen, workers().size());
  }
  std::this_thread::sleep_for(300ms);
  const std::size_t left = workers().size();
  std::cout << seen << " at most, " << left << " in the end\n";
  if (left > most || seen > most + 3) fail("waiting workers are not bounded");
  if (left < 2) fail("no worker waits: the test proves nothing");
}

void huge_files() {
  const sandpit::Sandbox sandbox = make();
  for (const off_t size : {off_t{1} << 40, off_t{1'500'000'000}}) {
    const std::string path = g_cache + ".wasm";
    std::ofstream(path).put('\0');
    if (::truncate(path.c_str(), size) != 0) fail("no sparse files here");
    const auto began = std::chrono::steady_clock::now();
    const auto outcome = sandbox.run({.source = sandpit::SourceFile{path}, .trust_domain = "one"});
    if (outcome && outcome->status != Status::kRefused) fail(text(*outcome));
    if (!outcome) std::cout << outcome.error().to_string() << '\n';
    if (std::chrono::steady_clock::now() - began > 500ms) fail("it was read");
  }
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  if (used.ru_maxrss > 200'000) fail(std::to_string(used.ru_maxrss) + " KiB resident");
}

void forked() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  must_print(run(sandbox, request("basics.wat", {"a", "0"})), "[0]\n");
  const pid_t child = ::fork();
  if (child == 0) {
    for (int i = 0; i < 50; ++i) {
      const auto outcome = sandbox.run(request("basics.wat", {"a", "child"}));
      if (outcome || outcome.error().code != sandpit::ErrorCode::kUsage) ::_exit(1);
      if (sandbox.start(request("basics.wat", {"a", "child"}))) ::_exit(2);
    }
    ::_exit(0);
  }
  for (int i = 0; i < 50; ++i) {
    const std::string word = std::to_string(i);
    must_print(run(sandbox, request("basics.wat", {"a", word})), "[" + word + "]\n");
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) fail("the child could use it: " + std::to_string(status));
}

void forked_and_destroyed() {
  auto sandbox = std::make_unique<sandpit::Sandbox>(make(1000, 1));
  must_print(run(*sandbox, request("shared-nothing.wat")), "1111\n");
  const pid_t child = ::fork();
  if (child == 0) {
    sandbox.reset();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  must_print(run(*sandbox, request("shared-nothing.wat")), "1111\n");
}

void imports() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  std::string module = "(module\n";
  for (int i = 0; i < 1900; ++i) {
    module += "(import \"env\" \"a_function_with_a_name_" + std::to_string(i) + "\" (func))\n";
  }
  for (const auto& request : warm_and_cold(of_text(module + ")"))) {
    const Outcome outcome = run(sandbox, request);
    if (outcome.status != Status::kRefused || outcome.message.size() > 10'000 ||
        outcome.message.find("import env.a_function_with_a_name_0: unknown") == std::string::npos)
      fail(text(outcome));
  }
  must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
}

void long_requests() {
  constexpr const char* kCounts = R"((module
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (drop (call $sizes (i32.const 0) (i32.const 4)))
      (call $exit (i32.div_u (i32.load (i32.const 4)) (i32.const 5000))))))";
  const sandpit::Sandbox sandbox = make(1000, 1);
  for (const int kib : {50, 90, 120, 210, 400}) {
    sandpit::Request long_one = of_text(kCounts);
    long_one.args = std::vector<std::string>(static_cast<std::size_t>(kib), std::string(1000, 'x'));
    long_one.input = sandpit::StdinBytes{std::string(48U << 10U, 'i')};
    const Outcome outcome = run(sandbox, long_one);
    if (outcome.status != Status::kExited || outcome.exit_code != kib / 5)
      fail(std::to_string(kib) + " KiB: " + text(outcome).substr(0, 300));
  }
}

void bad_names() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  std::vector<sandpit::Request> spoilt(4, of_text(kNothing));
  spoilt[0].env = {{"A=B", "x"}};
  spoilt[1].env = {{std::string("N\0L", 3), "x"}};
  spoilt[2].source = sandpit::SourceText{.text = kNothing, .name = "../../x.wat"};
  spoilt[3].source = sandpit::SourceText{.text = kNothing, .name = std::string("a\0.wat", 6)};
  for (const auto& one : spoilt) {
    for (const auto& request : warm_and_cold(one)) {
      const auto outcome = sandbox.run(request);
      if (outcome && outcome->status != Status::kRefused) fail(text(*outcome));
    }
  }
}

void long_limit() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  sandpit::Request slow = of_text(kEndless);
  slow.limits.wall_time = std::chrono::milliseconds((1LL << 32) + 100);  // 49.7 days
  slow.limits.cpu_time = 600ms;
  const Outcome outcome = run(sandbox, slow);
  if (outcome.status != Status::kCpuTimeExceeded) fail(text(outcome));
}

// Compiling is counted, warm and cold.
void bomb() {
  std::string module = "(module (func (export \"_start\"))\n";
  for (int i = 0; i < 30'000; ++i) {
    module += "(func (param i32) (result i32) local.get 0 i32.const " + std::to_string(i) +
              " i32.add local.get 0 i32.mul local.get 0 i32.xor local.get 0 i32.mul)\n";
  }
  const sandpit::Sandbox sandbox = make(1000, 1);
  for (auto& request : warm_and_cold(of_text(module + ")"))) {
    request.limits.cpu_time = 200ms;
    request.limits.wall_time = 30s;
    const auto began = std::chrono::steady_clock::now();
    const Outcome outcome = run(sandbox, request);
    std::cout << text(outcome) << '\n';
    // A warm worker that ends itself may be told as cancelled: who comes first is not decided.
    const bool ended = outcome.status == Status::kCpuTimeExceeded ||
                       (outcome.status == Status::kSignaled && outcome.message == "cancelled");
    if (!ended || std::chrono::steady_clock::now() - began > 5s) fail("it was not stopped");
  }
  must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
}

}  // namespace

int main(int, char** words) {
  const Behaviour all[] = {{"crowd", crowd},
                           {"strangers", strangers},
                           {"huge-files", huge_files},
                           {"forked", forked},
                           {"imports", imports},
                           {"long-requests", long_requests},
                           {"bomb", bomb},
                           {"long-limit", long_limit},
                           {"forked-and-destroyed", forked_and_destroyed},
                           {"bad-names", bad_names}};
  return run_one(words, all);
}
