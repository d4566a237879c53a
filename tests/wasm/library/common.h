// What the programs of tests/wasm/library_test.py and hostile_worker_test.py share. Each is
//
//   PROGRAM WHAT LAUNCHER GUESTS-DIRECTORY CACHE-DIRECTORY
//
// prints what it saw, a line each, and exits with 1 when something is not as it must be.
#pragma once

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
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using sandpit::Outcome;
using sandpit::Status;

inline std::string g_guests;
inline std::string g_launcher;
inline std::string g_cache;

[[noreturn]] inline void fail(const std::string& what) {
  std::cout << "FAILED: " << what << std::endl;
  std::exit(1);
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline sandpit::Sandbox make(std::uint64_t runs_per_worker = 10'000, unsigned workers = 0) {
  sandpit::Config config = sandpit::Config::defaults();
  config.settings().security.allow_degraded = {"memory", "cpu_time", "processes"};
  config.settings().wasm.cache_dir = g_cache;
  auto sandbox = sandpit::Sandbox::create(
      std::move(config),
      {.launcher = g_launcher, .warm = {.workers = workers, .runs_per_worker = runs_per_worker}});
  if (!sandbox) fail(sandbox.error().to_string());
  return std::move(*sandbox);
}

inline sandpit::Request request(const std::string& guest, std::vector<std::string> args = {},
                                const std::string& domain = "one") {
  sandpit::Request made{.source = sandpit::SourceFile{g_guests + "/" + guest},
                        .args = std::move(args)};
  made.trust_domain = domain;
  return made;
}

inline Outcome run(const sandpit::Sandbox& sandbox, const sandpit::Request& request) {
  auto outcome = sandbox.run(request);
  if (!outcome) fail(outcome.error().to_string());
  return std::move(*outcome);
}

inline std::string text(const Outcome& outcome) {
  return std::string(to_string(outcome.status)) + ", exit code " +
         std::to_string(outcome.exit_code) + ", stdout \"" + outcome.stdout_text +
         "\", message \"" + outcome.message + "\"" +
         (outcome.wasm ? (outcome.wasm->warm ? ", warm" : ", cold") : ", not wasm");
}

inline void must_print(const Outcome& outcome, const std::string& wanted) {
  if (outcome.status != Status::kExited || outcome.exit_code != 0 ||
      outcome.stdout_text != wanted) {
    fail("wanted \"" + wanted + "\", got " + text(outcome));
  }
}

// The launcher and everything below it: {id, name}.
inline std::vector<std::pair<int, std::string>> descendants() {
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

inline std::set<int> workers() {
  std::set<int> found;
  for (const auto& [pid, name] : descendants())
    if (name.starts_with("wasm-worker")) found.insert(pid);
  return found;
}

inline std::size_t descriptors(const std::string& pid) {
  std::error_code error;
  std::size_t count = 0;
  for (auto at = fs::directory_iterator("/proc/" + pid + "/fd", error);
       !error && at != fs::directory_iterator(); at.increment(error))
    ++count;
  return count;
}

inline long resident_kib(const std::string& pid) {
  const std::string status = read_file("/proc/" + pid + "/status");
  const auto at = status.find("VmRSS:");
  return at == std::string::npos ? 0 : std::stol(status.substr(at + 6));
}

struct Sizes {
  std::size_t descriptors = 0;
  long resident = 0;
};

inline Sizes sizes() {
  Sizes sum{.descriptors = descriptors("self"), .resident = resident_kib("self")};
  for (const auto& [pid, name] : descendants()) {
    sum.descriptors += descriptors(std::to_string(pid));
    sum.resident += resident_kib(std::to_string(pid));
  }
  return sum;
}

using Behaviour = std::pair<const char*, void (*)()>;

inline int run_one(char** words, std::span<const Behaviour> all) {
  g_launcher = words[2];
  g_guests = words[3];
  g_cache = words[4];
  for (const auto& [name, function] : all)
    if (std::string(words[1]) == name) return function(), std::cout << "done\n", 0;
  return 2;
}
