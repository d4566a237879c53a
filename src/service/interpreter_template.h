// One template, from its start to its end: an interpreter in a jail that waits to be forked.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
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
  void count() {
    ++served_;
    last_ = Clock::now();
  }
  [[nodiscard]] Clock::time_point last() const { return last_; }
  // It is asked for nothing more, and ends after its last run.
  void retire();

  // Runs that were forked ahead, each for the plans of one kind (wire::kind_of), which `model`
  // stands for.
  using Model = std::shared_ptr<const Plan>;
  // So many of `model`'s kind, and no others; kSandbox when one can't be forked.
  Result<void> fork_ahead(jail::JailEngine& engine, const Model& model, std::size_t wanted);
  // None when there is none, or those that there were are too old, or have died, which `died`
  // counts.
  [[nodiscard]] std::unique_ptr<jail::Jail> take_waiting(const jail::JailEngine& engine,
                                                         const Model& model, unsigned& died);
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  // Since when the one has waited that take_waiting() would give: never, where there is none.
  [[nodiscard]] Clock::time_point waiting_since(const Model& model) const {
    const bool there = !waiting_.empty() && waiting_.front().model == model;
    return there ? waiting_.front().since : Clock::time_point::max();
  }
  // Runs under way.
  [[nodiscard]] std::size_t running() { return link_.runs() - waiting_.size(); }
  void check_age(Clock::time_point now, const TemplateOptions& options);
  // `proc`: /proc. What its processes share with its runs counts in parts.
  void look_at_memory(const UniqueFd& proc);

 private:
  struct Waiting {
    Model model;
    jail::Jail jail;
    Clock::time_point since;
  };
  void on_control();
  // Its own clock ends it a while after.
  [[nodiscard]] static bool is_old(const Waiting& item, const jail::JailEngine& engine) {
    return Clock::now() - item.since >= engine.longest_wait();
  }
  void discard(std::list<Waiting>::iterator item);

  Supervisor& supervisor_;
  jail::TemplateLink link_;
  SupervisedRun* run_ = nullptr;
  Clock::time_point born_ = Clock::now();
  bool ready_ = false;
  bool retired_ = false;
  std::uint64_t served_ = 0;
  Clock::time_point last_;  // when it was asked for the last run
  ByteCount memory_;
  std::string said_;
  std::string end_;
  std::list<Waiting> waiting_;  // the oldest first
};

}  // namespace sandpit
