// The launcher's side: a small single-threaded process of ours that makes and supervises all the
// jails of one Sandbox.
#pragma once

#include <memory>
#include <unordered_map>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "service/one_shot.h"
#include "service/template_pool.h"
#include "service/wire.h"
#include "supervisor/supervisor.h"

namespace sandpit {

class LauncherSession;

class Launcher {
 public:
  // `control` is the socket to the library.
  [[nodiscard]] static Result<std::unique_ptr<Launcher>> create(UniqueFd control,
                                                                int children_nice);
  ~Launcher();
  // Serves until the library's end of the control socket is closed, then kills and removes
  // everything.
  [[nodiscard]] Result<void> serve();

  [[nodiscard]] Supervisor& supervisor() { return *supervisor_; }
  [[nodiscard]] jail::JailEngine& engine() { return *engine_; }
  [[nodiscard]] TemplatePool& templates() { return *templates_; }
  // The session has no more to do; removed after the current events.
  void retire(int channel);
  // The session waits for a process to answer; looked after when there is something new.
  void await(int channel);

 private:
  Launcher() = default;
  void on_control();
  void advance();
  UniqueFd control_;
  Host host_;
  std::unique_ptr<jail::JailEngine> engine_;
  std::unique_ptr<Supervisor> supervisor_;
  std::unique_ptr<TemplatePool> templates_;  // after the supervisor: templates are runs of it
  std::unordered_map<int, std::unique_ptr<LauncherSession>> sessions_;
  std::vector<int> retired_;
  std::vector<int> awaiting_;
  bool ending_ = false;
};

}  // namespace sandpit
