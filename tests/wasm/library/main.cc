// Warm runs through the library, for tests/wasm/library_test.py: one behaviour for each word.
#include <thread>

#include "common.h"

namespace {

void growth() {
  const sandpit::Sandbox sandbox = make(1'000'000, 1);
  const auto runs = [&](int count) {
    for (int i = 0; i < count; ++i) {
      must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
      must_print(run(sandbox, request("basics.wat", {"a", std::to_string(i)})),
                 "[" + std::to_string(i) + "]\n");
      sandpit::Request reads = request("basics.wat", {"c"});
      reads.input = sandpit::StdinBytes{std::string(i % 50 == 0 ? 200'000 : 10, 'x')};
      must_print(run(sandbox, reads), std::get<sandpit::StdinBytes>(reads.input).bytes);
      const Outcome trapped = run(sandbox, request("traps.wat"));
      if (trapped.status != Status::kTrapped) fail(text(trapped));
    }
  };
  runs(100);
  const std::set<int> before_workers = workers();
  const Sizes before = sizes();
  runs(500);
  const Sizes after = sizes();
  if (workers() != before_workers || before_workers.size() != 1) fail("the worker was replaced");
  std::cout << "descriptors " << before.descriptors << " -> " << after.descriptors
            << ", resident KiB " << before.resident << " -> " << after.resident << '\n';
  if (after.descriptors != before.descriptors) fail("descriptors grew");
  if (after.resident > before.resident + 4096) fail("memory grew");
}

void fresh() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  bool warm = false;
  for (int i = 0; i < 20; ++i) {
    const Outcome outcome = run(sandbox, request("shared-nothing.wat"));
    must_print(outcome, "1111\n");
    warm = outcome.wasm->warm;
  }
  if (!warm) fail("never warm: the test proves nothing");
}

void domains() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  must_print(run(sandbox, request("shared-nothing.wat", {}, "one")), "1111\n");
  const std::set<int> one = workers();
  must_print(run(sandbox, request("shared-nothing.wat", {}, "one")), "1111\n");
  if (workers() != one || one.size() != 1) fail("the same domain is not served by the same worker");
  must_print(run(sandbox, request("shared-nothing.wat", {}, "two")), "1111\n");
  if (workers().size() != 2) fail("another domain has no worker of its own");
}

Outcome kill_in_flight(const sandpit::Sandbox& sandbox) {
  std::thread killer([] {
    std::this_thread::sleep_for(500ms);
    for (const int pid : workers()) ::kill(pid, SIGKILL);
  });
  Outcome outcome = run(sandbox, request("basics.wat", {"s"}));
  killer.join();
  return outcome;
}

void killed() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
  const Outcome outcome = kill_in_flight(sandbox);
  std::cout << text(outcome) << '\n';
  if (outcome.status == Status::kExited || outcome.message.empty()) fail("not told clearly");
  must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
  // One that dies while it is idle.
  for (const int pid : workers()) ::kill(pid, SIGKILL);
  std::this_thread::sleep_for(300ms);
  const Outcome first = run(sandbox, request("shared-nothing.wat"));
  std::cout << "after a death while idle: " << text(first) << '\n';
  must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
}

void idle_death() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
  for (const int pid : workers()) ::kill(pid, SIGKILL);
  std::this_thread::sleep_for(300ms);
  must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
}

void deadline() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  for (const char* how : {"s", "S", "n"}) {
    sandpit::Request slow = request("basics.wat", {how});
    slow.limits.wall_time = 500ms;
    slow.limits.cpu_time = 500ms;
    const auto began = std::chrono::steady_clock::now();
    const Outcome outcome = run(sandbox, slow);
    const auto took = std::chrono::steady_clock::now() - began;
    const bool right = outcome.status == Status::kWallTimeExceeded ||
                       (*how == 'n' && outcome.status == Status::kCpuTimeExceeded);
    if (!right || took > 2s) fail(std::string(how) + ": " + text(outcome));
    must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
  }
}

void replaced() {
  const sandpit::Sandbox sandbox = make(5, 1);
  std::set<int> seen;
  for (int i = 0; i < 12; ++i) {
    must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
    for (const int pid : workers()) seen.insert(pid);
  }
  std::this_thread::sleep_for(500ms);
  if (workers().size() > 1) fail("replaced workers stay: " + std::to_string(workers().size()));
  for (const int pid : workers()) seen.insert(pid);
  if (seen.size() < 2) fail("one worker served all");
}

void threads() {
  const sandpit::Sandbox sandbox = make(1000, 2);
  std::vector<std::thread> running;
  for (int t = 0; t < 4; ++t) {
    running.emplace_back([&sandbox, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string word = std::to_string(t) + "-" + std::to_string(i);
        must_print(run(sandbox, request("basics.wat", {"a", word})), "[" + word + "]\n");
        must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  if (workers().size() > 2) fail("more workers than allowed");
}

void kinds() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  for (int i = 0; i < 3; ++i) {
    must_print(run(sandbox, request("p2-basics.wat", {"a", "x"})), "[x]\n");
    sandpit::Request call = request("values.wat", {"40", "2"});
    call.invoke = "add";
    must_print(run(sandbox, call), "42\n");
    call.args = {"1"};
    const Outcome refused = run(sandbox, call);
    if (refused.status != Status::kRefused) fail(text(refused));
    sandpit::Request with = request("basics.wat", {"e"});
    with.env = {{"A", "b"}};
    must_print(run(sandbox, with), "[A=b]\n");
    must_print(run(sandbox, request("basics.wat", {"e"})), "");  // not of the run before
    const Outcome five = run(sandbox, request("basics.wat", {"x", "5"}));
    if (five.exit_code != 5) fail(text(five));
    sandpit::Request flood = request("basics.wat", {"f"});
    flood.limits.output = sandpit::ByteCount::kib(64);
    const Outcome cut = run(sandbox, flood);
    if (!cut.stdout_truncated || cut.stdout_bytes != 1'000'010 || cut.stderr_text != "went on\n")
      fail(text(cut));
    sandpit::Request spoilt;
    spoilt.source = sandpit::SourceText{.text = "(module (", .name = "bad.wat"};
    spoilt.trust_domain = "one";
    const Outcome bad = run(sandbox, spoilt);
    if (bad.status != Status::kRefused || bad.message.find("bad.wat:1:") == std::string::npos)
      fail(text(bad));
    sandpit::Request hungry = request("limits.wat", {});
    hungry.invoke = "must_grow";
    hungry.limits.memory = sandpit::ByteCount::mib(64);
    const Outcome memory = run(sandbox, hungry);
    if (memory.status != Status::kMemoryExceeded) fail(text(memory));
  }
}

void leftovers() {
  {
    const sandpit::Sandbox sandbox = make(1000, 1);
    must_print(run(sandbox, request("shared-nothing.wat")), "1111\n");
    if (workers().empty()) fail("no worker is seen: the test proves nothing");
  }
  std::this_thread::sleep_for(500ms);
  if (!descendants().empty()) fail(std::to_string(descendants().size()) + " processes are left");
}

}  // namespace

int main(int, char** words) {
  const Behaviour all[] = {
      {"growth", growth},       {"fresh", fresh},          {"domains", domains}, {"killed", killed},
      {"deadline", deadline},   {"replaced", replaced},    {"threads", threads}, {"kinds", kinds},
      {"leftovers", leftovers}, {"idle-death", idle_death}};
  return run_one(words, all);
}
