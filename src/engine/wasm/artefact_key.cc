#include "engine/wasm/artefact_key.h"

#include <fmt/format.h>
#include <sys/auxv.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <string>
#include <utility>

#include "base/binary.h"
#include "base/sha256.h"
#include "plan/wasm_plan.h"
#include "runtime/wasm_runtime.h"

namespace sandpit::wasm {
namespace {

// Those of this processor that a compiler may have used.
std::string processor_features() {
#if defined(__x86_64__)
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  std::string text;
  if (__get_cpuid_count(1, 0, &a, &b, &c, &d) != 0) text += fmt::format("{:x}.{:x}.", c, d);
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) text += fmt::format("{:x}.{:x}.{:x}", b, c, d);
  return text;
#else
  return fmt::format("{:x}.{:x}", ::getauxval(AT_HWCAP), ::getauxval(AT_HWCAP2));
#endif
}

}  // namespace

std::string artefact_key(const WasmPlan& plan) {
  // Fuel and epochs are counted by instructions that the compiler adds; pooled memories (kServe)
  // may be laid out in another way; file names are in the line tables that text modules get.
  binary::Writer writer;
  writer(std::string("sandpit-artefact-1"), plan.digest, plan.compiler, plan.features,
         plan.fuel != 0, uses_epochs(plan), plan.task == WasmTask::kServe, plan.module_name,
         std::string(kWasmtimeVersion), processor_features());
  return sha256_hex(std::move(writer).take());
}

}  // namespace sandpit::wasm
