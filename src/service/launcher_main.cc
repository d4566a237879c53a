// sandpit-launcher: started by Sandbox::create with its control socket as descriptor 3. Not for
// people.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "base/unique_fd.h"
#include "service/launcher.h"
#include "service/wire.h"
#include "sys/priority.h"
#include "sys/raw.h"

int main() {
  using namespace sandpit;
  constexpr int kControl = 3;
  // A session of its own: the terminal's Ctrl-C is for the host program, whose end we learn from
  // the socket.
  (void)::setsid();
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)::umask(022);
  (void)sys::raw::close_range(kControl + 1, ~0U, 0);
  // Standard streams belong to the host program's user; a launcher that outlives a pipeline must
  // not hold them open.
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; null >= 0 && fd < 3; ++fd) (void)::dup2(null, fd);
  // Each run holds about ten descriptors here.
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
  }
  (void)::prctl(PR_SET_NAME, "sandpit-launch");
  // A launcher that is one among the many that it runs is late to see their ends and their output.
  const int children_nice = sys::nice_value();
  sys::go_first();
  const UniqueFd control(kControl);
  UniqueFd own(::fcntl(kControl, F_DUPFD_CLOEXEC, kControl + 1));
  if (::fcntl(kControl, F_SETFD, FD_CLOEXEC) < 0 || !own.valid()) return 2;
  auto launcher = Launcher::create(std::move(own), children_nice);
  if (!launcher) {
    (void)wire::send(control.get(), wire::Kind::kError, wire::encode(launcher.error()), {},
                     wire::Blocking::kWait);
    return 1;
  }
  return (*launcher)->serve() ? 0 : 1;
}
