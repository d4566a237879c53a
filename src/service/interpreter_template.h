// One template, from its start to its end: an interpreter in a jail that waits to be forked.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "engine/jail/template_link.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "supervisor/supervisor.h"

namespace sandpit {

// As an observer it hears of its own jail.
class InterpreterTemplate final : public RunObserver {
 public:
  using Clock = std::chrono::steady_clock;

  InterpreterTemplate(Supervisor& supervisor, UniqueFd control);
  InterpreterTemplate(const InterpreterTemplate&) = delete;
  InterpreterTemplate& operator=(const InterpreterTemplate&) = delete;
  // Kills it, and with it the runs that it never began.
  ~InterpreterTemplate() override;

  Result<void> start(jail::JailEngine& engine, Plan plan, std::vector<UniqueFd> inputs);

  Verdict on_output(OutputStream stream, std::string_view bytes) override;
  void on_finished(Outcome outcome, UniqueFd volume) override;

  [[nodiscard]] jail::TemplateLink& link() { return link_; }
  [[nodiscard]] bool ready() const { return ready_ && usable(); }
  [[nodiscard]] bool was_ready() const { return ready_; }
  // Of use now, or soon.
  [[nodiscard]] bool usable() const { return run_ != nullptr && !retired_; }
  [[nodiscard]] bool dead() const { return run_ == nullptr; }
  [[nodiscard]] bool retired() const { return retired_; }
  [[nodiscard]] Clock::time_point born() const { return born_; }
  [[nodiscard]] ByteCount memory() const { return memory_; }
  // Why it is dead: its last line, or how it ended.
  [[nodiscard]] const std::string& end() const { return end_; }
  void count() { ++served_; }
  // It is asked for nothing more, and ends after its last run.
  void retire() { retired_ = true; }
  void check_age(Clock::time_point now, const TemplateOptions& options);
  // `proc`: /proc. What its processes share with its runs counts in parts.
  void look_at_memory(const UniqueFd& proc);

 private:
  void on_control();

  Supervisor& supervisor_;
  jail::TemplateLink link_;
  SupervisedRun* run_ = nullptr;
  Clock::time_point born_ = Clock::now();
  bool ready_ = false;
  bool retired_ = false;
  std::uint64_t served_ = 0;
  ByteCount memory_;
  std::string said_;
  std::string end_;
};

}  // namespace sandpit
