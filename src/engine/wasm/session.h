// The trusted side of one WebAssembly run: what goes into the worker's jail as descriptors, and
// what comes out of it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/artefact_cache.h"
#include "engine/wasm/job.h"
#include "engine/wasm/report.h"
#include "plan/plan.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"

namespace sandpit::wasm {

// How much longer the supervisor waits than the worker, which stops a guest at its limits by itself
// and can then say where it was. A worker that is stuck in the host's code is killed after this.
inline constexpr Milliseconds kGrace{100};

class Session {
 public:
  // Adds the job, the report and the artefact to the inputs. The clock of the wall-time limit
  // starts here.
  [[nodiscard]] static Result<std::unique_ptr<Session>> open(Plan& plan,
                                                             std::vector<UniqueFd>& inputs);

  // After the worker's end: fills the Outcome with what it told, on top of what was observed of its
  // process; keeps the artefact that it made.
  void finish(const Plan& plan, Outcome& outcome);

 private:
  Session() = default;
  void keep_artefact(const WasmPlan& plan, Outcome& outcome);
  UniqueFd report_;
  UniqueFd artefact_;  // of Artefact::kStore
  std::optional<ArtefactCache> cache_;
  std::string key_;
};

// What a report file says; nothing when it is empty or not well-formed.
struct Told {
  Phase phase = Phase::kStarting;
  std::uint64_t memory_high_water = 0;
  std::optional<Report> report;
};
[[nodiscard]] Told read_report(int fd);

// Puts what the worker told into the Outcome: status, message, limits_reached, wasm. Pure.
void describe_wasm(const Told& told, const Limits& limits, Outcome& outcome);

}  // namespace sandpit::wasm
