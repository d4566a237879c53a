// Between the job's structures and the C interface of rust/include/sandpit_wasm.h.
#pragma once

#include <sandpit_wasm.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/wasm/job.h"
#include "engine/wasm/report.h"
#include "plan/wasm_plan.h"

namespace sandpit::wasm {

struct BridgeDeleter {
  void operator()(sandpit_wasm_host* host) const { sandpit_wasm_host_free(host); }
  void operator()(sandpit_wasm_program* program) const { sandpit_wasm_program_free(program); }
  void operator()(sandpit_wasm_result* result) const { sandpit_wasm_result_free(result); }
};
using Host = std::unique_ptr<sandpit_wasm_host, BridgeDeleter>;
using Program = std::unique_ptr<sandpit_wasm_program, BridgeDeleter>;
using RunResult = std::unique_ptr<sandpit_wasm_result, BridgeDeleter>;

[[nodiscard]] inline sandpit_wasm_text text_of(std::string_view text) {
  return {.data = text.data(), .size = text.size()};
}
[[nodiscard]] inline std::string_view view_of(sandpit_wasm_text text) {
  return {text.data, text.size};
}

// A list that C can read; the strings must outlive it.
class TextList {
 public:
  explicit TextList(const std::vector<std::string>& strings);
  [[nodiscard]] sandpit_wasm_texts get() const {
    return {.items = texts_.data(), .count = texts_.size()};
  }

 private:
  std::vector<sandpit_wasm_text> texts_;
};

// The host that `plan` asks for; without one, the result says why.
struct MadeHost {
  Host host;
  RunResult problem;
};
[[nodiscard]] MadeHost make_host(const WasmPlan& plan, std::uint64_t* memory_high_water,
                                 void (*expired)(std::uint8_t end));

[[nodiscard]] Report report_of(const sandpit_wasm_result& result);

}  // namespace sandpit::wasm
