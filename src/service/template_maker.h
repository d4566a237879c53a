// Starts a template: an interpreter in a jail with the warm library in it, which stops where it
// would open its program. For the TemplatePool, which keeps what was made.
#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "plan/plan.h"
#include "service/interpreter_template.h"
#include "supervisor/supervisor.h"

namespace sandpit {

class TemplateMaker {
 public:
  TemplateMaker(Supervisor& supervisor, jail::JailEngine& engine);

  // Sandpit's own files. Looked for once: the answer stays as it was.
  [[nodiscard]] const Result<void>& open();
  // After open().
  [[nodiscard]] const UniqueFd& library() const { return library_; }
  // For runs that are as `run`; its inputs are not looked at. After open().
  [[nodiscard]] Result<std::unique_ptr<InterpreterTemplate>> make(const Plan& run);

 private:
  Result<void> open_files();

  Supervisor& supervisor_;
  jail::JailEngine& engine_;
  UniqueFd library_;
  UniqueFd init_;
  std::optional<Result<void>> opened_;
};

}  // namespace sandpit
