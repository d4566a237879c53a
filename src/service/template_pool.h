// Templates of one launcher: interpreters that have started, each in a jail, and wait to be forked.
// Kept by the shape of the plans that they serve (plan/template_plan.h); made when a shape is first
// asked for, replaced when they die or have served long enough. Single-threaded, on the
// Supervisor's loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "engine/jail/template_link.h"
#include "plan/plan.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "service/interpreter_template.h"
#include "service/once_pool.h"
#include "service/template_maker.h"
#include "service/waiting_process.h"
#include "supervisor/supervisor.h"

namespace sandpit {

class TemplatePool {
 public:
  TemplatePool(Supervisor& supervisor, jail::JailEngine& engine, bool is_root);
  TemplatePool(const TemplatePool&) = delete;
  TemplatePool& operator=(const TemplatePool&) = delete;
  ~TemplatePool();
  // Before the first run; as TemplateOptions{} until then.
  void configure(const TemplateOptions& options);

  // Where this run can be forked from now, and a jail of its kind that waits, if there is one.
  struct Place {
    jail::TemplateLink* link = nullptr;
    std::unique_ptr<jail::Jail> waiting;
    // Or what it can be handed to as soon as that is State::kPresent; where that is gone, tell
    // note_gone() and start cold. note_begun(): it was handed over.
    std::unique_ptr<WaitingProcess> process;
  };
  // `kind`: wire::kind_of(run). None when it can't be forked, with the reason; where a template
  // would help the next one, it is being made.
  [[nodiscard]] Place find(const Plan& run, std::string_view kind, std::string& reason);
  void note_begun(const WaitingProcess& process) { once_.note_begun(process); }
  void note_gone(const WaitingProcess& process) { once_.note_gone(process); }
  // Call after each step of the loop: removes the dead, retires the old. A timer of the pool's own
  // sees to it that there are steps.
  void tidy();
  [[nodiscard]] std::vector<TemplateCounts> counts();

 private:
  using Clock = std::chrono::steady_clock;
  struct Shape {
    std::vector<std::unique_ptr<InterpreterTemplate>> templates;
    std::unique_ptr<const Plan> model;  // a run of this shape
    std::uint64_t number = 0;
    Clock::time_point used;
    unsigned asked = 0;
    bool forgotten = false;  // it keeps nothing, and goes with its last template
    unsigned failures = 0;   // in a row, of making one
    Clock::time_point failed_at;
    // What runs are forked ahead for: the plan of the last two requests in a row that were of one
    // kind.
    InterpreterTemplate::Model ahead;
    InterpreterTemplate::Model last;
    unsigned ahead_failures = 0;  // in a row
    Clock::time_point ahead_failed_at;
    TemplateCounts counts;  // what only grows, and the last failure
  };
  // Of all plans with the same wire::kind_of(). To tell it is cheaper than to tell the shape.
  struct Kind {
    Shape* shape = nullptr;
    InterpreterTemplate::Model model;
  };
  bool is_over(Shape& shape, InterpreterTemplate& item, Clock::time_point now) const;
  void retire_idle(Shape& shape, Clock::time_point now) const;
  // Null: there are too many.
  Shape* shape_for(const Plan& run, std::string_view prelude_time);
  const Kind* kind_for(const Plan& run, std::string_view kind);
  void forget_kinds(const Shape* shape);
  void fork_ahead(Shape& shape, Clock::time_point now);
  [[nodiscard]] Shape* longest_unused();
  static void note_failure(Shape& shape, std::string why);
  [[nodiscard]] static std::string failure_text(const Shape& shape);
  Place find_once(const Plan& run, std::string_view kind, std::string& reason);
  // Empty when it is on its way, else why not.
  std::string make(Shape& shape);
  [[nodiscard]] bool full() const;
  [[nodiscard]] OncePool::Means means() const {
    return {.library = &maker_.library(), .full = full()};
  }
  Result<void> start_timer();
  void on_timer();
  void look_again_soon();
  void look_at_memory();

  Supervisor& supervisor_;
  jail::JailEngine& engine_;
  bool is_root_;
  TemplateOptions options_;
  unsigned most_ = 1;  // of one shape
  UniqueFd proc_;
  UniqueFd timer_;  // invalid as long as there has been no template
  UniqueFd soon_;   // another: for a look after kPatience
  bool soon_set_ = false;
  ByteCount memory_;  // of all, at the last look
  std::uint64_t shapes_made_ = 0;
  std::map<std::string, std::unique_ptr<Shape>> shapes_;
  std::map<std::string, Kind> kinds_;
  TemplateMaker maker_;
  OncePool once_;
};

}  // namespace sandpit
