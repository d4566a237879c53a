// The library's side of one warm worker: its socket, and the launcher's channel that its jail hangs
// on. Closing the channel ends the worker. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/wasm/job.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "service/launcher_client.h"

namespace sandpit {

class WasmWorker {
 public:
  // Asks the launcher for it; the jail and the engine come up while the first request is on its
  // way. `plan` is of WasmTask::kServe.
  [[nodiscard]] static Result<std::unique_ptr<WasmWorker>> start(LauncherClient& launcher,
                                                                 const Plan& plan);
  // Waits for nothing: the launcher kills what is left.
  ~WasmWorker() = default;
  WasmWorker(const WasmWorker&) = delete;
  WasmWorker& operator=(const WasmWorker&) = delete;

  enum class Answer : std::uint8_t {
    kDone,
    kTimedOut,  // no answer in time: the worker must not be used again
    kGone,      // it died: last_words() says of what
  };
  struct Reply {
    Answer answer = Answer::kGone;
    wasm::ServeResponse response;
    UniqueFd memory;  // of response.in_memory
  };
  [[nodiscard]] Reply ask(const wasm::ServeRequest& request, const std::vector<int>& descriptors,
                          std::chrono::steady_clock::time_point deadline);
  // Nothing waits to be read and the worker is there: what comes next answers the next request.
  [[nodiscard]] bool is_quiet() const;
  // After a run that took so long, by our own clock: grants CPU time for the next ones, of at most
  // `each`, when little is left. The launcher ends a worker that uses more than it was granted.
  void used_cpu(Microseconds wall, Milliseconds each);
  // After kGone: the Outcome of the worker's own jail.
  [[nodiscard]] Outcome last_words();

  [[nodiscard]] bool knows(const std::string& key) const { return known_.contains(key); }
  void learnt(const std::string& key) { known_.insert(key); }
  void forgot(const std::string& key) { known_.erase(key); }
  [[nodiscard]] std::uint64_t runs() const { return runs_; }

 private:
  WasmWorker() = default;
  UniqueFd socket_;
  UniqueFd channel_;
  std::unordered_set<std::string> known_;
  std::string buffer_;
  std::uint64_t runs_ = 0;
  Milliseconds granted_cpu_{0};
  Microseconds used_cpu_{0};
};

}  // namespace sandpit
