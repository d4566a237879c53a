// The listener of one run's denials (seccomp_unotify(2)): hears of each, lists it, and answers with
// the errno that the policy has for it. Only what the filter allows and has us observe or trace
// goes on: whatever happens here, what was denied stays denied. When nobody holds the listener any
// more, the kernel answers ENOSYS.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "egress/rules.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "supervisor/denial_table.h"
#include "supervisor/file_trace.h"

namespace sandpit {

class DenialListener {
 public:
  // Null: the descriptor, which comes from inside the jail, is no listener.
  [[nodiscard]] static std::unique_ptr<DenialListener> create(UniqueFd descriptor,
                                                              const Plan& plan);

  [[nodiscard]] int descriptor() const { return descriptor_.get(); }

  // Call when the descriptor is readable. A few at a time, so that a program that does nothing but
  // try leaves other runs of the same loop their turn. kBroken: there is no more to be heard.
  enum class State : std::uint8_t { kOpen, kBroken };
  State serve();

  // From now on the kernel answers, with ENOSYS; what was heard stays.
  void close() { descriptor_.reset(); }
  void add_to(Outcome& outcome) const;

 private:
  DenialListener(UniqueFd descriptor, const Plan& plan);
  State serve_one();

  UniqueFd descriptor_;
  const Plan& plan_;           // of the run, which holds this
  bool may_read_;              // the program's memory
  egress::AllowList reached_;  // by a run whose network is a list of hosts
  // The kernel's structures may be larger than those that we were built with.
  std::vector<std::uint64_t> notification_;
  std::vector<std::uint64_t> response_;
  DenialTable table_;
  std::optional<FileTracer> files_;  // of a traced run
};

}  // namespace sandpit
