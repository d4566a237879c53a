#include "batch/live_sandbox.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/sandbox.h"

namespace sandpit::batch {

Result<std::unique_ptr<LiveSandbox>> LiveSandbox::create(
    Make make, std::function<void(std::string_view)> warn) {
  SP_TRY(Sandbox first, make());
  return std::unique_ptr<LiveSandbox>(
      new LiveSandbox(std::move(make), std::move(warn), std::move(first)));
}

std::shared_ptr<const Sandbox> LiveSandbox::current() {
  const std::scoped_lock lock(mutex_);
  return current_;
}

Result<std::shared_ptr<const Sandbox>> LiveSandbox::replace(
    const std::shared_ptr<const Sandbox>& broken) {
  const std::scoped_lock lock(mutex_);
  if (current_ != broken) return current_;
  auto made = make_();
  if (!made) {
    Error error =
        with_context(std::move(made).error(), "the launcher ended, and starting it again");
    error.code = ErrorCode::kCancelled;
    return fail(std::move(error));
  }
  current_ = std::make_shared<const Sandbox>(std::move(*made));
  warn_("the launcher ended; a new one was started, and what it ran is run again");
  return current_;
}

Result<Outcome> LiveSandbox::run(const Request& request) {
  std::shared_ptr<const Sandbox> sandbox = current();
  auto outcome = sandbox->run(request);
  if (outcome || outcome.error().code != ErrorCode::kSandbox) return outcome;
  SP_TRY(sandbox, replace(sandbox));
  return sandbox->run(request);
}

}  // namespace sandpit::batch
