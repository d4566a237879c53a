// What the Plan of a WebAssembly run adds: everything the worker needs to know, as plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/binary.h"
#include "sandpit/config.h"
#include "sandpit/units.h"

namespace sandpit {

// A directory (or file) of the jail that the guest sees, in the order of the guest's descriptors:
// the first is 3.
struct WasmPreopen {
  std::string inside;  // absolute path in the jail
  std::string guest;   // the name that the guest sees
  bool writable = false;
};

enum class WasmTask : std::uint8_t {
  kRun,       // load, screen, run
  kDescribe,  // load and screen; the description goes to standard output as JSON
  kServe,     // requests over a socket, until it is closed
};

struct WasmPlan {
  WasmTask task = WasmTask::kRun;
  std::string module_name;          // as the user knows the file, for messages and backtraces
  std::vector<std::string> args;    // the guest's argv; [0] is the module's file name
  std::vector<std::string> env;     // "K=V", the guest's own
  std::string invoke;               // exported function; empty: the entry point
  std::vector<std::string> values;  // arguments of `invoke`, as text
  bool wasi_enabled = true;
  WasmFeatures features;
  WasmCapabilities capabilities;
  WasmCompiler compiler = WasmCompiler::kAuto;
  WasmInterruption interruption = WasmInterruption::kAuto;
  ByteCount max_memory;  // of each linear memory
  ByteCount stack_size;
  std::uint64_t max_table_elements = 0;
  std::uint64_t max_instances = 0;
  std::uint64_t max_tables = 0;
  std::uint64_t max_memories = 0;
  std::uint64_t fuel = 0;  // 0: not counted
  std::vector<WasmPreopen> preopens;
  bool network = false;              // WASI sockets work at all
  std::vector<std::string> allowed;  // "HOST:PORT" …; empty with `network`: any address
  bool cache = true;
  std::string cache_dir;  // of the host; empty: none
  ByteCount cache_max_size;
  std::string digest;  // SHA-256 of the module's bytes, hexadecimal
  std::uint64_t module_size = 0;
};

// Whether compiled code looks at the epoch counter.
[[nodiscard]] constexpr bool uses_epochs(const WasmPlan& plan) {
  return plan.interruption == WasmInterruption::kEpoch ||
         (plan.interruption == WasmInterruption::kAuto && plan.task == WasmTask::kServe);
}

// What a compiled module may take: its size is the worker's word. Machine code is up to a few dozen
// times as large as small modules.
[[nodiscard]] ByteCount largest_artefact(const WasmPlan& plan);

struct Policy;
struct Request;

// For a run of the module `name`, whose bytes have the digest `digest`.
[[nodiscard]] WasmPlan make_wasm_plan(const WasmSettings& settings, const Policy& policy,
                                      const Request& request, std::string name, std::string digest,
                                      std::uint64_t module_size);

// $XDG_CACHE_HOME/sandpit/NAME, else ~/.cache/sandpit/NAME; empty when there is neither.
[[nodiscard]] std::string default_cache_directory(std::string_view name);

// NOLINTBEGIN(misc-use-internal-linkage): found by argument-dependent look-up
template <class Archive, binary::Is<WasmPreopen> T>
void describe(Archive& a, T& v) {
  a(v.inside, v.guest, v.writable);
}
template <class Archive, binary::Is<WasmFeatures> T>
void describe(Archive& a, T& v) {
  a(v.bulk_memory, v.reference_types, v.simd, v.relaxed_simd, v.multi_memory, v.memory64,
    v.tail_calls, v.component_model, v.threads, v.exceptions, v.gc);
}
template <class Archive, binary::Is<WasmCapabilities> T>
void describe(Archive& a, T& v) {
  a(v.args, v.env, v.standard_input, v.standard_output, v.standard_error, v.clocks, v.random);
}
template <class Archive, binary::Is<WasmPlan> T>
void describe(Archive& a, T& v) {
  a(v.task, v.module_name, v.args, v.env, v.invoke, v.values, v.wasi_enabled, v.features,
    v.capabilities, v.compiler, v.interruption, v.max_memory, v.stack_size, v.max_table_elements,
    v.max_instances, v.max_tables, v.max_memories, v.fuel, v.preopens, v.network, v.allowed,
    v.cache, v.cache_dir, v.cache_max_size, v.digest, v.module_size);
}
// NOLINTEND(misc-use-internal-linkage)

}  // namespace sandpit
