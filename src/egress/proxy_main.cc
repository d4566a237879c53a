// egress-proxy: the one way out of a jail whose network is a list of hosts. protocol.h says how it
// is started and what it is told. Not for people.
//
// One process serves one run, inside a jail of its own that has the host's network. It trusts its
// supervisor, and nothing that comes through a listening socket. One thread does everything but
// getaddrinfo(3).
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>

#include "base/write_all.h"
#include "egress/protocol.h"
#include "egress/proxy_serve.h"
#include "sandpit/error.h"

namespace sandpit::egress {
namespace {

constexpr int kFailed = 125;

int run() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  (void)std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): SIGPIPE can always be ignored
  const auto served = serve(kControlDescriptor);
  if (served) return EXIT_SUCCESS;
  const std::string line = fmt::format("egress-proxy: {}\n", served.error().to_string());
  (void)write_all(STDERR_FILENO, line);
  return served.error().code == ErrorCode::kUsage ? kMalformedStart : kFailed;
}

}  // namespace
}  // namespace sandpit::egress

int main() {
  try {
    return sandpit::egress::run();
  } catch (const std::exception&) {
    return sandpit::egress::kFailed;
  }
}
