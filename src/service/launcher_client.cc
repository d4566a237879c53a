#include "service/launcher_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/own_path.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/error.h"
#include "sandpit/sandbox.h"
#include "service/orphan.h"
#include "service/wire.h"

namespace sandpit {

Result<std::string> find_launcher(const std::string& configured) {
  std::vector<std::string> tried{configured};
  std::string path = configured.empty()
                         ? find_own_program("sandpit-launcher", "SANDPIT_LAUNCHER", &tried)
                     : ::access(configured.c_str(), X_OK) == 0 ? configured
                                                               : std::string();
  if (!path.empty()) return path;
  return fail({.code = ErrorCode::kSandbox,
               .message = fmt::format("no launcher at {}", fmt::join(tried, ", ")),
               .hint = "set SandboxOptions::launcher or SANDPIT_LAUNCHER to sandpit-launcher"});
}

Result<std::unique_ptr<LauncherClient>> LauncherClient::start(const std::string& path) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return fail(errno_error("socketpair", errno));
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const std::array descriptors{theirs.get()};
  SP_TRY_VOID(start_orphan({.path = path,
                            .name = "sandpit-launcher",
                            .descriptors = descriptors,
                            .environment = environ}));
  theirs.reset();
  auto hello = wire::receive(ours.get(), wire::Blocking::kWait);
  if (!hello) {
    Error error = hello.error();
    error.code = ErrorCode::kSandbox;
    return fail(with_context(std::move(error), "the launcher ended"));
  }
  if (hello->kind == wire::Kind::kError) return fail(wire::decode_error(hello->body));
  SP_TRY(HostFacts facts, wire::decode_facts(hello->body));
  return std::unique_ptr<LauncherClient>(new LauncherClient(std::move(ours), std::move(facts)));
}

LauncherClient::~LauncherClient() {
  // In a child of fork(2) the sockets are the parent's too: shutdown(2) would end its launcher.
  if (::getpid() != owner_) return;
  idle_.clear();
  (void)::shutdown(control_.get(), SHUT_WR);
  // The launcher's end closes when it has removed everything and exits.
  constexpr int kPatienceMs = 10'000;
  pollfd gone{.fd = control_.get(), .events = 0, .revents = 0};
  while (::poll(&gone, 1, kPatienceMs) < 0 && errno == EINTR) {
  }
}

Result<void> LauncherClient::configure(const TemplateOptions& options) {
  return wire::send(control_.get(), wire::Kind::kTemplates, wire::encode(options), {},
                    wire::Blocking::kWait);
}

Result<std::vector<TemplateCounts>> LauncherClient::template_counts() {
  SP_TRY(UniqueFd channel, take_channel());
  SP_TRY_VOID(
      wire::send(channel.get(), wire::Kind::kTemplateCounts, {}, {}, wire::Blocking::kWait));
  SP_TRY(const wire::Message answer, wire::receive(channel.get(), wire::Blocking::kWait));
  SP_TRY(std::vector<TemplateCounts> counts, wire::decode_template_counts(answer.body));
  give_back(std::move(channel));
  return counts;
}

Result<UniqueFd> LauncherClient::take_channel() {
  {
    const std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      UniqueFd channel = std::move(idle_.back());
      idle_.pop_back();
      return channel;
    }
  }
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return fail(errno_error("socketpair", errno));
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  auto sent =
      wire::send(control_.get(), wire::Kind::kChannel, {}, {theirs.get()}, wire::Blocking::kWait);
  if (!sent) {
    Error error = sent.error();
    error.code = ErrorCode::kSandbox;
    return fail(with_context(std::move(error), "the launcher has ended"));
  }
  return ours;
}

void LauncherClient::give_back(UniqueFd channel) {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(channel));
}

}  // namespace sandpit
