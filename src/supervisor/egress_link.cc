#include "supervisor/egress_link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>  // strerrordesc_np
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/descriptors.h"
#include "base/memory_file.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/address.h"
#include "egress/protocol.h"
#include "egress/rules.h"
#include "engine/jail/child.h"
#include "engine/jail/jail.h"
#include "plan/egress_plan.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"
#include "supervisor/denial_table.h"
#include "supervisor/supervised_run.h"
#include "supervisor/supervisor.h"

namespace sandpit {
namespace {

constexpr std::size_t kMostFailures = 8;

egress::Start start_of(const EgressPlan& plan) {
  egress::Start start{.allow = plan.hosts, .listeners = {}};
  for (const EgressSocket& socket : plan.sockets) {
    // The first descriptor is that of the counters.
    start.listeners.push_back({.kind = socket.kind,
                               .descriptor = start.listeners.size() + 1,
                               .destination = socket.target});
  }
  return start;
}

// Of a size that the proxy can't change; its content is the proxy's word.
Result<UniqueFd> counter_file() {
  constexpr off_t kPage = 4096;
  SP_TRY(UniqueFd file, memory_file("egress"));
  if (::ftruncate(file.get(), kPage) < 0 ||
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
    return fail(errno_error("the egress counters", errno));
  }
  return file;
}

// "example.com:443 (tcp)", "[::1]:443 (tcp)"; of a look-up the name alone.
std::string detail_of(const egress::Report& report) {
  if (report.kind == egress::ReportKind::kResolve) return report.host;
  const bool bracketed = report.host.contains(':');
  return fmt::format("{}{}{}:{} (tcp)", bracketed ? "[" : "", report.host, bracketed ? "]" : "",
                     report.port);
}

// Something to type: only of what is a host, in its plain form.
std::string hint_for(const egress::Report& report) {
  const auto host = egress::parse_host(report.host);
  if (!host) return {};
  std::string name;
  if (const auto* address = std::get_if<egress::Address>(&*host)) {
    name = address->is_v4() ? address->to_string() : fmt::format("[{}]", address->to_string());
  } else {
    name = std::get<std::string>(*host);
  }
  if (report.reason == egress::Reason::kPrivateAddress) {
    return fmt::format("--net with the private address that {} has, beside its name", name);
  }
  return report.port == 0 ? "--net " + name : fmt::format("--net {}:{}", name, report.port);
}

}  // namespace

// Hears of the proxy's end. Outlives the link when the run is over first.
class EgressLink::ProxyEnd final : public RunObserver {
 public:
  Verdict on_output(OutputStream /*stream*/, std::string_view bytes) override {
    constexpr std::size_t kMostSaid = 256;
    said_.append(bytes.substr(0, kMostSaid - std::min(kMostSaid, said_.size())));
    return Verdict::kTaken;
  }
  void on_finished(Outcome outcome, UniqueFd /*volume*/) override {
    over_ = true;
    unstarted_ = outcome.status == Status::kSandboxError || outcome.status == Status::kRefused;
    reason_ = outcome.message.empty() ? to_string(outcome.status) : outcome.message;
    if (!said_.empty()) reason_ += ": " + said_.substr(0, said_.find('\n'));
    if (unstarted_ && unstarted_callback_) unstarted_callback_();
    // It may end the link.
    if (const auto callback = std::exchange(over_callback_, {})) callback();
  }
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] bool unstarted() const { return unstarted_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  void on_unstarted(std::function<void()> callback) { unstarted_callback_ = std::move(callback); }
  void on_over(std::function<void()> callback) { over_callback_ = std::move(callback); }

 private:
  bool over_ = false;
  bool unstarted_ = false;
  std::function<void()> unstarted_callback_;
  std::function<void()> over_callback_;
  std::string said_;
  std::string reason_;
};

EgressLink::EgressLink(Supervisor& supervisor, const Plan& plan)
    : supervisor_(supervisor),
      start_(start_of(*plan.egress)),
      end_(std::make_shared<ProxyEnd>()),
      report_denials_(plan.report_denials) {}

EgressLink::~EgressLink() {
  end_->on_unstarted({});
  end_->on_over({});
  // The proxy ends at the hang-up: here nobody knows any more whether its run is still there.
  if (control_.valid()) supervisor_.forget(control_.get());
}

Result<std::unique_ptr<EgressLink>> EgressLink::start(Supervisor& supervisor,
                                                      jail::JailEngine& engine, Plan& plan) {
  if (plan.egress_proxy.size() != 1) {
    return fail({.code = ErrorCode::kSandbox, .message = "malformed plan"});
  }
  auto link = std::unique_ptr<EgressLink>(new EgressLink(supervisor, plan));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return fail(errno_error("socketpair", errno));
  }
  link->control_ = UniqueFd(ends[0]);
  std::vector<UniqueFd> inputs;
  inputs.emplace_back(ends[1]);
  SP_TRY(link->counters_, counter_file());
  SP_TRY(link->proxy_, supervisor.start(engine, std::move(plan.egress_proxy.front()),
                                        std::move(inputs), {}, *link->end_));
  plan.egress_proxy.clear();
  link->proxy_->keep(link->end_);
  EgressLink* self = link.get();
  SP_TRY_VOID(supervisor.watch(self->control_.get(), EPOLLIN,
                               [self](std::uint32_t) { (void)self->on_reports(); }));
  return link;
}

void EgressLink::hand_over(const std::vector<UniqueFd>& sockets) {
  if (handed_over_) return;
  if (sockets.size() != start_.listeners.size()) {
    failures_.emplace_back("the run's sockets did not arrive: nothing goes through");
    return;
  }
  handed_over_ = true;
  std::string text = egress::start_text(start_);
  std::vector<int> descriptors{counters_.get()};
  for (const UniqueFd& socket : sockets) descriptors.push_back(socket.get());
  iovec part{.iov_base = text.data(), .iov_len = text.size()};
  DescriptorRoom<jail::kMostEgressSockets + 1> room;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  attach_descriptors(header, room.bytes, descriptors);
  // A proxy that has gone meanwhile says so itself; the run then meets closed sockets.
  if (::sendmsg(control_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EPIPE) {
    failures_.push_back(errno_error("the proxy got nothing", errno).to_string());
  }
}

bool EgressLink::on_reports() {
  constexpr int kMostAtOnce = 256;  // other runs shall have their turn
  for (int i = 0; i < kMostAtOnce; ++i) {
    std::array<char, egress::kLargestReport> text;  // NOLINT(*-member-init): filled by recv
    const ssize_t n = ::recv(control_.get(), text.data(), text.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) {
      supervisor_.forget(control_.get());
      return false;
    }
    if (const auto report = egress::parse_report({text.data(), static_cast<std::size_t>(n)})) {
      add(*report);
    }
  }
  return true;
}

void EgressLink::add(const egress::Report& report) {
  const char* call = report.kind == egress::ReportKind::kConnect ? "connect" : "resolve";
  const std::string detail = detail_of(report);
  if (egress::is_denial(report.reason)) {
    (void)denials_.count(call, detail, [&] {
      return Denial{.what = fmt::format("{} {}", call, detail),
                    .call = call,
                    .detail = detail,
                    .error = report.kind == egress::ReportKind::kConnect ? "EACCES" : "EAI_NONAME",
                    .hint = hint_for(report),
                    .count = 0};
    });
    return;
  }
  const char* why = report.reason == egress::Reason::kUnresolved
                        ? "the name does not resolve on this host"
                        : ::strerrordesc_np(report.error);
  std::string failure =
      fmt::format("{} {} failed: {}", call, detail, why != nullptr ? why : "it can't be reached");
  if (failures_.size() < kMostFailures &&
      std::ranges::find(failures_, failure) == failures_.end()) {
    failures_.push_back(std::move(failure));
  }
}

std::array<std::uint64_t, 5> EgressLink::counts() const {
  std::array<std::uint64_t, 5> counts{};
  static_assert(sizeof counts == sizeof(egress::Counters));
  if (::pread(counters_.get(), counts.data(), sizeof counts, 0) != sizeof counts) counts = {};
  return counts;
}

std::string EgressLink::unstarted() const { return end_->unstarted() ? end_->reason() : ""; }

void EgressLink::on_unstarted(std::function<void()> callback) {
  end_->on_unstarted(std::move(callback));
}

void EgressLink::drain(std::function<void()> done) {
  ended_early_ = end_->over();
  if (ended_early_) return done();
  end_->on_over(std::move(done));
  // Before it has been given anything there is nothing to pass on.
  if (!handed_over_) return cut();
  (void)::shutdown(control_.get(), SHUT_WR);
}

void EgressLink::cut() {
  was_cut_ = handed_over_;
  if (!end_->over()) supervisor_.cancel(*proxy_, "its run is over");
}

void EgressLink::finish(Outcome& outcome) {
  while (on_reports()) {
  }
  const auto [connections, sent, received, denied, cut_off] = counts();
  outcome.network = NetworkUse{.connections = connections,
                               .denied = denied,
                               .sent = ByteCount::bytes(sent),
                               .received = ByteCount::bytes(received)};
  if (report_denials_) add_denials(outcome);
  for (const std::string& failure : failures_) outcome.warnings.push_back("network: " + failure);
  if (ended_early_ && !end_->unstarted()) {
    outcome.warnings.push_back(
        "network: the proxy ended before the program, and nothing went "
        "through from then on: " +
        end_->reason());
  }
  if (was_cut_ || cut_off > 0) {
    outcome.warnings.emplace_back(
        "network: connections were reset at the end of the run: not all that the program had sent "
        "was taken in time");
  }
}

void EgressLink::add_denials(Outcome& outcome) const {
  for (const Denial& row : denials_.rows()) {
    const auto same = std::ranges::find_if(outcome.denials, [&](const Denial& other) {
      return other.call == row.call && other.detail == row.detail;
    });
    if (same == outcome.denials.end()) {
      outcome.denials.push_back(row);
    } else {
      same->count += row.count;
    }
  }
  outcome.denials_unlisted += denials_.unlisted();
}

}  // namespace sandpit
