#include "engine/jail/idmap.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/slot.h"
#include "sandpit/error.h"
#include "sys/raw.h"

namespace sandpit::jail {
namespace {

Result<void> write_proc(int proc_dir, const std::string& path, const std::string& text) {
  const UniqueFd fd(::openat(proc_dir, path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return fail(errno_error(path, errno));
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail(errno_error(fmt::format("write {}", path), errno));
  }
  return {};
}

// "owner -> run", the others as they are. The run's own id is on no disk (slot.h), so its identity
// line is left out.
std::string exchange(std::uint32_t owner, std::uint32_t run) {
  // The last id is -1, which is no id.
  constexpr std::uint32_t kEnd = std::numeric_limits<std::uint32_t>::max();
  const std::uint32_t low = owner < run ? owner : run;
  const std::uint32_t high = owner < run ? run : owner;
  std::string text;
  const auto identity = [&text](std::uint32_t first, std::uint32_t end) {
    if (first < end) text += fmt::format("{} {} {}\n", first, first, end - first);
  };
  identity(0, low);
  text += fmt::format("{} {} 1\n", owner, run);
  identity(low + 1, high);
  identity(high + 1, kEnd);
  return text;
}

std::string map_text(std::uint32_t inside, std::uint32_t host, bool others) {
  std::string text = fmt::format("{} {} 1\n", inside, host);
  if (!others) return text;
  // Extents may not overlap: the namespace's own slot is left out.
  const std::uint32_t own = host - kFirstHostId;
  if (own > 0) text += fmt::format("{} {} {}\n", kFirstOtherId, kFirstHostId, own);
  if (own + 1 < kSlotCount) {
    text += fmt::format("{} {} {}\n", kFirstOtherId + own + 1, host + 1, kSlotCount - own - 1);
  }
  return text;
}

}  // namespace

std::uint32_t outside_id(std::uint32_t host_id, std::uint32_t inside_id, bool is_root) {
  return is_root ? kFirstOtherId + (host_id - kFirstHostId) : inside_id;
}

Result<void> write_id_maps(int proc_dir, pid_t pid, const RunIds& ids, Setgroups setgroups) {
  if (setgroups == Setgroups::kDeny) {
    SP_TRY_VOID(write_proc(proc_dir, fmt::format("{}/setgroups", pid), "deny"));
  }
  SP_TRY_VOID(write_proc(proc_dir, fmt::format("{}/uid_map", pid),
                         map_text(ids.inside_uid, ids.host_uid, ids.others)));
  return write_proc(proc_dir, fmt::format("{}/gid_map", pid),
                    map_text(ids.inside_gid, ids.host_gid, ids.others));
}

Result<UniqueFd> owner_map(int proc_dir, uid_t owner_uid, gid_t owner_gid, const RunIds& ids) {
  int pidfd_number = -1;
  clone_args args{};
  args.flags = CLONE_NEWUSER | CLONE_PIDFD;
  args.pidfd =
      reinterpret_cast<std::uintptr_t>(&pidfd_number);  // NOLINT(*-reinterpret-cast): clone(2)
  const pid_t pid = sys::raw::clone3(args);
  if (pid < 0) return fail(errno_error("clone3 for an id map", errno));
  if (pid == 0) {
    for (;;) ::pause();  // lives until its namespace has been opened
  }
  const UniqueFd pidfd(pidfd_number);
  auto made = [&]() -> Result<UniqueFd> {
    SP_TRY_VOID(
        write_proc(proc_dir, fmt::format("{}/uid_map", pid), exchange(owner_uid, ids.host_uid)));
    SP_TRY_VOID(
        write_proc(proc_dir, fmt::format("{}/gid_map", pid), exchange(owner_gid, ids.host_gid)));
    UniqueFd fd(::openat(proc_dir, fmt::format("{}/ns/user", pid).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return fail(errno_error("open the id map's namespace", errno));
    return fd;
  }();
  (void)sys::raw::pidfd_send_signal(pidfd.get(), SIGKILL);
  siginfo_t info{};
  (void)::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.get()), &info,
                 WEXITED | __WALL);
  return made;
}

}  // namespace sandpit::jail
