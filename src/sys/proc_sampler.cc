#include "sys/proc_sampler.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/units.h"
#include "sys/cgroup_file.h"
#include "sys/cgroup_names.h"

namespace sandpit::sys {
namespace {

// A tree that is larger than this is a fork bomb that outgrew its task limit; the supervisor acts
// on `tasks` long before.
constexpr std::size_t kMostProcesses = 20'000;

struct Stat {
  std::uint64_t user = 0;  // clock ticks
  std::uint64_t system = 0;
  std::uint64_t threads = 0;
  std::uint64_t own = 0;    // without the children's
  std::uint64_t start = 0;  // with the pid: which process this is
};

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view read_into(int dir, const char* name, std::array<char, 4096>& buffer) {
  const UniqueFd fd(::openat(dir, name, O_RDONLY | O_CLOEXEC));
  const ssize_t got = fd.valid() ? ::read(fd.get(), buffer.data(), buffer.size()) : -1;
  return got > 0 ? std::string_view(buffer.data(), static_cast<std::size_t>(got))
                 : std::string_view{};
}

std::optional<Stat> read_stat(int process) {
  std::array<char, 4096> buffer{};
  std::string_view text = read_into(process, "stat", buffer);
  // The name is in parentheses and may itself hold spaces and parentheses: fields are counted from
  // the last ')'.
  const auto close = text.rfind(')');
  if (close == std::string_view::npos) return std::nullopt;
  text.remove_prefix(std::min(close + 2, text.size()));
  std::array<std::string_view, 20> fields{};  // proc(5): 3 (state) to 22 (starttime)
  for (std::string_view& field : fields) {
    const auto space = text.find(' ');
    field = text.substr(0, space);
    if (space == std::string_view::npos) break;
    text.remove_prefix(space + 1);
  }
  // utime, stime: threads that have ended included; cutime, cstime: children waited for, and
  // theirs.
  return Stat{.user = number(fields[11]) + number(fields[13]),
              .system = number(fields[12]) + number(fields[14]),
              .threads = number(fields[17]),
              .own = number(fields[11]) + number(fields[12]),
              .start = number(fields[19])};
}

void add_memory(int process, TreeSample& sample) {
  std::array<char, 4096> buffer{};
  const std::string_view rollup = read_into(process, "smaps_rollup", buffer);
  if (const auto at = rollup.find("\nPss:"); at != std::string_view::npos) {
    std::string_view value = rollup.substr(at + 5);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    sample.memory = ByteCount::bytes(sample.memory.count() + (number(value) << 10U));
    return;
  }
  // Empty for zombies and kernel threads; refused when ptrace access is (the program's own setuid
  // or dumpable state).
  const std::string_view statm = read_into(process, "statm", buffer);
  const auto field = [&](std::string_view text, unsigned index) {
    for (; index > 0; --index) {
      const auto space = text.find(' ');
      if (space == std::string_view::npos) return std::uint64_t{0};
      text.remove_prefix(space + 1);
    }
    return number(text);
  };
  const std::uint64_t resident = field(statm, 1);
  const std::uint64_t shared = field(statm, 2);
  if (resident <= shared) return;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  sample.memory = ByteCount::bytes(sample.memory.count() + (resident - shared) * page);
  sample.memory_is_estimate = true;
}

void append_children(int process, const char* path, std::vector<pid_t>& pids) {
  const auto text = read_at(process, path);
  if (!text) return;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto space = rest.find(' ');
    if (const std::uint64_t pid = number(rest); pid != 0) pids.push_back(static_cast<pid_t>(pid));
    if (space == std::string_view::npos) return;
    rest.remove_prefix(space + 1);
  }
}

// Each thread has its own list of children. The common single-threaded process is spared the
// reading of a directory.
void append_all_children(pid_t pid, int process, std::uint64_t threads, std::vector<pid_t>& pids) {
  if (threads <= 1) {
    append_children(process, fmt::format("task/{}/children", pid).c_str(), pids);
    return;
  }
  const UniqueFd tasks(::openat(process, "task", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!tasks.valid()) return;
  const auto names = directory_names(tasks.get());
  if (!names) return;
  for (const std::string& name : *names) {
    append_children(tasks.get(), (name + "/children").c_str(), pids);
  }
}

Microseconds from_ticks(std::uint64_t ticks) {
  const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return Microseconds(ticks * 1'000'000 / per_second);
}

}  // namespace

Result<TreeSample> sample_tree(pid_t root, const UniqueFd& proc_dir) {
  return sample_tree(root, proc_dir, nullptr);
}

Result<TreeSample> sample_tree(pid_t root, const UniqueFd& proc_dir, OwnTimes* own_times) {
  TreeSample sample;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::vector<pid_t> pids;
  pids.reserve(64);
  pids.push_back(root);
  for (std::size_t next = 0; next < pids.size() && next < kMostProcesses; ++next) {
    const pid_t pid = pids[next];
    std::array<char, 16> name{};
    *std::to_chars(name.data(), name.data() + name.size() - 1, pid).ptr = '\0';
    const UniqueFd process(::openat(proc_dir.get(), name.data(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto stat = process.valid() ? read_stat(process.get()) : std::nullopt;
    if (!stat) {
      if (pid == root) return fail(errno_error(fmt::format("process {}", root), ESRCH));
      continue;
    }
    if (own_times != nullptr) (*own_times)[{pid, stat->start}] = stat->own;
    user += stat->user;
    system += stat->system;
    sample.tasks += static_cast<std::uint32_t>(stat->threads);
    add_memory(process.get(), sample);
    append_all_children(pid, process.get(), stat->threads, pids);
  }
  sample.user = from_ticks(user);
  sample.system = from_ticks(system);
  return sample;
}

Result<TreeSample> TreeSampler::sample() {
  OwnTimes living;
  SP_TRY(const TreeSample now, sample_tree(root_, *proc_dir_, &living));
  for (const auto& [process, ticks] : living) own_times_[process] = ticks;
  highest_.user = std::max(highest_.user, now.user);
  highest_.system = std::max(highest_.system, now.system);
  highest_.memory = std::max(highest_.memory, now.memory);
  highest_.memory_is_estimate = highest_.memory_is_estimate || now.memory_is_estimate;
  highest_.tasks = now.tasks;
  // A program that starts processes for hours must not grow the map for ever.
  constexpr std::size_t kMostRemembered = 50'000;
  if (own_times_.size() > kMostRemembered) {
    std::erase_if(own_times_, [&](const auto& entry) {
      if (living.contains(entry.first)) return false;
      forgotten_ += entry.second;
      return true;
    });
  }
  std::uint64_t own = forgotten_;
  for (const auto& [process, ticks] : own_times_) own += ticks;
  highest_.seen = std::max(highest_.seen, from_ticks(own));
  return highest_;
}

}  // namespace sandpit::sys
