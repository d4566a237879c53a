// One process that can't be forked, from its start until it is handed to its run: an interpreter
// that has started in a jail of its own, behind the walls of the run that it will be, and waits.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "supervisor/supervisor.h"

namespace sandpit {

// As an observer it hears of its own jail, until that is somebody else's.
class WaitingProcess final : public RunObserver {
 public:
  using Clock = std::chrono::steady_clock;
  enum class State : std::uint8_t {
    kStarting,
    kWaiting,
    kAsked,    // whether it is there, since somebody needs it
    kPresent,  // it is: hand_over() may be called
    kGone,     // it has died, was too late, or does not answer: see end()
  };

  // `kind`: wire::kind_of() its plans.
  WaitingProcess(Supervisor& supervisor, UniqueFd control, std::string kind);
  WaitingProcess(const WaitingProcess&) = delete;
  WaitingProcess& operator=(const WaitingProcess&) = delete;
  // Kills it, where it is nobody else's.
  ~WaitingProcess() override;

  Result<void> start(jail::JailEngine& engine, Plan plan, std::vector<UniqueFd> inputs);

  Verdict on_output(OutputStream stream, std::string_view bytes) override;
  void on_finished(Outcome outcome, UniqueFd volume) override;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::string& kind() const { return kind_; }
  [[nodiscard]] Clock::time_point born() const { return born_; }
  // Whether it has ever waited.
  [[nodiscard]] bool came_up() const { return came_up_; }
  // Why it is gone.
  [[nodiscard]] const std::string& end() const { return end_; }
  [[nodiscard]] ByteCount memory() const { return memory_; }
  void look_at_memory(const UniqueFd& proc);
  // What takes too long to come up is gone; what has waited for too long is told by is_old().
  void check_age(Clock::time_point now);
  [[nodiscard]] bool is_old(Clock::time_point now, std::chrono::milliseconds longest_wait) const {
    return state_ == State::kWaiting && now - since_ >= longest_wait;
  }

  // Somebody needs it: it becomes kPresent or kGone within kLongestAnswer. What it has not answered
  // it has not begun either.
  Result<void> ask();
  // See Supervisor::hand_over(). What the interpreter has written while it started is the run's.
  [[nodiscard]] Result<SupervisedRun*> hand_over(const jail::JailEngine& engine, Plan& plan,
                                                 const std::vector<UniqueFd>& inputs,
                                                 RunInput& input, RunObserver& observer);

 private:
  void on_control();
  void on_tick();
  void leave(std::string why);

  Supervisor& supervisor_;
  UniqueFd control_;
  std::string kind_;
  SupervisedRun* run_ = nullptr;
  State state_ = State::kStarting;
  bool asked_ = false;
  bool came_up_ = false;
  Clock::time_point born_ = Clock::now();
  Clock::time_point since_;  // it waits
  UniqueFd timer_;           // while it is asked
  unsigned ticks_ = 0;
  ByteCount memory_;
  std::array<std::string, 2> said_;  // stdout, stderr
  std::string end_;
};

}  // namespace sandpit
