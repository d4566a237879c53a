// Processes that can't be forked, started before they are needed: each in a jail of its own, for
// one run of its kind (wire::kind_of()), and replaced when it is taken. Part of the TemplatePool,
// whose options, library and clock it shares.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "plan/plan.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "service/waiting_process.h"
#include "supervisor/supervisor.h"

namespace sandpit {

class OncePool {
 public:
  using Clock = std::chrono::steady_clock;

  OncePool(Supervisor& supervisor, jail::JailEngine& engine)
      : supervisor_(supervisor), engine_(engine) {}
  OncePool(const OncePool&) = delete;
  OncePool& operator=(const OncePool&) = delete;
  ~OncePool() = default;
  void configure(const TemplateOptions& options, unsigned most) {
    options_ = options;
    most_ = most;
  }

  // What a process needs, and whether the templates leave memory for one.
  struct Means {
    const UniqueFd* library = nullptr;  // libsandpit_warm.so
    bool full = false;
  };
  // A process for this run, asked already. None, with the reason, when it has to start cold.
  [[nodiscard]] std::unique_ptr<WaitingProcess> take(const Plan& run, std::string_view kind,
                                                     const Means& means, std::string& reason);
  // One that was taken was handed over, or could not be.
  void note_begun(const WaitingProcess& process);
  void note_gone(const WaitingProcess& process);

  // After each step of the loop: removes the dead and the old, makes what is missing.
  void tidy(const Means& means);
  // The kind that nobody has asked for the longest keeps nothing.
  void shrink();
  [[nodiscard]] bool empty() const { return shapes_.empty(); }
  [[nodiscard]] ByteCount look_at_memory(const UniqueFd& proc);
  // With the number of each kind, by which they came.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, TemplateCounts>> counts() const;

 private:
  struct Shape {
    Plan model;  // a run of this kind
    std::uint64_t number = 0;
    std::vector<std::unique_ptr<WaitingProcess>> processes;
    Clock::time_point used;
    unsigned asked = 0;
    bool in_a_row = false;   // the last two requests for this runtime were of this kind
    std::size_t wanted = 0;  // so many shall wait
    bool may_wait = false;
    unsigned failures = 0;  // in a row
    Clock::time_point failed_at;
    TemplateCounts counts;
  };
  Shape* shape_for(const Plan& run, std::string_view kind);
  bool make_room();
  void want(Shape& shape, std::string_view kind, const Plan& run);
  static std::unique_ptr<WaitingProcess> take_best(Shape& shape);
  void count_gone(Shape& shape, const WaitingProcess& process);
  void make_missing(Shape& shape, std::string_view kind, const Means& means);
  Result<void> make_one(Shape& shape, std::string_view kind, const Means& means);
  [[nodiscard]] static bool rests(const Shape& shape, Clock::time_point now);
  [[nodiscard]] std::string reason_for_none(const Shape& shape, const Means& means) const;

  Supervisor& supervisor_;
  jail::JailEngine& engine_;
  TemplateOptions options_;
  unsigned most_ = 1;
  std::uint64_t shapes_made_ = 0;
  std::map<std::string, Shape, std::less<>> shapes_;  // by kind
  std::map<std::string, std::string> last_;           // runtime -> the kind of its last request
};

}  // namespace sandpit
