// Starts the built wasm-worker without a jail, with memory files as its descriptors.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/binary.h"
#include "base/memory_file.h"
#include "base/unique_fd.h"
#include "engine/wasm/job.h"
#include "engine/wasm/report.h"

namespace sandpit::wasm::testing {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

inline std::string bytes_of(int fd) {
  std::string text;
  char buffer[65536];
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(fd, buffer, sizeof buffer, at);
    if (n <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    at += n;
  }
}

inline std::int64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000L + now.tv_nsec / 1000;
}

struct Given {
  std::string module;
  WasmPlan plan;
  RunBounds bounds;
  Artefact artefact = Artefact::kNone;
  int artefact_fd = -1;
  std::string input;
  int input_fd = -1;  // instead of `input`
};

// The defaults of WasmSettings.
inline Given given(std::string module, std::string name = "test.wat") {
  const WasmSettings defaults;
  Given given;
  given.module = std::move(module);
  given.plan.module_name = name;
  given.plan.args = {std::move(name)};
  given.plan.features = defaults.features;
  given.plan.capabilities = defaults.capabilities;
  given.plan.max_memory = ByteCount::kib(64 * defaults.max_memory_pages);
  given.plan.stack_size = defaults.stack_size;
  given.plan.max_table_elements = defaults.max_table_elements;
  given.plan.max_instances = defaults.max_instances;
  given.plan.max_tables = defaults.max_tables;
  given.plan.max_memories = defaults.max_memories;
  return given;
}

struct Ended {
  int exit_code = -1;
  int signal = 0;
  std::string out;
  std::string err;
  Phase phase = Phase::kStarting;
  std::uint64_t memory_high_water = 0;
  Report report;
};

inline std::string all_problems(const Report& report) {
  std::string text;
  for (const Problem& problem : report.problems) {
    text += problem.where + ": " + problem.message + " (" + problem.hint + ")\n";
  }
  return text;
}

inline std::string encoded(const WasmJob& job) {
  binary::Writer writer;
  writer(job);
  return std::move(writer).take();
}

// Forks and executes the worker; `descriptors[i]` becomes its descriptor i, -1: closed.
inline pid_t start_worker(const std::vector<int>& descriptors) {
  constexpr int kAside = 100;
  const pid_t child = ::fork();
  if (child != 0) return child;
  std::vector<int> aside;
  for (const int fd : descriptors) aside.push_back(fd < 0 ? -1 : ::fcntl(fd, F_DUPFD, kAside));
  for (std::size_t i = 0; i < aside.size(); ++i) {
    if (aside[i] >= 0) ::dup2(aside[i], static_cast<int>(i));
  }
  ::close_range(static_cast<unsigned>(descriptors.size()), ~0U, 0);
  for (std::size_t i = 0; i < aside.size(); ++i) {
    if (aside[i] < 0) ::close(static_cast<int>(i));
  }
  char name[] = "wasm-worker";
  char threads[] = "TOKIO_WORKER_THREADS=1";
  char* arguments[] = {name, nullptr};
  char* environment[] = {threads, nullptr};
  ::execve(SANDPIT_WASM_WORKER, arguments, environment);
  ::_exit(99);
}

inline Ended read_end(pid_t child, int report) {
  Ended ended;
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  const std::string bytes = bytes_of(report);
  ReportHeader header{};
  std::memcpy(static_cast<void*>(&header), bytes.data(), sizeof header);
  ended.phase = static_cast<Phase>(header.phase.load());
  ended.memory_high_water = header.memory_high_water.load();
  if (header.length.load() > 0) {
    binary::Reader reader(std::string_view(bytes).substr(kReportOffset, header.length.load()));
    reader(ended.report);
    EXPECT_TRUE(reader.finished());
  }
  return ended;
}

inline UniqueFd report_file() {
  UniqueFd report = *memory_file("report");
  EXPECT_EQ(::ftruncate(report.get(), kReportCapacity), 0);
  return report;
}

inline Ended run(const Given& given) {
  const UniqueFd job = *sealed_memory_file(
      "job", encoded({.plan = given.plan, .artefact = given.artefact, .bounds = given.bounds}));
  const UniqueFd module = *sealed_memory_file("module", given.module);
  const UniqueFd report = report_file();
  const UniqueFd input = *sealed_memory_file("stdin", given.input);
  const UniqueFd out = *memory_file("stdout");
  const UniqueFd err = *memory_file("stderr");
  const int in = given.input_fd >= 0 ? given.input_fd : input.get();
  const pid_t child = start_worker(
      {in, out.get(), err.get(), job.get(), report.get(), module.get(), given.artefact_fd});
  Ended ended = read_end(child, report.get());
  ended.out = bytes_of(out.get());
  ended.err = bytes_of(err.get());
  return ended;
}

// A directory that is removed with all that is in it.
class TempDir {
 public:
  TempDir() {
    std::string name = "/tmp/sandpit-wasm-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string path(std::string_view name = "") const {
    return name.empty() ? path_ : path_ + "/" + std::string(name);
  }
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(path(name)) << text;
  }
  [[nodiscard]] std::string read(std::string_view name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

// Skips, with the reason, where the worker was not built.
class WorkerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access(SANDPIT_WASM_WORKER, X_OK) != 0) {
      GTEST_SKIP() << "needs the wasm-worker, which is built where cargo and rustc are: "
                   << SANDPIT_WASM_WORKER;
    }
  }
};

// A module of preview 1 with `body` as its _start, and helpers that print.
inline std::string program(std::string_view body, std::string_view more = "") {
  std::string text = R"((module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
)";
  const std::string extra(more);
  // Imports come before everything else.
  const std::size_t cut = extra.find(";; ---");
  text += extra.substr(0, cut == std::string::npos ? 0 : cut);
  text += R"(
  (memory (export "memory") 1)
  (func $write (param $fd i32) (param $text i32) (param $size i32) (result i32)
    (i32.store (i32.const 0) (local.get $text))
    (i32.store (i32.const 4) (local.get $size))
    (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
  (func $print (param $text i32) (param $size i32)
    (drop (call $write (i32.const 1) (local.get $text) (local.get $size))))
)";
  text += extra.substr(cut == std::string::npos ? 0 : cut);
  text += "\n  (func $start (export \"_start\")\n";
  text += body;
  text += "))\n";
  return text;
}

}  // namespace sandpit::wasm::testing
