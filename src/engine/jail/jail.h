// The jail engine: turns a Plan into a jailed process. Called by the supervisor's side (launcher or
// command line); the process must be single-threaded and small, since the child is made by clone3
// without CLONE_VM.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/cell.h"
#include "engine/jail/channels.h"
#include "engine/jail/child.h"
#include "engine/jail/idmap.h"
#include "engine/jail/pools.h"
#include "engine/jail/slot.h"
#include "engine/jail/template_link.h"
#include "plan/plan.h"
#include "sys/cgroup.h"
#include "sys/host_facts.h"

namespace sandpit::jail {

// A jailed process tree. Destroying it kills the tree, waits for its end and gives its cell back.
class Jail {
 public:
  Jail(Jail&&) noexcept = default;
  Jail& operator=(Jail&&) = delete;
  Jail(const Jail&) = delete;
  Jail& operator=(const Jail&) = delete;
  ~Jail();

  // SIGKILL to init: the kernel takes the whole pid namespace with it (pid_namespaces(7)).
  void kill();
  struct End {
    Microseconds user_time{
        0};  // init's and all that it reaped: a lower bound where there is no cgroup
    Microseconds system_time{0};
    ByteCount largest_process;  // ru_maxrss
    int init_status = -1;       // as from waitpid(2); -1: not known
  };
  // Reaps init. Call when pidfd() is readable; blocks otherwise. Nothing to reap, and nothing told,
  // of a forked one.
  End reap();

  // Of a jail that is forked from a template: init is the template's child, and its pidfd comes as
  // a message (MessageKind::kStarted). Until then there is none, and kill() is remembered.
  [[nodiscard]] bool forked() const { return forked_; }
  void adopt(UniqueFd pidfd);
  // It should have come long ago: the template is of no use any more (TemplateLink::stuck).
  void tell_stuck();

  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int socket() const { return socket_.get(); }
  [[nodiscard]] UniqueFd& stdout_pipe() { return stdout_; }
  [[nodiscard]] UniqueFd& stderr_pipe() { return stderr_; }
  [[nodiscard]] sys::Cgroup* cgroup() const { return cell_ ? cell_->cgroup.get() : nullptr; }
  [[nodiscard]] std::chrono::steady_clock::time_point started() const { return started_; }

 private:
  friend class JailEngine;
  Jail() = default;
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd socket_;
  UniqueFd stdout_;
  UniqueFd stderr_;
  CellLease cell_;
  NetworkLease network_;
  bool forked_ = false;
  bool killed_ = false;  // before there was a pidfd
  TemplateNetwork template_network_;
  bool reaped_ = false;
  std::chrono::steady_clock::time_point started_;
};

class SpecBuilder;

class JailEngine {
 public:
  // kOneShot makes everything for one run; kLauncher keeps cells, ready-made trees and network
  // namespaces for the next.
  enum class Mode : std::uint8_t { kOneShot, kLauncher };
  [[nodiscard]] static Result<std::unique_ptr<JailEngine>> create(Mode mode, const HostFacts& facts,
                                                                  const sys::CgroupHost& cgroups);
  ~JailEngine();

  // The nice value of what start() starts, where it is not to be the caller's.
  void set_children_nice(int value) { children_nice_ = value; }

  // Starts the program. `inputs` are the descriptors of plan.inputs, `standard_input` becomes its
  // descriptor 0.
  [[nodiscard]] Result<Jail> start(const Plan& plan, const std::vector<UniqueFd>& inputs,
                                   const UniqueFd& standard_input);
  // The same, in a process forked from a template of the plan's shape (plan/template_plan.h). What
  // goes wrong later comes as a message on the jail's socket.
  [[nodiscard]] Result<Jail> fork(TemplateLink& from, const Plan& plan,
                                  const std::vector<UniqueFd>& inputs,
                                  const UniqueFd& standard_input);
  // In two parts: a jail whose program waits, for at most kLongestWait, and its start. `plan` may
  // have other inputs and another WarmStart::source and args the second time. An error of begin():
  // it has not started, and won't.
  static constexpr std::chrono::minutes kLongestWait{5};
  // That time, or a shorter one of the tests' own: SANDPIT_INJECT_WAIT, in milliseconds.
  [[nodiscard]] std::chrono::milliseconds longest_wait() const { return longest_wait_; }
  static constexpr std::size_t kMostWaitingInputs = 8;
  // Its files are few and small enough for a run that waits behind its limits.
  [[nodiscard]] static bool can_begin(const Plan& plan);
  [[nodiscard]] Result<Jail> fork_ahead(TemplateLink& from, const Plan& plan);
  [[nodiscard]] Result<void> begin(Jail& waiting, const Plan& plan,
                                   const std::vector<UniqueFd>& inputs,
                                   const UniqueFd& standard_input) const;
  // The same of a process that serves one run (plan/template_plan.h, once_plan()): `socket` is what
  // its control socket is to us. may_wait(): the run's own filter and limits let it.
  [[nodiscard]] static bool may_wait(const Plan& plan);
  [[nodiscard]] Result<void> hand_over(const Jail& waiting, int socket, const Plan& plan,
                                       const std::vector<UniqueFd>& inputs,
                                       const UniqueFd& standard_input) const;

 private:
  explicit JailEngine(HostFacts facts) : facts_(std::move(facts)) {}
  // What start() and fork() begin with: a cell for the jail, its ids, and the ends of its channels.
  struct Ends {
    RunIds ids;
    Pipe out;
    Pipe err;
    SocketPair pair;
    int standard_input = -1;
  };
  Result<Ends> open_ends(Jail& jail, const Plan& plan) const;
  // Standard input belongs to the run.
  Result<void> give(const UniqueFd& standard_input, const Jail& jail) const;
  // `standard_input`: null where the run waits for it.
  Result<Jail> fork_run(TemplateLink& from, const Plan& plan, const std::vector<UniqueFd>& inputs,
                        const UniqueFd* standard_input);
  Result<void> send_start(const Jail& waiting, int socket, std::uint64_t cpu_seconds,
                          const Plan& plan, const std::vector<UniqueFd>& inputs,
                          const UniqueFd& standard_input) const;
  // The program's ends into the spec, and in the end the host's into the jail.
  void hand_over(const Ends& ends, ChildSpec& spec) const;
  static void keep(Ends& ends, Jail& jail);
  Result<void> clone(Jail& jail, const Plan& plan, SpecBuilder& builder);
  HostFacts facts_;
  UniqueFd proc_;
  std::unique_ptr<CellPool> cells_;
  std::unique_ptr<TreePool> trees_;
  std::unique_ptr<NetworkPool> networks_;
  std::optional<int> children_nice_;
  int fail_step_ = -1;  // fault injection: SANDPIT_INJECT=STEP:ERRNO, read once
  int fail_call_ = 0;   // SANDPIT_INJECT=#CALL:ERRNO
  int fail_errno_ = 0;
  int fork_fail_step_ = -1;  // the same for forked runs: SANDPIT_INJECT_WARM
  int fork_fail_errno_ = 0;
  std::chrono::milliseconds longest_wait_ = kLongestWait;
};

}  // namespace sandpit::jail
