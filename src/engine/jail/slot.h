// Host-wide slots: a number that one run at a time holds, locked with flock(2), so that a killed
// owner's slot is free at once. The number gives a run its host uid and gid (as root) and, with the
// directory's device and inode, its cgroup's name: a group of the name of a slot that we have just
// locked is a leftover of a dead owner and may be removed. Whoever has another directory (a /run of
// its own, no XDG_RUNTIME_DIR) counts for itself, and may well share the cgroup that it is in.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sys/host_facts.h"

namespace sandpit::jail {

// Host ids of runs, as root: base + slot. The range lies above systemd's container ranges and below
// 2^31 (systemd's UIDS-GIDS.md leaves it unused), so that no file of the host belongs to a run.
inline constexpr uid_t kFirstHostId = 0x70000000;
inline constexpr unsigned kSlotCount = 65536;

class Slot {
 public:
  // `directory` is the slot directory's descriptor, which must outlive the slot.
  Slot(unsigned number, UniqueFd lock, int directory, std::string cgroup_name)
      : number_(number),
        lock_(std::move(lock)),
        directory_(directory),
        cgroup_name_(std::move(cgroup_name)) {}
  Slot(Slot&&) noexcept = default;
  Slot& operator=(Slot&&) = delete;
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot();
  // Nothing of the host carries this slot's number any more: its file goes with it. A file that
  // stays tells the next process that there may be something to remove.
  void mark_clean() { clean_ = true; }
  [[nodiscard]] unsigned number() const { return number_; }
  [[nodiscard]] uid_t host_id() const { return kFirstHostId + number_; }
  // "sandpit-NUMBER.DEVICE.INODE"
  [[nodiscard]] const std::string& cgroup_name() const { return cgroup_name_; }

 private:
  unsigned number_;
  UniqueFd lock_;
  int directory_;
  std::string cgroup_name_;
  bool clean_ = false;
};

class SlotDirectory {
 public:
  // /run/sandpit/slots as root, else $XDG_RUNTIME_DIR/sandpit/slots, else /tmp/sandpit-UID/slots.
  // Made when missing; one that belongs to somebody else, or that others may write to, is an error.
  [[nodiscard]] static Result<SlotDirectory> open(const HostFacts& facts);
  // The lowest free slot.
  [[nodiscard]] Result<Slot> acquire() const;
  // Slots whose owners died without cleaning up, locked now.
  [[nodiscard]] std::vector<Slot> abandoned() const;

 private:
  [[nodiscard]] UniqueFd lock(const char* name, int flags) const;
  [[nodiscard]] Slot slot(unsigned number, UniqueFd lock) const;
  SlotDirectory(UniqueFd directory, std::string mark)
      : directory_(std::move(directory)), mark_(std::move(mark)) {}
  UniqueFd directory_;
  std::string mark_;  // tells it from other directories of this host
};

}  // namespace sandpit::jail
