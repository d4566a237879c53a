// Runs with a worker that was taken over (hostile_worker.c), for tests/wasm/hostile_worker_test.py:
// one behaviour for each word. What is asserted: it harms nobody but the runs of its own trust
// domain, and those in no worse way than ending them or answering falsely.
#include <thread>

#include "common.h"

namespace {

Outcome run_limited(const sandpit::Sandbox& sandbox, sandpit::Request request) {
  request.limits.wall_time = 500ms;
  const auto began = std::chrono::steady_clock::now();
  Outcome outcome = run(sandbox, request);
  if (std::chrono::steady_clock::now() - began > 1s) fail("it held us up: " + text(outcome));
  return outcome;
}

// Two modules, one after the other in one worker.
void two_modules() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  for (const char* guest : {"shared-nothing.wat", "basics.wat"}) {
    const Outcome outcome = run(sandbox, request(guest, {"a", "x"}));
    std::cout << guest << ": " << outcome.stdout_text << (outcome.wasm->warm ? " warm" : " first")
              << '\n';
  }
}

// The same with the real worker, a new one for each.
void honest() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  const Outcome first = run(sandbox, request("shared-nothing.wat", {}, "one"));
  must_print(first, "1111\n");
  const Outcome second = run(sandbox, request("basics.wat", {"a", "x"}, "two"));
  must_print(second, "[x]\n");
  std::cout << "hits " << first.wasm->cache_hit << second.wasm->cache_hit << '\n';
}

void answers() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  int answered = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string word = std::to_string(i);
    const Outcome outcome = run_limited(sandbox, request("basics.wat", {"<" + word + ">"}));
    if (outcome.status != Status::kExited) continue;
    ++answered;
    if (outcome.stdout_text != word) fail("run " + word + " got the answer " + outcome.stdout_text);
  }
  if (answered == 0) fail("never answered: the test proves nothing");
}

void silence() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = run_limited(sandbox, request("basics.wat", {std::string(90'000, 'x')}));
    if (outcome.status != Status::kWallTimeExceeded) fail(text(outcome));
  }
}

void flood() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  for (int i = 0; i < 40; ++i) {
    const Outcome outcome = run_limited(sandbox, request("basics.wat", {std::string(1000, 'x')}));
    if (outcome.status == Status::kExited) fail("an answer to nothing counted: " + text(outcome));
  }
}

void leak() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  (void)run(sandbox, request("basics.wat"));
  const std::size_t before = descriptors("self");
  for (int i = 0; i < 20; ++i) (void)run(sandbox, request("basics.wat"));
  const std::size_t after = descriptors("self");
  std::cout << "descriptors " << before << " -> " << after << '\n';
  if (after > before) fail("descriptors grew");
}

void idle_work() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  sandpit::Request one = request("basics.wat");
  one.limits.cpu_time = 100ms;  // 2 x 0.1 s + 2 s are granted
  must_print(run(sandbox, one), "answered");
  const std::set<int> spinning = workers();
  if (spinning.size() != 1) fail("no worker is seen: the test proves nothing");
  const auto began = std::chrono::steady_clock::now();
  const auto waited = [&] { return std::chrono::steady_clock::now() - began; };
  while (!workers().empty() && waited() < 8s) std::this_thread::sleep_for(50ms);
  std::cout << "ended after "
            << std::chrono::duration_cast<std::chrono::milliseconds>(waited()).count() << " ms\n";
  if (waited() >= 8s) fail("it works on");
  must_print(run(sandbox, one), "answered");
  if (workers() == spinning) fail("the same worker");
}

Outcome lie(const sandpit::Sandbox& sandbox, int which) {
  sandpit::Request one = request("basics.wat", {"<" + std::to_string(which)});
  one.limits.output = sandpit::ByteCount::kib(16);
  Outcome outcome = run_limited(sandbox, one);
  std::cout << which << ": " << text(outcome).substr(0, 200) << '\n';
  if (outcome.status == Status::kExited) fail("believed");
  return outcome;
}

void lies() {
  const sandpit::Sandbox sandbox = make(1000, 1);
  for (int which = 0; which < 9; ++which) (void)lie(sandbox, which);
}

void too_much() {
  const Outcome outcome = lie(make(1000, 1), 4);
  if (outcome.stdout_text.size() > std::size_t{16} << 10U) fail("more than the output limit");
}

}  // namespace

int main(int, char** words) {
  const Behaviour all[] = {
      {"two-modules", two_modules}, {"honest", honest}, {"answers", answers},
      {"silence", silence},         {"flood", flood},   {"leak", leak},
      {"idle-work", idle_work},     {"lies", lies},     {"too-much", too_much}};
  return run_one(words, all);
}
