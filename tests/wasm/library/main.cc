// Warm runs through the library, for tests/wasm/library_test.py: one behaviour for each word.
//
//   warm WHAT LAUNCHER GUESTS-DIRECTORY CACHE-DIRECTORY
//
// Prints what it saw, a line each, and exits with 1 when something is not as it must be.
#include <dirent.h>
#include <sandpit/sandpit.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using sandpit::Outcome;
using sandpit::Status;

std::string g_guests;
std::string g_launcher;
std::string g_cache;

[[noreturn]] void fail(const std::string& what) {
  std::cout << "FAILED: " << what << std::endl;
  std::exit(1);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

sandpit::Sandbox make(std::uint64_t runs_per_worker = 10'000, unsigned workers = 0) {
  sandpit::Config config = sandpit::Config::defaults();
  config.settings().security.allow_degraded = {"memory", "cpu_time", "processes"};
  config.settings().wasm.cache_dir = g_cache;
  auto sandbox = sandpit::Sandbox::create(
      std::move(config),
      {.launcher = g_launcher, .warm = {.workers = workers, .runs_per_worker = runs_per_worker}});
  if (!sandbox) fail(sandbox.error().to_string());
  return std::move(*sandbox);
}

sandpit::Request request(const std::string& guest, std::vector<std::string> args = {},
                         const std::string& domain = "one") {
  sandpit::Request made{.source = sandpit::SourceFile{g_guests + "/" + guest},
                        .args = std::move(args)};
  made.trust_domain = domain;
  return made;
}

Outcome run(const sandpit::Sandbox& sandbox, const sandpit::Request& request) {
  auto outcome = sandbox.run(request);
  if (!outcome) fail(outcome.error().to_string());
  return std::move(*outcome);
}

std::string text(const Outcome& outcome) {
  return std::string(to_string(outcome.status)) + ", exit code " +
         std::to_string(outcome.exit_code) + ", stdout \"" + outcome.stdout_text +
         "\", message \"" + outcome.message + "\"" +
         (outcome.wasm ? (outcome.wasm->warm ? ", warm" : ", cold") : ", not wasm");
}

void must_print(const Outcome& outcome, const std::string& wanted) {
  if (outcome.status != Status::kExited || outcome.exit_code != 0 ||
      outcome.stdout_text != wanted) {
    fail("wanted \"" + wanted + "\", got " + text(outcome));
  }
}

// The launcher and everything below it: {id, name}.
std::vector<std::pair<int, std::string>> descendants() {
  std::vector<std::pair<int, std::pair<int, std::string>>> all;  // parent, {id, name}
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string number = entry.path().filename();
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string stat = read_file(entry.path() / "stat");
    const auto open = stat.find('('), close = stat.rfind(')');
    if (close == std::string::npos) continue;
    char state = 0;
    int parent = 0;
    std::istringstream(stat.substr(close + 2)) >> state >> parent;
    if (state != 'Z')
      all.push_back({parent, {std::stoi(number), stat.substr(open + 1, close - open - 1)}});
  }
  std::vector<std::pair<int, std::string>> found;
  // The launcher is nobody's child: it is known by its program, a copy for this test alone.
  std::vector<int> todo;
  for (const auto& [of, process] : all) {
    std::error_code error;
    const fs::path program =
        fs::read_symlink("/proc/" + std::to_string(process.first) + "/exe", error);
    if (error || program != g_launcher) continue;
    if (std::ranges::find(todo, process.first) == todo.end()) todo.push_back(process.first);
  }
  for (const auto& [of, process] : all)
    if (std::ranges::find(todo, process.first) != todo.end()) found.push_back(process);
  while (!todo.empty()) {
    const int parent = todo.back();
    todo.pop_back();
    for (const auto& [of, process] : all) {
      if (of != parent) continue;
      if (std::ranges::find(found, process) != found.end()) continue;
      found.push_back(process);
      todo.push_back(process.first);
    }
  }
  return found;
}

std::set<int> workers() {
  std::set<int> found;
  for (const auto& [pid, name] : descendants())
    if (name.starts_with("wasm-worker")) found.insert(pid);
  return found;
}

std::size_t descriptors(const std::string& pid) {
  std::error_code error;
  std::size_t count = 0;
  for (auto at = fs::directory_iterator("/proc/" + pid + "/fd", error);
       !error && at != fs::directory_iterator(); at.increment(error))
    ++count;
  return count;
}

long resident_kib(const std::string& pid) {
  const std::string status = read_file("/proc/" + pid + "/status");
  const auto at = status.find("VmRSS:");
  return at == std::string::npos ? 0 : std::stol(status.substr(at + 6));
}

struct Sizes {
  std::size_t descriptors = 0;
  long resident = 0;
};

Sizes sizes() {
  Sizes sum{.descriptors = descriptors("self"), .resident = resident_kib("self")};
  for (const auto& [pid, name] : descendants()) {
    sum.descriptors += descriptors(std::to_string(pid));
    sum.resident += resident_kib(std::to_string(pid));
  }
  return sum;
}

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
  const std::string what = words[1];
  g_launcher = words[2];
  g_guests = words[3];
  g_cache = words[4];
  const std::pair<const char*, void (*)()> all[] = {
      {"growth", growth},       {"fresh", fresh},          {"domains", domains}, {"killed", killed},
      {"deadline", deadline},   {"replaced", replaced},    {"threads", threads}, {"kinds", kinds},
      {"leftovers", leftovers}, {"idle-death", idle_death}};
  for (const auto& [name, function] : all)
    if (what == name) return function(), std::cout << "done\n", 0;
  return 2;
}
