// The proxy of one run whose network is a list of hosts: started in a jail of its own before the
// run, given the run's listening sockets, and ended with it. When it ends before, its sockets are
// closed: nothing gets through any more.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/protocol.h"
#include "engine/jail/jail.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "supervisor/denial_table.h"
#include "supervisor/supervisor.h"

namespace sandpit {

class EgressLink {
 public:
  // `plan` has an egress and its proxy, which is taken out of it.
  [[nodiscard]] static Result<std::unique_ptr<EgressLink>> start(Supervisor& supervisor,
                                                                 jail::JailEngine& engine,
                                                                 Plan& plan);
  EgressLink(const EgressLink&) = delete;
  EgressLink& operator=(const EgressLink&) = delete;
  ~EgressLink();

  // The sockets as the plan has them; only the first time, which is before the program begins.
  void hand_over(const std::vector<UniqueFd>& sockets);
  // Why the proxy was never there; empty while nothing is known of that.
  [[nodiscard]] std::string unstarted() const;
  void on_unstarted(std::function<void()> callback);
  // The run is over: the proxy passes on what the program had still sent, and ends; then `done` is
  // called, perhaps at once. cut(): it ends now.
  void drain(std::function<void()> done);
  void cut();
  // After that. What went through, what was denied and what failed.
  void finish(Outcome& outcome);

 private:
  class ProxyEnd;
  EgressLink(Supervisor& supervisor, const Plan& plan);
  bool on_reports();  // answers whether there may be more
  void add(const egress::Report& report);
  void add_denials(Outcome& outcome) const;
  [[nodiscard]] std::array<std::uint64_t, 5> counts() const;

  Supervisor& supervisor_;
  egress::Start start_;
  UniqueFd control_;
  UniqueFd counters_;
  bool handed_over_ = false;
  bool ended_early_ = false;
  bool was_cut_ = false;
  std::shared_ptr<ProxyEnd> end_;
  SupervisedRun* proxy_ = nullptr;  // until end_ says that it is over
  bool report_denials_;
  DenialTable denials_;
  std::vector<std::string> failures_;  // listed, and not reached all the same
};

}  // namespace sandpit
