#include "service/template_pool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

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

#include "base/memory_file.h"
#include "base/own_path.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/channels.h"
#include "engine/jail/jail.h"
#include "engine/jail/template_link.h"
#include "engine/warm/run_image.h"
#include "plan/plan.h"
#include "plan/template_plan.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "service/wire.h"
#include "supervisor/describe.h"
#include "supervisor/supervisor.h"

namespace sandpit {
namespace {

using Clock = std::chrono::steady_clock;

// Runs of one template share its address layout and hash seeds: it is replaced after so many, or so
// long.
constexpr std::uint64_t kMostRuns = 20'000;
constexpr std::chrono::minutes kLongestLife{30};
// Shapes that nobody has asked for so long are forgotten, and the longest unused beyond so many.
constexpr std::chrono::minutes kLongestIdle{5};
constexpr std::size_t kMostShapes = 16;
// A shape whose templates don't come up is left alone for a while.
constexpr unsigned kMostFailures = 3;
constexpr std::chrono::seconds kPause{60};
// One that has not come up by then is ended.
constexpr std::chrono::seconds kLongestBirth{60};

Result<std::string> text_of(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!file.valid() || ::fstat(file.get(), &status) < 0) return fail(errno_error(path, errno));
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  if (::pread(file.get(), bytes.data(), bytes.size(), 0) != status.st_size) {
    return fail(errno_error(path, errno));
  }
  return bytes;
}

Result<UniqueFd> file_in_memory(const std::string& path) {
  SP_TRY(const std::string bytes, text_of(path));
  return sealed_memory_file("libsandpit_warm", bytes);
}

std::string last_line(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const std::size_t line = text.rfind('\n');
  return std::string(line == std::string_view::npos ? text : text.substr(line + 1));
}

}  // namespace

// One template, from its start to its end. As an observer it hears of its own jail.
class TemplatePool::Template final : public RunObserver {
 public:
  Template(Supervisor& supervisor, UniqueFd control)
      : supervisor_(supervisor), link_(std::move(control)), born_(Clock::now()) {}
  ~Template() override {
    if (run_ == nullptr) return;
    supervisor_.forget(link_.control());
    supervisor_.drop(*run_);
  }

  Result<void> start(jail::JailEngine& engine, Plan plan, std::vector<UniqueFd> inputs) {
    SP_TRY(run_, supervisor_.start(engine, std::move(plan), std::move(inputs), {}, *this));
    return supervisor_.watch(link_.control(), EPOLLIN, [this](std::uint32_t) { on_control(); });
  }

  Verdict on_output(OutputStream stream, std::string_view bytes) override {
    if (stream == OutputStream::kStderr && said_.size() < kMostSaid) said_ += bytes;
    return Verdict::kTaken;
  }
  void on_finished(Outcome outcome, UniqueFd /*volume*/) override {
    supervisor_.forget(link_.control());
    run_ = nullptr;
    end_ = said_.empty() ? outcome.message : last_line(said_);
    if (end_.empty()) end_ = fmt::format("it ended with status {}", exit_status(outcome));
  }

  [[nodiscard]] jail::TemplateLink& link() { return link_; }
  [[nodiscard]] bool ready() const { return ready_ && run_ != nullptr && !retired_; }
  [[nodiscard]] bool was_ready() const { return ready_; }
  [[nodiscard]] bool dead() const { return run_ == nullptr; }
  [[nodiscard]] bool retired() const { return retired_; }
  [[nodiscard]] const std::string& end() const { return end_; }
  void count() { ++served_; }
  void retire() { retired_ = true; }
  void check_age(Clock::time_point now) {
    if (served_ >= kMostRuns || now - born_ >= kLongestLife) retired_ = true;
    if (!ready_ && run_ != nullptr && now - born_ >= kLongestBirth) {
      supervisor_.cancel(*run_, "it did not come up");
    }
  }

 private:
  static constexpr std::size_t kMostSaid = 4096;

  void on_control() {
    char byte = 0;
    if (::recv(link_.control(), &byte, 1, MSG_DONTWAIT) == 1) {
      ready_ = true;
    } else if (errno != EAGAIN && errno != EINTR) {
      supervisor_.forget(link_.control());
    }
  }

  Supervisor& supervisor_;
  jail::TemplateLink link_;
  SupervisedRun* run_ = nullptr;
  Clock::time_point born_;
  bool ready_ = false;
  bool retired_ = false;
  std::uint64_t served_ = 0;
  std::string said_;
  std::string end_;
};

TemplatePool::TemplatePool(Supervisor& supervisor, jail::JailEngine& engine, bool is_root)
    : supervisor_(supervisor),
      engine_(engine),
      is_root_(is_root),
      most_(static_cast<unsigned>(std::max(1L, online_processors()))) {}

TemplatePool::~TemplatePool() = default;

Result<void> TemplatePool::open_files() {
  const auto path = [](const char* name, const char* variable) -> Result<std::string> {
    std::string found = find_own_program(name, variable);
    if (found.empty()) {
      return fail({.message = fmt::format("libexec/sandpit/{} is missing", name)});
    }
    return found;
  };
  SP_TRY(const std::string library, path("libsandpit_warm.so", "SANDPIT_WARM_LIBRARY"));
  SP_TRY(const std::string init, path("warm-init", "SANDPIT_WARM_INIT"));
  SP_TRY(library_, file_in_memory(library));
  init_ = UniqueFd(::open(init.c_str(), O_RDONLY | O_CLOEXEC));
  if (!init_.valid()) return fail(errno_error(init, errno));
  return {};
}

TemplatePool::Shape& TemplatePool::shape_for(const Plan& run) {
  std::string key = wire::encode(template_plan(run)) + run.warm->trigger;
  // A prelude that was replaced makes other templates.
  struct stat status{};
  if (!run.warm->prelude.empty() && ::stat(run.warm->prelude.c_str(), &status) == 0) {
    key += fmt::format("{}.{}", status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  auto found = shapes_.find(key);
  if (found == shapes_.end()) {
    if (shapes_.size() >= kMostShapes) {
      const auto oldest = std::ranges::min_element(
          shapes_, {}, [](const auto& entry) { return entry.second->used; });
      for (const auto& item : oldest->second->templates) item->retire();
      // Its templates may have runs: it goes when they have none (tidy).
      oldest->second->used = Clock::time_point::min();
    }
    found = shapes_.emplace(std::move(key), std::make_unique<Shape>()).first;
  }
  found->second->used = Clock::now();
  return *found->second;
}

Result<void> TemplatePool::make(Shape& shape, const Plan& run) {
  Plan plan = template_plan(run);
  std::vector<UniqueFd> inputs;
  if (!run.warm->prelude.empty()) {
    Mount& prelude = plan.mounts.back();
    SP_TRY(prelude.content, text_of(run.warm->prelude));
    plan.env.push_back(fmt::format("{}={}", warm::kPreludeVariable, prelude.target));
  }
  const auto handed = [&plan](const char* name, int number) {
    plan.inputs.push_back({.name = name, .as_descriptor = static_cast<std::uint32_t>(number)});
  };
  SP_TRY(jail::SocketPair control, jail::socket_pair());
  handed("control", warm::kControlDescriptor);
  handed("init", warm::kInitDescriptor);
  handed("library", warm::kLibraryDescriptor);
  plan.env.push_back(fmt::format("LD_PRELOAD=/proc/self/fd/{}", warm::kLibraryDescriptor));
  plan.env.push_back(fmt::format("{}={}", warm::kTriggerVariable, run.warm->trigger));
  if (run.warm->args_in_argv) plan.env.push_back(fmt::format("{}=1", warm::kArgumentsVariable));
  std::string forget;
  for (const std::string& entry : run.warm->env) forget += entry.substr(0, entry.find('=')) + ",";
  plan.env.push_back(fmt::format("{}={}", warm::kForgetVariable, forget));
  inputs.push_back(std::move(control.child));
  for (const UniqueFd* file : {&init_, &library_}) {
    inputs.emplace_back(::fcntl(file->get(), F_DUPFD_CLOEXEC, 3));
    if (!inputs.back().valid()) return fail(errno_error("dup", errno));
  }
  auto made = std::make_unique<Template>(supervisor_, std::move(control.host));
  SP_TRY_VOID(made->start(engine_, std::move(plan), std::move(inputs)));
  shape.templates.push_back(std::move(made));
  return {};
}

jail::TemplateLink* TemplatePool::find(const Plan& run, std::string& reason) {
  reason = reason_for_cold(run);
  // Granted paths are opened by the host's side, which needs privileges in its own namespaces.
  const bool granted = std::ranges::any_of(
      run.mounts, [](const Mount& mount) { return (mount.flags & kMountGranted) != 0; });
  if (reason.empty() && granted && !is_root_) reason = "paths of the host were granted";
  if (!reason.empty()) return nullptr;
  if (!opened_) {
    opened_ = true;
    if (auto opened = open_files(); !opened) unavailable_ = opened.error().to_string();
  }
  reason = unavailable_;
  if (!reason.empty()) return nullptr;
  Shape& shape = shape_for(run);
  Template* best = nullptr;
  std::size_t usable = 0;
  for (const auto& item : shape.templates) {
    if (!item->dead() && !item->retired()) ++usable;
    if (!item->ready()) continue;
    if (best == nullptr || item->link().runs() < best->link().runs()) best = item.get();
  }
  const bool paused = shape.failures >= kMostFailures && Clock::now() - shape.failed_at < kPause;
  const bool busy = best == nullptr || best->link().runs() > 0;
  if (busy && usable < most_ && !paused) {
    if (auto made = make(shape, run); !made) {
      ++shape.failures;
      shape.failed_at = Clock::now();
      shape.failure = made.error().to_string();
    }
  }
  if (best == nullptr) {
    reason = shape.failure.empty() ? "its template is being made"
                                   : fmt::format("its template failed: {}", shape.failure);
    return nullptr;
  }
  best->count();
  return &best->link();
}

// Answers whether the template is to be ended; notes what became of it.
bool TemplatePool::is_over(Shape& shape, Template& item,
                           std::chrono::steady_clock::time_point now) {
  item.check_age(now);
  if (now - kLongestIdle >= shape.used) item.retire();
  if (item.link().stuck()) return true;  // and with it the runs that it never began
  if (item.dead()) {
    shape.failures = item.was_ready() ? 0 : shape.failures + 1;
    if (item.was_ready()) return true;
    shape.failed_at = now;
    shape.failure = item.end();
    return true;
  }
  if (item.ready()) shape.failures = 0;
  return item.retired() && item.link().runs() == 0;
}

void TemplatePool::tidy() {
  const Clock::time_point now = Clock::now();
  for (const auto& [key, shape] : shapes_) {
    std::erase_if(shape->templates, [&of = *shape, now](const std::unique_ptr<Template>& item) {
      return is_over(of, *item, now);
    });
  }
  std::erase_if(shapes_, [&](const auto& entry) {
    return entry.second->templates.empty() && now - kLongestIdle >= entry.second->used;
  });
}

}  // namespace sandpit
