// The state of one run under supervision. Only supervisor.cc uses it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/jail/jail.h"
#include "engine/wasm/session.h"
#include "supervisor/denial_listener.h"
#include "supervisor/egress_link.h"
#include "supervisor/input_pump.h"
#include "supervisor/output_collector.h"
#include "supervisor/supervisor.h"
#include "sys/cgroup.h"
#include "sys/proc_sampler.h"

namespace sandpit {

class SupervisedRun {
 public:
  using Clock = std::chrono::steady_clock;

  // Where its process comes from: a template, where there is one, or a jail that waits already.
  struct Origin {
    jail::TemplateLink* from = nullptr;
    std::optional<jail::Jail> waiting = std::nullopt;
  };
  [[nodiscard]] static Result<std::unique_ptr<SupervisedRun>> start(
      Supervisor& supervisor, jail::JailEngine& engine, Origin origin, Plan plan,
      std::vector<UniqueFd> inputs, RunInput input, RunObserver& observer);
  // Of a jail that waits and shall not begin: killed, and gone when the kernel says so.
  [[nodiscard]] static Result<std::unique_ptr<SupervisedRun>> end(Supervisor& supervisor,
                                                                  jail::Jail waiting, Plan plan);
  // See Supervisor::hand_over.
  Result<void> hand_over(const jail::JailEngine& engine, UniqueFd& control, Plan& plan,
                         const std::vector<UniqueFd>& inputs, RunInput& input,
                         RunObserver& observer);
  SupervisedRun(const SupervisedRun&) = delete;
  SupervisedRun& operator=(const SupervisedRun&) = delete;
  ~SupervisedRun();

  void kill(KillReason reason, std::string_view message);
  // The same, and nobody hears of its end.
  void abandon();
  void resume(OutputStream stream);
  // Raises the limit of CPU time to `total`.
  void grant_cpu(Milliseconds total);
  [[nodiscard]] Clock::time_point next_deadline() const;
  void on_deadline(Clock::time_point now);
  [[nodiscard]] pid_t pid() const { return jail_.pid(); }
  // For as long as this run is there.
  void keep(std::shared_ptr<RunObserver> observer) { kept_observer_ = std::move(observer); }
  // Reported and reaped.
  [[nodiscard]] bool finished() const { return told_ && reaped_; }

 private:
  struct Output {
    UniqueFd* pipe = nullptr;
    OutputCollector collector;
    bool paused = false;
  };
  SupervisedRun(Supervisor& supervisor, jail::Jail jail, Plan plan, RunObserver& observer);
  Result<void> watch_all();
  void on_socket(std::uint32_t events);
  void on_message(const jail::ChildMessage& message, std::vector<UniqueFd> descriptors);
  void on_listener(const jail::ChildMessage& message, std::vector<UniqueFd> descriptors);
  void on_denial();
  void stop_listening();
  void on_hang_up();
  void watch_tree();
  void on_output(OutputStream stream);
  void on_memory_event();
  void on_exit();
  bool read_output(OutputStream stream);
  void close_output(Output& output);
  void start_clocks(Clock::time_point now);
  void read_control();
  void check_cpu(Clock::time_point now);
  void sample(Clock::time_point now);
  void report(const jail::Jail::End& end);
  void finish_egress();
  void tell();
  [[nodiscard]] Output& output(OutputStream stream) {
    return stream == OutputStream::kStdout ? stdout_ : stderr_;
  }

  Supervisor& supervisor_;
  jail::Jail jail_;
  Plan plan_;
  RunObserver* observer_;
  UniqueFd control_;  // of one that has waited: what its beginning failed at
  bool handed_over_ = false;
  sys::CgroupUsage before_;  // used by then, and not the run's
  Output stdout_;
  Output stderr_;
  std::unique_ptr<InputPump> input_;
  std::unique_ptr<DenialListener> denials_;
  std::string denials_missing_;  // why there is no listener
  UniqueFd volume_;
  bool proc_missing_ = false;
  std::optional<jail::ChildMessage> launch_failure_;
  std::optional<int> wait_status_;
  bool told_stuck_ = false;   // by us: its template never began
  jail::Jail::End told_end_;  // of a forked jail, by its init
  KillReason reason_ = KillReason::kNone;
  std::string kill_message_;
  Clock::time_point started_;
  Clock::time_point ended_;
  Clock::time_point next_cpu_check_ = Clock::time_point::max();
  Clock::time_point next_sample_ = Clock::time_point::max();
  bool cpu_by_cgroup_ = false;
  bool cpu_by_sampling_ = false;
  bool memory_by_sampling_ = false;
  Microseconds sampled_cpu_{0};
  ByteCount sampled_memory_;
  UniqueFd proc_;
  std::optional<sys::TreeSampler> sampler_;
  std::unique_ptr<EgressLink> egress_;
  Clock::time_point egress_deadline_ = Clock::time_point::max();
  Outcome outcome_;
  std::shared_ptr<RunObserver> kept_observer_;
  std::unique_ptr<wasm::Session> wasm_;  // of a run on the wasm engine
  Milliseconds grace_{0};  // the worker stops at its limits by itself, and tells where it was
  bool alone_ = false;     // init told that nothing of the run lives any more, but itself
  bool reported_ = false;  // the Outcome is made, and waits for the egress proxy at most
  bool told_ = false;      // the observer has it
  bool reaped_ = false;
};

}  // namespace sandpit
