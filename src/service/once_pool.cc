#include "service/once_pool.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/channels.h"
#include "engine/jail/jail.h"
#include "engine/warm/run_image.h"
#include "plan/plan.h"
#include "plan/template_plan.h"
#include "runtime/manifest.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "service/waiting_process.h"

namespace sandpit {
namespace {

static_assert(kJavaTrigger == warm::kJavaTrigger && kOnceVariable == warm::kOnceVariable);

// They have much memory each, and serve one kind of request only.
constexpr std::size_t kMostShapes = 8;
constexpr unsigned kLeastAsked = 2;
// What nobody has asked for within this time is not replaced.
constexpr std::chrono::seconds kInUse{10};
// A kind whose processes don't come up, or die, is left alone for a while.
constexpr unsigned kMostFailures = 3;
constexpr std::chrono::seconds kPause{60};

}  // namespace

bool OncePool::rests(const Shape& shape, Clock::time_point now) {
  return shape.failures >= kMostFailures && now - shape.failed_at < kPause;
}

bool OncePool::make_room() {
  if (shapes_.size() < kMostShapes) return true;
  const auto oldest =
      std::ranges::min_element(shapes_, {}, [](const auto& entry) { return entry.second.used; });
  const bool in_use =
      !oldest->second.processes.empty() && Clock::now() - oldest->second.used < kInUse;
  if (!in_use) shapes_.erase(oldest);
  return !in_use;
}

OncePool::Shape* OncePool::shape_for(const Plan& run, std::string_view kind) {
  const auto found = shapes_.find(kind);
  if (found != shapes_.end()) return &found->second;
  if (!make_room()) return nullptr;
  Shape shape{.model = run, .number = shapes_made_++};
  shape.model.inputs.clear();
  shape.may_wait = jail::JailEngine::may_wait(once_plan(run));
  shape.counts.runtime = run.runtime;
  return &shapes_.emplace(std::string(kind), std::move(shape)).first->second;
}

// What this request tells of those to come.
void OncePool::want(Shape& shape, std::string_view kind, const Plan& run) {
  shape.used = Clock::now();
  ++shape.asked;
  std::string& last = last_[run.runtime];
  if (last == kind) {
    if (!shape.in_a_row) {
      for (auto& [other, item] : shapes_) {
        if (item.model.runtime == run.runtime) item.in_a_row = false;
      }
    }
    shape.in_a_row = true;
  }
  last = kind;
  const bool wanted = options_.least != 0 || (shape.asked >= kLeastAsked && shape.in_a_row);
  if (!wanted) return;
  const std::size_t ahead = std::max(options_.least, options_.waiting);
  shape.wanted = std::max(shape.wanted, ahead);
}

// Those that wait, the oldest first, before those that are on their way.
std::unique_ptr<WaitingProcess> OncePool::take_best(Shape& shape) {
  using State = WaitingProcess::State;
  const auto rank = [](const std::unique_ptr<WaitingProcess>& item) {
    return std::pair(item->state() != State::kWaiting, item->born());
  };
  while (!shape.processes.empty()) {
    const auto best = std::ranges::min_element(shape.processes, {}, rank);
    if ((*best)->state() == State::kGone) return nullptr;  // tidy() counts it
    auto taken = std::move(*best);
    shape.processes.erase(best);
    if (taken->ask()) return taken;
    ++shape.counts.crashed;
  }
  return nullptr;
}

std::string OncePool::reason_for_none(const Shape& shape, const Means& means) const {
  if (shape.asked < kLeastAsked && options_.least == 0) return "it is the first of its kind";
  if (rests(shape, Clock::now()) || !shape.counts.failure.empty()) {
    return fmt::format("its process failed: {}", shape.counts.failure);
  }
  if (means.full) return "the templates have all the memory that they may have";
  if (!shape.in_a_row && options_.least == 0) return "the one before it was of another kind";
  return "its process is being made";
}

std::unique_ptr<WaitingProcess> OncePool::take(const Plan& run, std::string_view kind,
                                               const Means& means, std::string& reason) {
  Shape* const shape = shape_for(run, kind);
  if (shape == nullptr) {
    reason = "enough kinds of processes wait";
    return nullptr;
  }
  if (!shape->may_wait) {
    reason = "its system call profile or its limits do not let it wait";
    ++shape->counts.misses;
    return nullptr;
  }
  want(*shape, kind, run);
  if (!jail::JailEngine::can_begin(run)) {
    reason = "its files are too many, or too large";
    ++shape->counts.misses;
    return nullptr;
  }
  // tidy() may come to these too late: what has begun to wait for a process comes first.
  std::erase_if(shape->processes, [this, now = Clock::now()](const auto& item) {
    return item->is_old(now, engine_.longest_wait());
  });
  const bool waits = std::ranges::any_of(shape->processes, [](const auto& item) {
    return item->state() == WaitingProcess::State::kWaiting;
  });
  // More are needed at a time than there were.
  if (!waits && !shape->processes.empty())
    shape->wanted = std::min<std::size_t>(shape->wanted + 1, most_);
  auto taken = take_best(*shape);
  if (taken != nullptr) {
    ++shape->counts.hits;
    if (waits) ++shape->counts.waited;
  } else {
    reason = reason_for_none(*shape, means);
    ++shape->counts.misses;
  }
  return taken;
}

void OncePool::count_gone(Shape& shape, const WaitingProcess& process) {
  ++(process.came_up() ? shape.counts.crashed : shape.counts.failed);
  ++shape.failures;
  shape.failed_at = Clock::now();
  shape.counts.failure = process.end();
}

void OncePool::note_begun(const WaitingProcess& process) {
  const auto found = shapes_.find(process.kind());
  if (found != shapes_.end()) found->second.failures = 0;
}

void OncePool::note_gone(const WaitingProcess& process) {
  const auto found = shapes_.find(process.kind());
  if (found == shapes_.end()) return;
  --found->second.counts.hits;
  ++found->second.counts.misses;
  count_gone(found->second, process);
}

Result<void> OncePool::make_one(Shape& shape, std::string_view kind, const Means& means) {
  const WarmStart& warm = *shape.model.warm;
  Plan plan = once_plan(shape.model);
  std::string forget;
  for (const std::string& entry : warm.env) forget += entry.substr(0, entry.find('=')) + ",";
  std::vector<std::string> own{fmt::format("LD_PRELOAD=/proc/self/fd/{}", warm::kLibraryDescriptor),
                               fmt::format("{}={}", warm::kTriggerVariable, warm.trigger),
                               fmt::format("{}={}", warm::kForgetVariable, forget),
                               fmt::format("{}={}", warm::kWorkVariable, plan.work_dir)};
  if (warm.args_in_argv) own.push_back(fmt::format("{}=1", warm::kArgumentsVariable));
  // First, because that is where getenv(3) looks first.
  plan.env.insert(plan.env.begin(), own.begin(), own.end());
  SP_TRY(jail::SocketPair control, jail::socket_pair());
  std::vector<UniqueFd> inputs;
  const auto hand = [&](const char* name, int number, UniqueFd descriptor) {
    plan.inputs.push_back({.name = name, .as_descriptor = static_cast<std::uint32_t>(number)});
    inputs.push_back(std::move(descriptor));
  };
  hand("control", warm::kControlDescriptor, std::move(control.child));
  UniqueFd library(::fcntl(means.library->get(), F_DUPFD_CLOEXEC, 3));
  if (!library.valid()) return fail(errno_error("dup", errno));
  hand("library", warm::kLibraryDescriptor, std::move(library));
  auto made =
      std::make_unique<WaitingProcess>(supervisor_, std::move(control.host), std::string(kind));
  SP_TRY_VOID(made->start(engine_, std::move(plan), std::move(inputs)));
  shape.processes.push_back(std::move(made));
  return {};
}

void OncePool::make_missing(Shape& shape, std::string_view kind, const Means& means) {
  const Clock::time_point now = Clock::now();
  const bool used = now - shape.used < kInUse;
  const std::size_t wanted =
      used ? std::min<std::size_t>(shape.wanted, std::max(most_, 1U)) : options_.least;
  while (shape.processes.size() < wanted && !means.full && !rests(shape, now)) {
    ++shape.counts.made;
    auto made = make_one(shape, kind, means);
    if (made) continue;
    ++shape.counts.failed;
    ++shape.failures;
    shape.failed_at = now;
    shape.counts.failure = made.error().to_string();
    return;
  }
}

void OncePool::tidy(const Means& means) {
  const Clock::time_point now = Clock::now();
  for (auto& [kind, shape] : shapes_) {
    const bool idle = now - shape.used >= options_.idle;
    std::size_t kept = 0;
    std::erase_if(shape.processes, [&](const auto& item) {
      item->check_age(now);
      if (item->state() == WaitingProcess::State::kGone) {
        count_gone(shape, *item);
        return true;
      }
      return item->is_old(now, engine_.longest_wait()) || (idle && ++kept > options_.least);
    });
    if (idle) shape.wanted = options_.least;
    make_missing(shape, kind, means);
  }
  std::erase_if(shapes_, [&](const auto& entry) {
    return entry.second.processes.empty() && now - entry.second.used >= options_.idle;
  });
}

void OncePool::shrink() {
  const auto oldest = std::ranges::min_element(shapes_, {}, [](const auto& entry) {
    return std::pair(entry.second.processes.empty(), entry.second.used);
  });
  if (oldest == shapes_.end()) return;
  oldest->second.processes.clear();
  oldest->second.wanted = 0;
}

ByteCount OncePool::look_at_memory(const UniqueFd& proc) {
  std::uint64_t sum = 0;
  for (auto& [kind, shape] : shapes_) {
    for (const auto& item : shape.processes) {
      item->look_at_memory(proc);
      sum += item->memory().count();
    }
  }
  return ByteCount::bytes(sum);
}

std::vector<std::pair<std::uint64_t, TemplateCounts>> OncePool::counts() const {
  const Clock::time_point now = Clock::now();
  std::vector<std::pair<std::uint64_t, TemplateCounts>> found;
  for (const auto& [kind, shape] : shapes_) {
    TemplateCounts counts = shape.counts;
    std::uint64_t memory = 0;
    for (const auto& item : shape.processes) {
      ++(item->came_up() ? counts.waiting : counts.starting);
      counts.ready = counts.waiting;
      memory += item->memory().count();
      counts.oldest =
          std::max(counts.oldest, std::chrono::duration_cast<Milliseconds>(now - item->born()));
    }
    counts.memory = ByteCount::bytes(memory);
    found.emplace_back(shape.number, std::move(counts));
  }
  return found;
}

}  // namespace sandpit
