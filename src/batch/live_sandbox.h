// A Sandbox that outlives its launcher: when that has ended (killed by somebody, out of memory), a
// new one takes its place and what was running is run again, once. Safe from several threads.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/result.h"
#include "sandpit/config.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/sandbox.h"

namespace sandpit::batch {

class LiveSandbox {
 public:
  using Make = std::function<Result<Sandbox>()>;

  // `warn` is told of each replacement, from any thread.
  [[nodiscard]] static Result<std::unique_ptr<LiveSandbox>> create(
      Make make, std::function<void(std::string_view)> warn);

  // As Sandbox::run. Error kCancelled: there is no launcher any more, and no new one can be
  // started.
  [[nodiscard]] Result<Outcome> run(const Request& request);

 private:
  LiveSandbox(Make make, std::function<void(std::string_view)> warn, Sandbox first)
      : make_(std::move(make)),
        warn_(std::move(warn)),
        current_(std::make_shared<const Sandbox>(std::move(first))) {}
  [[nodiscard]] std::shared_ptr<const Sandbox> current();
  // Somebody else may have replaced `broken` already.
  [[nodiscard]] Result<std::shared_ptr<const Sandbox>> replace(
      const std::shared_ptr<const Sandbox>& broken);

  Make make_;
  std::function<void(std::string_view)> warn_;
  std::mutex mutex_;
  std::shared_ptr<const Sandbox> current_;
};

}  // namespace sandpit::batch
