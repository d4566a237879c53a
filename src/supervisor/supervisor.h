// One epoll loop that watches any number of jails: their ends, output, input, time and memory.
// Single-threaded; used by the launcher (many runs) and by the command line (one). Who killed a run
// is never guessed: each reason is noted when it is acted on.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/jail.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"

namespace sandpit {

class SupervisedRun;

// Hears of one run. Called from the loop; must not block.
class RunObserver {
 public:
  enum class Verdict : std::uint8_t {
    kTaken,
    kFull,  // taken, but send no more of this stream until Supervisor::resume
    kGone,  // nobody reads this stream any more: the program shall get SIGPIPE
  };
  RunObserver() = default;
  RunObserver(const RunObserver&) = delete;
  RunObserver& operator=(const RunObserver&) = delete;
  virtual ~RunObserver() = default;
  virtual Verdict on_output(OutputStream stream, std::string_view bytes) = 0;
  // The last call. `volume` is the private volume's directory (O_PATH; "work" is the work
  // directory), invalid when there was none. The output of the Outcome is empty: it went through
  // on_output, the tail at the end included.
  virtual void on_finished(Outcome outcome, UniqueFd volume) = 0;
};

// Where the program's standard input comes from.
struct RunInput {
  UniqueFd direct;  // the read end that the program gets as it is (the library's own pipe)
  UniqueFd pumped;  // else: read here and written into a pipe of ours; invalid: end of file at once
};

enum class KillReason : std::uint8_t { kNone, kWallTime, kCpuTime, kMemory, kCancelled };

class Supervisor {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Supervisor>> create();
  ~Supervisor();

  // Starts a run. On error nothing was started and the observer is not called.
  [[nodiscard]] Result<SupervisedRun*> start(jail::JailEngine& engine, Plan plan,
                                             std::vector<UniqueFd> inputs, RunInput input,
                                             RunObserver& observer);
  // The same, forked from a template.
  [[nodiscard]] Result<SupervisedRun*> fork(jail::JailEngine& engine, jail::TemplateLink& from,
                                            Plan plan, std::vector<UniqueFd> inputs, RunInput input,
                                            RunObserver& observer);
  // The same, in a jail that was forked ahead. Falls back to `from`, and to a cold start.
  [[nodiscard]] Result<SupervisedRun*> begin(jail::JailEngine& engine, jail::Jail waiting,
                                             jail::TemplateLink& from, Plan plan,
                                             std::vector<UniqueFd> inputs, RunInput input,
                                             RunObserver& observer);
  // A run that was started as the Plan of a process that waits for one (once_plan()), and has said
  // over `control`, its socket's other end, that it does. From here on it is the run of this plan
  // and this observer, and its time and CPU time count from here. On error it is of no use any
  // more, nothing of `plan` and `input` is taken, and the observer stays what it was.
  [[nodiscard]] Result<void> hand_over(SupervisedRun& waiting, const jail::JailEngine& engine,
                                       UniqueFd& control, Plan& plan,
                                       const std::vector<UniqueFd>& inputs, RunInput& input,
                                       RunObserver& observer);
  // Ends a jail that was forked ahead and is not needed; its cell is free when nothing of it lives.
  void discard(jail::Jail waiting, Plan plan);
  void cancel(SupervisedRun& run, std::string_view message);
  void resume(SupervisedRun& run, OutputStream stream);
  // From now on the run may use so much CPU time, counted from its start. Never lowers it.
  void grant_cpu(SupervisedRun& run, Milliseconds total);

  // Other descriptors in the same loop (sockets of the launcher, a signalfd). The callback may
  // forget its own descriptor.
  using Callback = std::function<void(std::uint32_t events)>;
  [[nodiscard]] Result<void> watch(int fd, std::uint32_t events, Callback callback);
  // Other events from now on; none: not even the hang-up, which epoll reports unasked, until the
  // next call.
  [[nodiscard]] Result<void> rewatch(int fd, std::uint32_t events);
  void forget(int fd);

  // init of its jail, as this process's /proc numbers it.
  [[nodiscard]] static pid_t pid_of(const SupervisedRun& run);

  // Kills one run, without telling its observer: drop() waits for its end, abandon() lets the loop
  // go on meanwhile.
  void drop(SupervisedRun& run);
  static void abandon(SupervisedRun& run);
  // Kills what runs, without telling the observers.
  void drop_runs();
  [[nodiscard]] bool idle() const { return runs_.empty(); }
  // Waits for the next events or deadline and handles them.
  [[nodiscard]] Result<void> step();

 private:
  friend class SupervisedRun;
  explicit Supervisor(UniqueFd epoll);
  [[nodiscard]] int timeout_ms() const;
  Result<SupervisedRun*> add(Result<std::unique_ptr<SupervisedRun>> run);

  UniqueFd epoll_;
  struct Watch {
    Callback callback;
    std::uint64_t serial = 0;
    bool registered = true;
  };
  // Events of one epoll_wait may concern a descriptor that an earlier one of them has closed and
  // another has reused: the serial tells.
  std::uint64_t serial_ = 0;
  std::unordered_map<int, Watch> watches_;
  std::vector<std::unique_ptr<SupervisedRun>> runs_;
};

}  // namespace sandpit
