// What the worker tells of one run: in a memory file that both sides map, so that it is there even
// when the worker is killed. Written by a process that a hostile module may have taken over.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/binary.h"

namespace sandpit::wasm {

enum class Phase : std::uint32_t {
  kStarting,
  kCompiling,  // parsing and validation too
  kLoading,    // of a cached artefact
  kScreening,
  kRunning,
  kDone,
};

// At the start of the memory file; the encoded Report follows at kReportOffset.
struct ReportHeader {
  std::atomic<std::uint32_t> phase;
  std::atomic<std::uint32_t> length;  // of the Report; written last, 0 while there is none
  std::atomic<std::uint64_t> memory_high_water;  // bytes of linear memory, kept while it runs
};
inline constexpr std::size_t kReportOffset = 64;
inline constexpr std::size_t kReportCapacity = 64U << 10U;  // of the whole file

enum class End : std::uint8_t {
  kExited,    // returned, or proc_exit / wasi:cli/exit with exit_code
  kTrapped,   // `trap` says why
  kDeadline,  // bounds.deadline_us
  kCpuTime,   // bounds.cpu_us
  kMemory,    // trapped or failed after a growth beyond bounds.memory or max_memory was refused
  kInvalid,   // not a valid module or component; or one that needs a feature that is off
  kRefused,   // an import that is unknown or not granted; no entry point
  kUsage,     // `invoke`: no such function, wrong number or type of arguments
  kInternal,  // the worker itself failed
};

struct Problem {
  std::string message;  // one sentence, no full stop
  std::string where;    // "hello.wat:3:5", "hello.wasm: offset 0x1f", "import env.foo"
  std::string hint;     // the setting that grants it
};

struct Report {
  End end = End::kInternal;
  std::uint32_t exit_code = 0;
  std::string trap;  // "unreachable", "integer_divide_by_zero", "stack_overflow", "out_of_fuel" …
  std::string message;            // one sentence
  std::vector<Problem> problems;  // of kInvalid, kRefused, kUsage: every one that was found
  bool fuel_counted = false;
  std::uint64_t fuel_used = 0;
  std::uint64_t memory_high_water = 0;
  std::int64_t compile_us = 0;
  bool loaded = false;   // from the artefact that was given
  bool stored = false;   // the artefact was written and sealed
  std::string compiler;  // "cranelift" or "winch"
  std::vector<std::string> backtrace;
  std::vector<std::string> denied;  // "connect 10.0.0.1:80 (tcp)", each once
};

// NOLINTBEGIN(misc-use-internal-linkage): found by argument-dependent look-up
template <class Archive, binary::Is<Problem> T>
void describe(Archive& a, T& v) {
  a(v.message, v.where, v.hint);
}
template <class Archive, binary::Is<Report> T>
void describe(Archive& a, T& v) {
  a(v.end, v.exit_code, v.trap, v.message, v.problems, v.fuel_counted, v.fuel_used,
    v.memory_high_water, v.compile_us, v.loaded, v.stored, v.compiler, v.backtrace, v.denied);
}
// NOLINTEND(misc-use-internal-linkage)

}  // namespace sandpit::wasm
