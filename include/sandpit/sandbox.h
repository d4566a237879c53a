// The library's front door. Public.
//
//   auto sandbox = Sandbox::create(Config::defaults());
//   auto outcome = sandbox->run({.source = SourceFile{"hello.py"}});
//
// Safe from several threads at once. A launcher process of ours does the cloning, so the host
// program's size, threads, signal masks and SIGCHLD handling don't matter; when the host dies, by
// any means, everything is killed and removed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/export.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"

namespace sandpit {

enum class OutputStream : std::uint8_t { kStdout, kStderr };

// Called from a thread of the library's, one call at a time per run, with the bytes as they come
// (cut at the output limit).
using OutputCallback = std::function<void(OutputStream, std::string_view)>;

// A run in progress. Destroying it cancels the run and waits for its end.
class SANDPIT_API Run {
 public:
  Run(Run&&) noexcept;
  Run& operator=(Run&&) noexcept;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run();

  // Only for Request::input = StdinStream{}. Blocks while the program does not read; error
  // kCancelled when it has ended.
  [[nodiscard]] Result<void> write_stdin(std::string_view bytes);
  void close_stdin();
  // Kills the whole tree. The Outcome then says kSignaled with SIGKILL and the message "cancelled".
  void cancel();
  // Until the end; at most once.
  [[nodiscard]] Result<Outcome> wait();

 private:
  friend class Sandbox;
  struct Impl;
  explicit Run(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Interpreters that have started, each in a jail, and wait to be forked: templates. One serves runs
// of the same shape: the same runtime and preloads, and the same of everything that a fork can't
// change (interpreter, environment, mounts, memory limit).
struct TemplateOptions {
  unsigned least = 0;  // of each shape that has been asked for; kept however idle
  unsigned most = 0;   // of each shape; 0: one for each processor
  // Runs of each template that are forked before they are asked for, for requests that differ in
  // nothing but their source, files, arguments and standard input. 0: none.
  unsigned waiting = 1;
  Milliseconds idle{300'000};  // a shape that nobody has asked for so long keeps only `least`
  ByteCount memory;  // of all together (proportional set size); 0: no ceiling. Above it those go
                     // whose shape was not asked for the longest
  // Then one is replaced: its runs have hash seeds and address layout in common.
  std::uint64_t runs = 20'000;
  Milliseconds life{1'800'000};
};

// Warm workers, for WebAssembly: see Request::trust_domain. And templates, for interpreters.
struct WarmOptions {
  bool enabled = true;
  unsigned workers = 0;  // at once, for each domain and policy; 0: one for each processor
  std::uint64_t runs_per_worker = 10'000;  // then it is replaced
  TemplateOptions templates;
};

// What became of one shape of templates since it was first asked for.
struct TemplateCounts {
  std::string runtime;
  std::vector<std::string> preload;
  unsigned ready = 0;
  unsigned starting = 0;
  unsigned waiting = 0;       // runs that were forked ahead
  std::uint64_t hits = 0;     // runs that were forked
  std::uint64_t waited = 0;   // of those: that were there already
  std::uint64_t misses = 0;   // runs that started cold, since none was ready
  std::uint64_t made = 0;     // templates
  std::uint64_t failed = 0;   // of those: did not come up
  std::uint64_t crashed = 0;  // ended by themselves after they had
  Milliseconds oldest{0};     // age of the oldest one that is there
  ByteCount memory;           // proportional set size of those that are there, at the last look
  std::string failure;        // why the last one did not come up
};

struct SandboxOptions {
  std::string
      launcher;  // path of the launcher; empty: found beside the library, then the install prefix
  std::vector<std::string> runtime_directories;  // empty: the installed one, /etc/sandpit/runtimes,
                                                 // ~/.config/sandpit/runtimes
  WarmOptions warm;
};

class SANDPIT_API Sandbox {
 public:
  // Starts the launcher. kSandbox when it can't be started, kUsage for a bad configuration.
  [[nodiscard]] static Result<Sandbox> create(Config config, const SandboxOptions& options = {});
  Sandbox(Sandbox&&) noexcept;
  Sandbox& operator=(Sandbox&&) noexcept;
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  ~Sandbox();

  // Runs to the end. An Outcome is returned for everything that happened to a program, including a
  // jail that could not be built (kSandboxError); an Error for a request that could not be run at
  // all.
  [[nodiscard]] Result<Outcome> run(const Request& request) const;
  // Starts it; output goes to `callback` as it comes (and into the Outcome as well, up to the
  // output limit).
  [[nodiscard]] Result<Run> start(const Request& request, OutputCallback callback = {}) const;

  // Of all shapes that are known now, in the order of their first use.
  [[nodiscard]] Result<std::vector<TemplateCounts>> template_counts() const;

  [[nodiscard]] RuntimeRegistry& runtimes();
  [[nodiscard]] const Config& config() const;

 private:
  struct Impl;
  explicit Sandbox(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sandpit
