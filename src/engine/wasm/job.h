// How the trusted side (supervisor) and the jailed worker (libexec/sandpit/wasm-worker) talk. Both
// are built from the same sources. The worker is not trusted: once a module has run in it, whatever
// it says is parsed with care and never believed about anything but itself.
//
//   descriptor 3   the WasmJob, a sealed memfd
//              4   the report, a memfd that both map: see report.h
//              5   the module's bytes, a sealed memfd (not of kServe)
//              6   the compiled artefact: to be loaded (sealed), or to be written and then sealed
//              by
//                  the worker before any code of the guest runs
//              7   of kServe: the socket of the requests
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/binary.h"
#include "plan/wasm_plan.h"
#include "sandpit/units.h"

namespace sandpit::wasm {

inline constexpr int kJobDescriptor = 3;
inline constexpr int kReportDescriptor = 4;
inline constexpr int kModuleDescriptor = 5;
inline constexpr int kArtefactDescriptor = 6;
inline constexpr int kSocketDescriptor = 7;

enum class Artefact : std::uint8_t {
  kNone,   // compile, keep nothing
  kLoad,   // descriptor 6 holds it; when it does not fit this build, compile from descriptor 5
  kStore,  // compile, then write it to descriptor 6 and seal that
};

// Limits of one run, as the worker keeps them. The supervisor keeps them too, from outside and a
// little later.
struct RunBounds {
  std::int64_t deadline_us = 0;  // CLOCK_MONOTONIC, absolute; 0: none
  std::int64_t cpu_us = 0;       // process CPU time that this run may use; 0: no limit
  std::uint64_t memory = 0;      // bytes of all linear memories and tables together; 0: no limit
  std::uint64_t file_size = 0;   // RLIMIT_FSIZE for the guest, bytes
  std::uint64_t output = 0;      // of each stream, kServe only (pipes are counted outside)
};

struct WasmJob {
  WasmPlan plan;
  Artefact artefact = Artefact::kNone;
  RunBounds bounds;
};

// ---- kServe: one request, one answer, over a SOCK_SEQPACKET socket.

// What does not fit a message of kLargestInline bytes travels in a sealed memfd beside it.
inline constexpr std::size_t kLargestInline = 48U << 10U;

struct ServeRequest {
  std::uint64_t serial = 0;  // the answer repeats it
  std::string key;           // names the module; the worker keeps the most recently used ones
  bool with_module = false;  // descriptors: [module memfd]
  Artefact artefact = Artefact::kNone;  // of with_module, not kNone: a second descriptor
  std::string module_name;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string invoke;
  std::vector<std::string> values;
  std::uint64_t fuel = 0;
  RunBounds bounds;
  bool stdin_in_memory = false;  // the last descriptor is a memfd with standard input
  std::string stdin_bytes;       // else these
};

enum class ServeAnswer : std::uint8_t {
  kDone,        // report and output follow
  kNeedModule,  // the key is not known (any more): send it again with the module
};

struct ServeResponse {
  std::uint64_t serial = 0;
  ServeAnswer answer = ServeAnswer::kDone;
  std::string report;  // an encoded Report
  // The head and the tail of each stream within bounds.output; in the memfd sent beside (stdout,
  // then stderr) when `in_memory`.
  bool in_memory = false;
  std::string stdout_text;
  std::string stderr_text;
  std::uint64_t stdout_size = 0;  // of the kept text
  std::uint64_t stderr_size = 0;
  std::uint64_t stdout_bytes = 0;  // written by the guest
  std::uint64_t stderr_bytes = 0;
  std::int64_t wall_us = 0;
  std::int64_t cpu_us = 0;
};

// NOLINTBEGIN(misc-use-internal-linkage): found by argument-dependent look-up
template <class Archive, binary::Is<RunBounds> T>
void describe(Archive& a, T& v) {
  a(v.deadline_us, v.cpu_us, v.memory, v.file_size, v.output);
}
template <class Archive, binary::Is<WasmJob> T>
void describe(Archive& a, T& v) {
  a(v.plan, v.artefact, v.bounds);
}
template <class Archive, binary::Is<ServeRequest> T>
void describe(Archive& a, T& v) {
  a(v.serial, v.key, v.with_module, v.artefact, v.module_name, v.args, v.env, v.invoke, v.values,
    v.fuel, v.bounds, v.stdin_in_memory, v.stdin_bytes);
}
template <class Archive, binary::Is<ServeResponse> T>
void describe(Archive& a, T& v) {
  a(v.serial, v.answer, v.report, v.in_memory, v.stdout_text, v.stderr_text, v.stdout_size,
    v.stderr_size, v.stdout_bytes, v.stderr_bytes, v.wall_us, v.cpu_us);
}
// NOLINTEND(misc-use-internal-linkage)

}  // namespace sandpit::wasm
