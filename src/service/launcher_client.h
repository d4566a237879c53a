// The library's side of the launcher: starts it, keeps channels. Safe from several threads.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/sandbox.h"
#include "service/wire.h"
#include "sys/host_facts.h"

namespace sandpit {

class LauncherClient {
 public:
  // Starts `path` as a grandchild, so that neither its end nor its existence shows in the host's
  // wait calls, with empty signal mask and default dispositions. kSandbox when it can't be started
  // or reports that it can't work here.
  [[nodiscard]] static Result<std::unique_ptr<LauncherClient>> start(const std::string& path);
  // Before the first run.
  [[nodiscard]] Result<void> configure(const TemplateOptions& options);
  [[nodiscard]] Result<std::vector<TemplateCounts>> template_counts();
  LauncherClient(const LauncherClient&) = delete;
  LauncherClient& operator=(const LauncherClient&) = delete;
  // Ends the launcher and waits until it has cleaned up.
  ~LauncherClient();

  [[nodiscard]] const HostFacts& facts() const { return facts_; }
  // An idle channel, or a new one. Give it back only after its run's last message; else let it
  // close.
  [[nodiscard]] Result<UniqueFd> take_channel();
  void give_back(UniqueFd channel);

 private:
  LauncherClient(UniqueFd control, HostFacts facts)
      : control_(std::move(control)), facts_(std::move(facts)) {}
  UniqueFd control_;
  pid_t owner_ = ::getpid();
  HostFacts facts_;
  std::mutex mutex_;
  std::vector<UniqueFd> idle_;
};

// The launcher's path: `configured`, else $SANDPIT_LAUNCHER, else beside the running library or
// program, else the install prefix.
[[nodiscard]] Result<std::string> find_launcher(const std::string& configured);

}  // namespace sandpit
