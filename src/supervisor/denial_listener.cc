#include "supervisor/denial_listener.h"

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>  // strerrorname_np
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "supervisor/denial_text.h"
#include "sys/process_memory.h"
#include "sys/seccomp.h"
#include "sys/seccomp_notify.h"

namespace sandpit {
namespace {

constexpr int kMostAtOnce = 16;
// To look at a path takes as long as the program's own call: milliseconds for the worst.
constexpr int kMostTracedAtOnce = 4;
constexpr const char* kByProxy = "the proxy in HTTPS_PROXY: it is listed, but has no socket here";

std::size_t words_for(std::size_t kernel_size, std::size_t own_size) {
  return (std::max(kernel_size, own_size) + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);
}

// The thread that waits for the answer. What is read is its word only as long as it waits, which
// the answer itself finds out: it fails when the thread has gone.
class WaitingCaller final : public CallMemory {
 public:
  WaitingCaller(int listener, std::uint64_t id, int thread, bool may_read)
      : listener_(listener), id_(id), thread_(thread), may_read_(may_read) {}

  std::string bytes(std::uint64_t address, std::size_t most) override {
    if (!may_read_) return {};
    std::string bytes = sys::read_memory(thread_, address, most);
    return waits() ? bytes : std::string();
  }
  std::string socket_protocol(int descriptor) override {
    std::string protocol = sys::socket_protocol(thread_, descriptor);
    return waits() ? protocol : std::string();
  }

 private:
  // Else the number may be another process's by now.
  [[nodiscard]] bool waits() const {
    return ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ID_VALID, &id_) == 0;
  }

  int listener_;
  std::uint64_t id_;
  int thread_;
  bool may_read_;
};

// As the program's filter has it. The filter asked for a notification; anything else it says here
// would be a mistake of ours, and is answered as what a filter has no row for.
int errno_of(const seccomp_data& data, const DeniedCall& call, const Plan& plan) {
  const std::uint32_t verdict = sys::evaluate(plan.seccomp, data.arch, data.nr, call.arguments);
  const bool notified = (verdict & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF;
  return notified ? static_cast<int>(verdict & SECCOMP_RET_DATA) : ENOSYS;
}

std::string error_name(int errno_value) {
  const char* name = ::strerrorname_np(errno_value);
  return name != nullptr ? name : fmt::format("{}", errno_value);
}

}  // namespace

std::unique_ptr<DenialListener> DenialListener::create(UniqueFd descriptor, const Plan& plan) {
  // Of another kind of descriptor the calls below might do anything, blocking included.
  std::array<char, 64> target{};
  const ssize_t length = ::readlink(fmt::format("/proc/self/fd/{}", descriptor.get()).c_str(),
                                    target.data(), target.size());
  if (length <= 0) return nullptr;
  if (std::string_view(target.data(), static_cast<std::size_t>(length)) !=
      "anon_inode:seccomp notify") {
    return nullptr;
  }
  return std::unique_ptr<DenialListener>(new DenialListener(std::move(descriptor), plan));
}

DenialListener::DenialListener(UniqueFd descriptor, const Plan& plan)
    : descriptor_(std::move(descriptor)),
      plan_(plan),  // With userfaultfd(2) a program decides when a page of its memory is there: who
                    // reads it waits.
      may_read_(!sys::allows(plan.seccomp, SYS_userfaultfd)) {
  if (plan.trace) files_.emplace(plan);
  if (plan.egress) {
    for (const std::string& entry : plan.egress->hosts) (void)reached_.add(entry);
  }
  seccomp_notif_sizes sizes{};
  (void)::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
  notification_.resize(words_for(sizes.seccomp_notif, sizeof(seccomp_notif)));
  response_.resize(words_for(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)));
}

DenialListener::State DenialListener::serve() {
  const int most = files_ ? kMostTracedAtOnce : kMostAtOnce;
  for (int i = 0; i < most; ++i) {
    // Receiving blocks when there is none, whatever the descriptor's flags say.
    pollfd ready{.fd = descriptor_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 0) <= 0) return State::kOpen;
    if ((ready.revents & POLLIN) == 0) return State::kBroken;  // nobody is left under the filter
    if (serve_one() == State::kBroken) return State::kBroken;
  }
  return State::kOpen;
}

DenialListener::State DenialListener::serve_one() {
  std::ranges::fill(notification_, 0);
  std::ranges::fill(response_, 0);
  // NOLINTBEGIN(*-reinterpret-cast): room of the kernel's size that begins with our structure
  auto* notification = reinterpret_cast<seccomp_notif*>(notification_.data());
  auto* response = reinterpret_cast<seccomp_notif_resp*>(response_.data());
  // NOLINTEND(*-reinterpret-cast)
  if (::ioctl(descriptor_.get(), SECCOMP_IOCTL_NOTIF_RECV, notification) < 0) {
    // ENOENT: killed between our poll and now.
    return errno == ENOENT || errno == EINTR ? State::kOpen : State::kBroken;
  }
  DeniedCall call;
  const std::string name = sys::syscall_name(notification->data.nr);
  call.name = name;
  std::ranges::copy(notification->data.args, call.arguments.begin());
  WaitingCaller caller(descriptor_.get(), notification->id, static_cast<int>(notification->pid),
                       may_read_);
  int error = errno_of(notification->data, call, plan_);
  const bool traced = error == static_cast<int>(sys::kTraced);
  const bool observed = error == static_cast<int>(sys::kObserved);
  // Before it goes on: afterwards what it asked for may be there.
  if (traced && files_) files_->hear(call, static_cast<int>(notification->pid), caller);
  std::string detail = traced ? std::string() : detail_of(call, caller);
  response->id = notification->id;
  // The filter allows it, whatever its arguments are by now.
  response->flags = observed || traced ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
  response->error = observed || traced ? 0 : -error;
  // What could not be answered is told again, or is of a process that was killed: not counted.
  if (::ioctl(descriptor_.get(), SECCOMP_IOCTL_NOTIF_SEND, response) < 0) return State::kOpen;
  if (traced) return State::kOpen;
  bool by_proxy = false;
  if (observed) {
    if (!is_internet(detail)) return State::kOpen;
    // Landlock comes before the lack of a route.
    error = is_seen_by_landlock(detail, plan_) ? EACCES : ENETUNREACH;
    if (call.name == "bind") {
      if (!is_bind_denied(detail, plan_)) return State::kOpen;
      error = EACCES;
    } else if (plan_.egress) {
      auto found = unreached(detail, *plan_.egress, reached_);
      if (!found) return State::kOpen;
      detail = std::move(found->detail);
      error = found->error;
      by_proxy = found->listed;
    }
  }
  (void)table_.count(name, detail, [&] {
    return Denial{.what = detail.empty() ? name : fmt::format("{} {}", name, detail),
                  .call = name,
                  .detail = detail,
                  .error = error_name(error),
                  .hint = by_proxy ? kByProxy : hint_for(call, detail, plan_),
                  .count = 0};
  });
  return State::kOpen;
}

void DenialListener::add_to(Outcome& outcome) const {
  outcome.denials.insert(outcome.denials.end(), table_.rows().begin(), table_.rows().end());
  outcome.denials_unlisted += table_.unlisted();
  if (files_) outcome.files_traced = files_->found();
}

}  // namespace sandpit
