#include "service/template_pool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "engine/jail/template_link.h"
#include "plan/plan.h"
#include "plan/template_plan.h"
#include "runtime/manifest.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "service/interpreter_template.h"
#include "service/wire.h"
#include "supervisor/describe.h"
#include "supervisor/supervisor.h"

namespace sandpit {
namespace {

// The shape that nobody has asked for the longest makes room for one more.
constexpr std::size_t kMostShapes = 16;
// Unless it was asked for within this time: then the new one has no templates.
constexpr std::chrono::seconds kInUse{10};
constexpr unsigned kLeastAsked = 2;
constexpr std::size_t kMostKinds = 256;
// Most runs are over by then.
constexpr std::chrono::milliseconds kPatience{5};
// A shape whose templates don't come up is left alone for a while.
constexpr unsigned kMostFailures = 3;
constexpr std::chrono::seconds kPause{60};
// How often the pool looks at itself when nothing happens.
constexpr std::chrono::milliseconds kShortestPeriod{20};
constexpr std::chrono::milliseconds kLongestPeriod{2000};

bool has_grants(const Plan& run) {
  return std::ranges::any_of(run.mounts,
                             [](const Mount& mount) { return (mount.flags & kMountGranted) != 0; });
}

std::vector<std::string> preloads_of(const WarmStart& warm) {
  const std::string prefix = fmt::format("{}=", kPreloadVariable);
  std::vector<std::string> names;
  for (const std::string& entry : warm.env) {
    if (!entry.starts_with(prefix)) continue;
    std::istringstream list(entry.substr(prefix.size()));
    for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  }
  return names;
}

}  // namespace

TemplatePool::TemplatePool(Supervisor& supervisor, jail::JailEngine& engine, bool is_root)
    : supervisor_(supervisor),
      engine_(engine),
      is_root_(is_root),
      maker_(supervisor, engine),
      once_(supervisor, engine) {
  configure({});
}

TemplatePool::~TemplatePool() {
  if (timer_.valid()) supervisor_.forget(timer_.get());
  if (soon_.valid()) supervisor_.forget(soon_.get());
}

void TemplatePool::configure(const TemplateOptions& options) {
  options_ = options;
  most_ =
      options.most != 0 ? options.most : static_cast<unsigned>(std::max(1L, online_processors()));
  most_ = std::max(most_, options.least);
  once_.configure(options, most_);
}

bool TemplatePool::full() const {
  return options_.memory.count() != 0 && memory_ >= options_.memory;
}

const TemplatePool::Kind* TemplatePool::kind_for(const Plan& run, std::string_view kind) {
  std::string key(kind);
  // A prelude that was replaced makes other templates.
  struct stat status{};
  if (!run.warm->prelude.empty() && ::stat(run.warm->prelude.c_str(), &status) == 0) {
    key += fmt::format("{}.{}", status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  const auto found = kinds_.find(key);
  if (found != kinds_.end()) {
    found->second.shape->used = Clock::now();
    found->second.shape->forgotten = false;
    return &found->second;
  }
  if (kinds_.size() >= kMostKinds) kinds_.clear();
  Shape* const shape = shape_for(run, std::string_view(key).substr(kind.size()));
  if (shape == nullptr) return nullptr;
  auto model = std::make_shared<Plan>(run);
  model->inputs.clear();
  return &kinds_.emplace(std::move(key), Kind{.shape = shape, .model = std::move(model)})
              .first->second;
}

void TemplatePool::forget_kinds(const Shape* shape) {
  std::erase_if(kinds_, [shape](const auto& entry) { return entry.second.shape == shape; });
}

TemplatePool::Shape* TemplatePool::shape_for(const Plan& run, std::string_view prelude_time) {
  std::string key = wire::encode(template_plan(run)) + run.warm->trigger;
  key += prelude_time;
  auto found = shapes_.find(key);
  if (found == shapes_.end()) {
    if (shapes_.size() >= kMostShapes) {
      Shape* const oldest = longest_unused();
      const bool in_use =
          oldest == nullptr || (!oldest->templates.empty() && Clock::now() - oldest->used < kInUse);
      if (in_use) return nullptr;
      oldest->forgotten = true;
    }
    auto shape = std::make_unique<Shape>();
    shape->number = shapes_made_++;
    shape->counts.runtime = run.runtime;
    shape->counts.preload = preloads_of(*run.warm);
    auto model = std::make_unique<Plan>(run);
    model->inputs.clear();
    shape->model = std::move(model);
    found = shapes_.emplace(std::move(key), std::move(shape)).first;
  }
  found->second->used = Clock::now();
  found->second->forgotten = false;
  return found->second.get();
}

TemplatePool::Shape* TemplatePool::longest_unused() {
  Shape* oldest = nullptr;
  for (const auto& [key, shape] : shapes_) {
    if (shape->forgotten) continue;
    const auto rank = [](const Shape& item) {
      return std::pair(!item.templates.empty(), item.used);
    };
    if (oldest == nullptr || rank(*shape) < rank(*oldest)) oldest = shape.get();
  }
  return oldest;
}

// Of a template that did not come up.
void TemplatePool::note_failure(Shape& shape, std::string why) {
  ++shape.failures;
  ++shape.counts.failed;
  shape.failed_at = Clock::now();
  shape.counts.failure = std::move(why);
}

std::string TemplatePool::failure_text(const Shape& shape) {
  return fmt::format("its template failed: {}", shape.counts.failure);
}

std::string TemplatePool::make(Shape& shape) {
  if (shape.failures >= kMostFailures && Clock::now() - shape.failed_at < kPause) {
    return failure_text(shape);
  }
  if (full()) {
    return "the templates have all the memory that they may have";
  }
  ++shape.counts.made;
  auto started = start_timer();
  auto made = started ? maker_.make(*shape.model) : fail(std::move(started).error());
  if (!made) {
    note_failure(shape, made.error().to_string());
    return failure_text(shape);
  }
  shape.templates.push_back(std::move(*made));
  return {};
}

TemplatePool::Place TemplatePool::find_once(const Plan& run, std::string_view kind,
                                            std::string& reason) {
  // What was granted is opened for each run anew: not ahead.
  if (has_grants(run)) {
    reason = "paths of the host were granted";
    return {};
  }
  if (auto started = start_timer(); !started) {
    reason = started.error().to_string();
    return {};
  }
  return {.link = nullptr, .waiting = nullptr, .process = once_.take(run, kind, means(), reason)};
}

TemplatePool::Place TemplatePool::find(const Plan& run, std::string_view kind,
                                       std::string& reason) {
  reason = reason_for_cold(run);
  // Granted paths are opened by the host's side, which needs privileges in its own namespaces.
  if (reason.empty() && has_grants(run) && !is_root_) reason = "paths of the host were granted";
  if (!reason.empty()) return {};
  if (auto opened = maker_.open(); !opened) {
    reason = opened.error().to_string();
    return {};
  }
  if (serves_one_run(*run.warm)) return find_once(run, kind, reason);
  const Kind* const known = kind_for(run, kind);
  if (known == nullptr) {
    reason = "enough kinds of templates are in use";
    return {};
  }
  Shape& shape = *known->shape;
  // What was granted is opened for each run anew: not ahead.
  if (shape.last == known->model && !has_grants(run)) shape.ahead = known->model;
  shape.last = known->model;
  // An interpreter is not started for something that may never be asked for again.
  if (++shape.asked < kLeastAsked && options_.least == 0) {
    reason = "it is the first of its kind";
    ++shape.counts.misses;
    return {};
  }
  InterpreterTemplate* best = nullptr;
  std::size_t usable = 0;
  for (const auto& item : shape.templates) {
    if (item->usable()) ++usable;
    if (!item->ready()) continue;
    // The one that waits the longest is the one that is there for sure.
    const auto rank = [&](InterpreterTemplate& choice) {
      return std::pair(choice.waiting_since(known->model), choice.running());
    };
    if (best == nullptr || rank(*item) < rank(*best)) best = item.get();
  }
  std::unique_ptr<jail::Jail> waiting;
  if (best != nullptr && jail::JailEngine::can_begin(run)) {
    waiting = best->take_waiting(engine_, known->model, shape.ahead_failures);
  }
  if (waiting) {
    shape.ahead_failures = 0;
    ++shape.counts.waited;
  } else {
    shape.ahead_failed_at = Clock::now();
  }
  std::string why_not;
  // The one that was just taken is not under way yet.
  const bool busy = best == nullptr || best->running() > (waiting ? 1U : 0U);
  const std::size_t wanted =
      std::min<std::size_t>(most_, std::max<std::size_t>(options_.least, usable + (busy ? 1 : 0)));
  for (; usable < wanted && why_not.empty(); ++usable) why_not = make(shape);
  if (best == nullptr) {
    reason = !why_not.empty()                ? why_not
             : !shape.counts.failure.empty() ? failure_text(shape)
                                             : "its template is being made";
    ++shape.counts.misses;
    return {};
  }
  best->count();
  ++shape.counts.hits;
  return {.link = &best->link(), .waiting = std::move(waiting), .process = nullptr};
}

void TemplatePool::fork_ahead(Shape& shape, Clock::time_point now) {
  const bool resting =
      shape.ahead_failures >= kMostFailures && now - shape.ahead_failed_at < kPause;
  const bool wanted = shape.ahead != nullptr && !shape.forgotten && now - shape.used < kInUse &&
                      !resting && !full();
  for (const auto& item : shape.templates) {
    if (!item->ready()) continue;
    // A run that has just begun would have to share a processor with it.
    if (wanted && item->running() > 0 && now - item->last() < kPatience) {
      look_again_soon();
      continue;
    }
    // Those that nobody asks for any more stay for their time, and are not replaced.
    const std::size_t count = wanted ? options_.waiting : 0;
    if (!item->fork_ahead(engine_, shape.ahead, count)) {
      ++shape.ahead_failures;
      shape.ahead_failed_at = now;
    }
  }
}

// Answers whether the template is to be ended; notes what became of it.
bool TemplatePool::is_over(Shape& shape, InterpreterTemplate& item, Clock::time_point now) const {
  item.check_age(now, options_);
  if (shape.forgotten) item.retire();
  if (item.link().stuck()) {  // and with it the runs that it never began
    ++shape.counts.crashed;
    return true;
  }
  if (item.dead()) {
    if (item.was_ready()) {
      shape.failures = 0;
      ++shape.counts.crashed;
      return true;
    }
    note_failure(shape, item.end());
    return true;
  }
  if (item.ready()) shape.failures = 0;
  return item.retired() && item.link().runs() == 0;
}

void TemplatePool::retire_idle(Shape& shape, Clock::time_point now) const {
  if (now - options_.idle < shape.used) return;
  std::size_t kept = 0;
  for (const auto& item : shape.templates) {
    if (!item->usable()) continue;
    if (++kept > options_.least) item->retire();
  }
}

void TemplatePool::tidy() {
  once_.tidy(means());
  const Clock::time_point now = Clock::now();
  for (const auto& [key, shape] : shapes_) {
    retire_idle(*shape, now);
    for (auto& item : shape->templates) {
      if (is_over(*shape, *item, now)) item.reset();
    }
    std::erase(shape->templates, nullptr);
    fork_ahead(*shape, now);
  }
  std::erase_if(shapes_, [&](const auto& entry) {
    const Shape& shape = *entry.second;
    const bool over =
        shape.templates.empty() && (shape.forgotten || now - options_.idle >= shape.used);
    if (over) forget_kinds(&shape);
    return over;
  });
}

Result<void> TemplatePool::start_timer() {
  if (timer_.valid()) return {};
  UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  const auto period = std::clamp<Milliseconds>(std::min(options_.idle, options_.life) / 4,
                                               kShortestPeriod, kLongestPeriod);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(period);
  const timespec each{.tv_sec = seconds.count(),
                      .tv_nsec = std::chrono::nanoseconds(period - seconds).count()};
  const itimerspec when{.it_interval = each, .it_value = each};
  if (!timer.valid() || ::timerfd_settime(timer.get(), 0, &when, nullptr) < 0) {
    return fail(errno_error("timerfd", errno));
  }
  timer_ = std::move(timer);
  return supervisor_.watch(timer_.get(), EPOLLIN, [this](std::uint32_t) { on_timer(); });
}

// The callback has nothing to do: tidy() follows each step of the loop.
void TemplatePool::look_again_soon() {
  if (soon_set_) return;
  if (!soon_.valid()) {
    soon_ = UniqueFd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    const auto read_it = [this](std::uint32_t) {
      std::uint64_t times = 0;
      soon_set_ = ::read(soon_.get(), &times, sizeof times) < 0;
    };
    if (!soon_.valid() || !supervisor_.watch(soon_.get(), EPOLLIN, read_it)) return;
  }
  const itimerspec when{.it_value = {.tv_nsec = std::chrono::nanoseconds(kPatience).count()}};
  soon_set_ = ::timerfd_settime(soon_.get(), 0, &when, nullptr) == 0;
}

void TemplatePool::on_timer() {
  std::uint64_t times = 0;
  if (::read(timer_.get(), &times, sizeof times) < 0) return;
  if (options_.memory.count() != 0) {
    look_at_memory();
    if (memory_ > options_.memory) {
      if (Shape* const oldest = longest_unused(); oldest != nullptr) oldest->forgotten = true;
      once_.shrink();
    }
  }
  for (const auto& [key, shape] : shapes_) {
    if (shape->forgotten) continue;
    auto usable = static_cast<unsigned>(
        std::ranges::count_if(shape->templates, [](const auto& item) { return item->usable(); }));
    while (usable < options_.least && make(*shape).empty()) ++usable;
  }
  if (!shapes_.empty() || !once_.empty()) return;
  supervisor_.forget(timer_.get());
  timer_.reset();
}

void TemplatePool::look_at_memory() {
  if (!proc_.valid()) proc_ = UniqueFd(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::uint64_t sum = 0;
  for (const auto& [key, shape] : shapes_) {
    for (const auto& item : shape->templates) {
      item->look_at_memory(proc_);
      if (!item->dead()) sum += item->memory().count();
    }
  }
  memory_ = ByteCount::bytes(sum + once_.look_at_memory(proc_).count());
}

std::vector<TemplateCounts> TemplatePool::counts() {
  look_at_memory();
  const Clock::time_point now = Clock::now();
  std::vector<std::pair<std::uint64_t, TemplateCounts>> found;
  for (const auto& [key, shape] : shapes_) {
    TemplateCounts counts = shape->counts;
    std::uint64_t memory = 0;
    for (const auto& item : shape->templates) {
      if (item->dead()) continue;
      if (item->ready()) ++counts.ready;
      if (!item->was_ready()) ++counts.starting;
      counts.waiting += static_cast<unsigned>(item->waiting());
      memory += item->memory().count();
      counts.oldest =
          std::max(counts.oldest, std::chrono::duration_cast<Milliseconds>(now - item->born()));
    }
    counts.memory = ByteCount::bytes(memory);
    found.emplace_back(shape->number, std::move(counts));
  }
  std::ranges::sort(found, {}, [](const auto& entry) { return entry.first; });
  auto once = once_.counts();
  std::ranges::sort(once, {}, [](const auto& entry) { return entry.first; });
  std::ranges::move(once, std::back_inserter(found));
  std::vector<TemplateCounts> counts;
  counts.reserve(found.size());
  for (auto& [number, entry] : found) counts.push_back(std::move(entry));
  return counts;
}

}  // namespace sandpit
