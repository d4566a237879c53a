#include "attest/attempt.h"

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "attest/judge.h"
#include "attest/scene.h"
#include "base/own_path.h"
#include "base/result.h"
#include "codec/attack_json.h"
#include "codec/attest_json.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/sandbox.h"
#include "sandpit/units.h"

namespace sandpit::attest {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr Milliseconds kWallTime{120'000};
constexpr Milliseconds kCpuTime{15'000};
constexpr milliseconds kPatience{60'000};

std::string file_of(const Attack& attack) {
  const bool compiled = attack.program.ends_with(".c");
  return attack.program.substr(0, attack.program.size() - (compiled ? 2 : 0));
}

Result<Request> request_for(const Attack& attack, const std::string& directory, Scene& scene) {
  Request request{.source = SourceFile{.path = directory + "/" + file_of(attack)}};
  for (const std::string& word : attack.args) request.args.push_back(scene.filled_in(word));
  request.input = StdinEmpty{};
  request.limits = attack.limits;
  // Where the row does not say: enough for an attempt, whatever the profile has.
  if (!request.limits.wall_time) request.limits.wall_time = kWallTime;
  if (!request.limits.cpu_time) request.limits.cpu_time = kCpuTime;
  if (attack.loopback) request.network = NetworkMode::kLoopback;
  request.lint = LintLevel::kOff;  // the jail is what is looked at
  request.cold = true;
  for (const auto& [inside, access] : {std::pair(attack.read_grant, Access::kRead),
                                       std::pair(attack.write_grant, Access::kReadWrite)}) {
    if (inside.empty()) continue;
    SP_TRY(std::string host, scene.new_grant());
    request.paths.push_back({.host = std::move(host), .inside = inside, .access = access});
  }
  return request;
}

// A run that is at work while another is looked at.
class Neighbour {
 public:
  // Until it has said something. Error when it ends without a word.
  Result<void> start(const Sandbox& sandbox, Request request, const Attack& attack,
                     const Scene& scene) {
    request.args.clear();
    for (const std::string& word : attack.beside) request.args.push_back(scene.filled_in(word));
    request.input = StdinStream{};
    SP_TRY(run_, sandbox.start(request, [this](OutputStream, std::string_view) {
      const std::scoped_lock lock(mutex_);
      spoke_ = true;
      changed_.notify_all();
    }));
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kPatience, [this] { return spoke_; })) return {};
    return fail({.code = ErrorCode::kSystem, .message = "the first run says nothing"});
  }
  void end() {
    if (!run_) return;
    run_->close_stdin();
    (void)run_->wait();
    run_.reset();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool spoke_ = false;
  std::optional<Run> run_;  // last: its thread uses the others
};

// Is there a process of the host with this argument? What was killed takes a moment to be gone.
bool is_left(const std::string& argument) {
  constexpr int kLooks = 50;
  constexpr milliseconds kPause{50};
  for (int look = 0; look < kLooks; ++look) {
    if (look > 0) std::this_thread::sleep_for(kPause);
    bool found = false;
    std::error_code error;
    for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
      std::ostringstream text;
      text << std::ifstream(it->path() / "cmdline", std::ios::binary).rdbuf();
      found = found || text.str().find(argument) != std::string::npos;
    }
    if (!found) return false;
  }
  return true;
}

}  // namespace

Result<std::string> attacks_directory() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): we never call setenv once there are threads
  if (const char* named = std::getenv("SANDPIT_ATTACKS_DIR")) return std::string(named);
  std::string found = find_own_directory("attest");
  if (!found.empty()) return found;
  return fail({.code = ErrorCode::kSystem,
               .message = "the attack programs are not installed",
               .where = {},
               .hint = "make install puts them into libexec/sandpit/attest"});
}

AttestedAttack attempt(const Attack& attack, const std::string& directory, const Sandbox& sandbox,
                       Scene& scene) {
  AttestedAttack attested{.name = attack.name,
                          .category = attack.category,
                          .attempts = attack.attempts,
                          .program = attack.program,
                          .result = "skipped"};
  if (::access((directory + "/" + file_of(attack)).c_str(), R_OK) != 0) {
    attested.how = attack.program + " was not built";
    return attested;
  }
  Neighbour neighbour;
  const Result<Outcome> outcome = [&]() -> Result<Outcome> {
    SP_TRY(Request request, request_for(attack, directory, scene));
    if (!attack.beside.empty()) SP_TRY_VOID(neighbour.start(sandbox, request, attack, scene));
    return sandbox.run(request);
  }();
  neighbour.end();
  if (!outcome) {
    const bool refused =
        outcome.error().code != ErrorCode::kSandbox && outcome.error().code != ErrorCode::kSystem;
    attested.result = refused ? "skipped" : "unclear";
    attested.how = outcome.error().to_string();
    return attested;
  }
  std::string harm = scene.harm();
  for (const std::string& word : attack.args) {
    constexpr std::string_view kLeaves = "{leaf}-left";
    if (harm.empty() && word == kLeaves && is_left(scene.filled_in(word)))
      harm = "a process of it is left";
  }
  Judgement judgement = judge(attack, *outcome, harm);
  attested.result = std::move(judgement.result);
  attested.how = std::move(judgement.how);
  attested.denials = outcome->denials;
  attested.time = outcome->wall_time;
  return attested;
}

}  // namespace sandpit::attest
