#include "learn/learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "learn/need.h"
#include "learn/profile_text.h"
#include "learn/rules.h"
#include "policy/inside_path.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sys/host_file.h"

namespace sandpit::learn {
namespace {

// A program that names a million files gets so many of them, and the rest as a number.
constexpr std::size_t kMostNeeds = 128;
// More files of one directory than this are granted as the directory.
constexpr std::size_t kMostSiblings = 16;
constexpr std::size_t kMostHopeless = 64;

bool passes(const Outcome& outcome) {
  return outcome.status == Status::kExited && outcome.exit_code == 0;
}

// Nothing ran: more grants would not mend it.
std::optional<Error> broken(const Outcome& outcome) {
  if (outcome.status == Status::kSandboxError || outcome.status == Status::kRefused ||
      outcome.status == Status::kCompileFailed) {
    return Error{
        .code = ErrorCode::kRefused,
        .message = outcome.message.empty() ? "the program could not be run" : outcome.message};
  }
  return std::nullopt;
}

// What the program said, where it says the same each time.
struct Same {
  bool compares = false;
  std::string output;

  [[nodiscard]] bool as(const Outcome& outcome) const {
    return passes(outcome) && (!compares || outcome.stdout_text == output);
  }
};

// A configuration takes no CPU limit above the time limit, and no disk above the memory.
void keep_above(std::vector<Need>& needs, std::string_view upper, std::string_view lower) {
  const auto granted = [&](std::string_view key) {
    return std::ranges::find_if(needs, [&](const Need& need) {
      return need.kind == NeedKind::kLimit && need.state == State::kGranted && need.name == key;
    });
  };
  const auto above = granted(upper);
  const auto below = granted(lower);
  if (above != needs.end() && below != needs.end()) {
    above->value = std::max(above->value, below->value);
  }
}

class Learning {
 public:
  explicit Learning(const Learner& learner) : learner_(learner) {
    profile_.name = learner.name;
    profile_.inherits = learner.inherits;
    profile_.program = learner.program;
  }

  Result<Learned> finish();

 private:
  Result<Ran> run(Watch watch);
  Result<void> loosen();
  bool look_by_name(Observed& observed);
  bool settle_ports();
  bool settle_loopback();
  bool guess_loopback();
  bool take(Observed observed);
  [[nodiscard]] std::string why_not_granted(const Need& need) const;
  void refuse_what_could_be_replaced();
  bool refuse_what_was_replaced();
  void widen();
  void fit(const Outcome& outcome);
  Result<void> tighten();
  [[nodiscard]] bool may_run(unsigned more) const {
    return learned_.runs + more <= learner_.most_runs;
  }

  const Learner& learner_;
  ProfileText profile_;
  Learned learned_;
  bool guessed_ = false;          // that a loopback would help
  std::optional<Need> loopback_;  // wanted by the first run, whose wish may have been another
};

bool is_path(const Need& need) {
  return need.kind == NeedKind::kRead || need.kind == NeedKind::kWrite;
}

// By a run before this one, where the profile below ours lets it write, or by somebody else.
bool Learning::refuse_what_was_replaced() {
  bool refused = false;
  for (Need& need : profile_.needs) {
    if (!is_path(need) || need.state != State::kGranted) continue;
    const auto file = sys::find_host_file(need.grant.host);
    if (file && file->path == need.grant.host) continue;
    need.state = State::kRefused;
    need.why = "it was replaced, or removed, meanwhile";
    refused = true;
  }
  return refused;
}

Result<Ran> Learning::run(Watch watch) {
  ++learned_.runs;
  (void)refuse_what_was_replaced();
  SP_TRY(Ran ran, learner_.run(to_toml(profile_), watch));
  if (auto error = broken(ran.outcome)) return fail(std::move(*error));
  return ran;
}

// A grant is of a path of the host, looked up for each run. Below a directory that the program
// writes to it could lead to any file by then: it may replace it by a link.
bool could_replace(const Need& writes, const Need& need) {
  return is_path(need) && writes.kind == NeedKind::kWrite && writes.state == State::kGranted &&
         writes.grant.host != need.grant.host && is_within(need.grant.host, writes.grant.host) &&
         !is_within(need.name, writes.name);
}

constexpr const char* kReplaceable =
    "it lies below what the program may write, by another name: it could become a link";

std::string Learning::why_not_granted(const Need& need) const {
  std::string why = why_refused(need, learner_.rules);
  const bool replaceable = std::ranges::any_of(
      profile_.needs, [&](const Need& writes) { return could_replace(writes, need); });
  return why.empty() && replaceable ? kReplaceable : why;
}

void Learning::refuse_what_could_be_replaced() {
  for (Need& need : profile_.needs) {
    if (need.state != State::kGranted) continue;
    if (std::ranges::any_of(profile_.needs,
                            [&](const Need& writes) { return could_replace(writes, need); })) {
      need.state = State::kRefused;
      need.why = kReplaceable;
    }
  }
}

// True when something was granted that was not before.
bool Learning::take(Observed observed) {
  bool changed = false;
  for (Need& need : observed.needs) {
    if (is_path(need)) {
      // As it is now: a link that leads elsewhere tomorrow changes nothing.
      const auto file = sys::find_host_file(need.grant.host);
      need.grant.host = file ? file->path : std::string();
    }
    need.why = why_not_granted(need);
    if (!need.why.empty()) need.state = State::kRefused;
    if (need.kind == NeedKind::kHost && need.state == State::kGranted) {
      need.any_port = need.name.contains(':');
    }
    if (profile_.needs.size() >= kMostNeeds) widen();
    if (profile_.needs.size() >= kMostNeeds) break;
    changed = merge(std::move(need), profile_.needs) || changed;
  }
  widen();
  refuse_what_could_be_replaced();
  for (std::string& what : observed.hopeless) {
    auto& list = profile_.hopeless;
    if (list.size() < kMostHopeless && std::ranges::find(list, what) == list.end()) {
      list.push_back(std::move(what));
    }
  }
  return changed;
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

void Learning::widen() {
  std::map<std::string, std::size_t> siblings;
  for (const Need& need : profile_.needs) {
    if (need.kind != NeedKind::kRead || need.state != State::kGranted) continue;
    // Another name inside (a link, a place in the working directory) is one of that file only.
    if (need.grant.host == need.grant.inside) ++siblings[parent_of(need.grant.host)];
  }
  std::vector<Need> wider;
  for (const auto& [directory, files] : siblings) {
    if (files <= kMostSiblings || !why_not_mountable(directory, {}).empty()) continue;
    Need need{.kind = NeedKind::kRead,
              .name = directory,
              .grant = {.host = directory, .inside = directory},
              .asked = fmt::format("read, {} files of it", files),
              .count = 1,
              .why = {}};
    if (why_not_granted(need).empty()) wider.push_back(std::move(need));
  }
  for (Need& need : wider) (void)merge(std::move(need), profile_.needs);
}

// Hosts that were granted without a port: those whose ports are known now go, the others keep any.
// True when a profile has to be tried again.
bool Learning::settle_ports() {
  bool opened = false;
  std::vector<Need>& needs = profile_.needs;
  for (std::size_t i = needs.size(); i-- > 0;) {
    if (needs[i].kind != NeedKind::kHost || needs[i].any_port) continue;
    const std::string begin = needs[i].name + ":";
    const bool known = std::ranges::any_of(needs, [&](const Need& need) {
      return need.kind == NeedKind::kHost && need.name.starts_with(begin);
    });
    if (known) {
      needs.erase(needs.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      needs[i].any_port = true;
      opened = true;
    }
  }
  return opened;
}

// A program that wanted a network, and no host of it.
bool Learning::settle_loopback() {
  const bool others = std::ranges::any_of(profile_.needs, [](const Need& need) {
    return need.kind == NeedKind::kHost || need.kind == NeedKind::kLoopback;
  });
  if (!loopback_ || others) return false;
  return merge(*std::exchange(loopback_, std::nullopt), profile_.needs);
}

// Nothing tells of a program that only listens where Landlock knows no TCP. One that fails
// otherwise is tried with a loopback once; it goes again when that did not help.
bool Learning::guess_loopback() {
  const bool has = std::ranges::any_of(profile_.needs, [](const Need& need) {
    return need.state == State::kGranted &&
           (need.kind == NeedKind::kHost || need.kind == NeedKind::kLoopback);
  });
  if (guessed_ || has || profile_.observe_network || !learner_.rules.unasked) return false;
  guessed_ = true;
  return merge({.kind = NeedKind::kLoopback,
                .name = "loopback",
                .grant = {},
                .asked = "it fails without: to listen there, it seems",
                .count = 1,
                .why = {}},
               profile_.needs);
}

// Names that a program looks up are told by the proxy of a list only, and the first run has none.
bool Learning::look_by_name(Observed& observed) {
  if (!observed.wants_network || profile_.observe_network) return false;
  profile_.observe_network = true;
  for (const Need& need : observed.needs) {
    if (need.kind == NeedKind::kLoopback) loopback_ = need;
  }
  std::erase_if(observed.needs, [](const Need& need) {
    return need.kind == NeedKind::kHost || need.kind == NeedKind::kLoopback;
  });
  return true;
}

Result<void> Learning::loosen() {
  for (bool changed = true; changed && may_run(2);) {
    SP_TRY(const Ran ran, run(Watch::kYes));
    learned_.last = ran.outcome;
    Observed observed = observe(ran.outcome, ran.limits);
    changed = look_by_name(observed);
    changed = take(std::move(observed)) || changed;
    if (!changed) changed = settle_ports() || settle_loopback();
    if (!changed && !passes(ran.outcome)) changed = guess_loopback();
    if (!changed && passes(ran.outcome)) fit(ran.outcome);
  }
  if (guessed_ && !passes(learned_.last)) {
    std::erase_if(profile_.needs,
                  [](const Need& need) { return need.kind == NeedKind::kLoopback; });
  }
  (void)settle_ports();
  profile_.observe_network = false;
  return {};
}

void Learning::fit(const Outcome& outcome) {
  for (Need& need : profile_.needs) {
    if (need.kind == NeedKind::kLimit && need.state == State::kGranted) {
      need.value = fitted(need, outcome);
    }
  }
  keep_above(profile_.needs, "timeout_s", "cpu_time_limit_s");
  keep_above(profile_.needs, "memory_limit_mb", "max_disk_mb");
}

Result<void> Learning::tighten() {
  const bool any = std::ranges::any_of(
      profile_.needs, [](const Need& need) { return need.state == State::kGranted; });
  if (!any) return {};
  if (!may_run(2)) {
    for (Need& need : profile_.needs) need.untried = need.state == State::kGranted;
    return {};
  }
  Same same{.compares = true, .output = learned_.last.stdout_text};
  SP_TRY(const Ran again, run(Watch::kNo));
  same.compares = again.outcome.stdout_text == same.output;
  // The largest grants first.
  for (std::size_t i = profile_.needs.size(); i-- > 0;) {
    Need& need = profile_.needs[i];
    if (need.state != State::kGranted) continue;
    if (!may_run(2)) {
      need.untried = true;
      continue;
    }
    need.state = State::kUnneeded;
    SP_TRY(const Ran without, run(Watch::kNo));
    if (!same.as(without.outcome)) need.state = State::kGranted;
  }
  return {};
}

Result<Learned> Learning::finish() {
  SP_TRY_VOID(loosen());
  const bool passed = passes(learned_.last);
  if (passed) SP_TRY_VOID(tighten());
  // As it will be enforced.
  SP_TRY(Ran last, run(Watch::kNo));
  learned_.passes = passes(last.outcome);
  learned_.last = std::move(last.outcome);
  if (refuse_what_was_replaced()) learned_.passes = false;
  for (const Need& need : profile_.needs) {
    if (need.state == State::kGranted) ++learned_.granted;
    if (need.state == State::kRefused) ++learned_.refused;
  }
  profile_.verdict =
      learned_.passes
          ? fmt::format("The program passed with it, the last of {} runs.", learned_.runs)
          : fmt::format("THE PROGRAM DOES NOT PASS WITH IT, after {} runs.", learned_.runs);
  learned_.toml = to_toml(profile_);
  return std::move(learned_);
}

}  // namespace

Result<Learned> learn(const Learner& learner) { return Learning(learner).finish(); }

}  // namespace sandpit::learn
