// A program's standard input, on its way from what the caller gave into the program's pipe.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "supervisor/supervisor.h"

namespace sandpit {

class InputPump {
 public:
  // `source` may block, and is read once each time it is readable; `sink` is made non-blocking.
  // Ends by itself, and closes both, when the source is at its end or nobody reads any more.
  [[nodiscard]] static Result<std::unique_ptr<InputPump>> start(Supervisor& supervisor,
                                                                UniqueFd source, UniqueFd sink);
  InputPump(const InputPump&) = delete;
  InputPump& operator=(const InputPump&) = delete;
  ~InputPump() { stop(); }

 private:
  InputPump(Supervisor& supervisor, UniqueFd source, UniqueFd sink);
  Result<void> watch();
  void pump();
  void stop();

  Supervisor& supervisor_;
  UniqueFd source_;
  UniqueFd sink_;
  bool source_watched_ = false;
  std::string rest_;  // was read, and the sink had no room for it
};

}  // namespace sandpit
