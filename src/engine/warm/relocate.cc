#include <linux/filter.h>

#include <cstddef>
#include <cstdint>

#include "engine/jail/child.h"
#include "engine/warm/run_image.h"

namespace sandpit::warm {
namespace {

// NOLINTBEGIN(*-reinterpret-cast,performance-no-int-to-ptr): an offset becomes a pointer
class Relocator {
 public:
  // `head`: the size of the image at the block's beginning.
  Relocator(char* block, std::size_t size, const int* descriptors, std::size_t count,
            std::size_t head)
      : block_(block), size_(size), descriptors_(descriptors), count_(count), arrays_end_(head) {}

  template <class T>
  void pointer(T*& at, std::size_t bytes = 1) {
    const auto offset = reinterpret_cast<std::uintptr_t>(at);
    if (offset == 0) return;
    if (offset > size_ || bytes > size_ - offset) {
      ok_ = false;
      at = nullptr;
      return;
    }
    at = reinterpret_cast<T*>(block_ + offset);
  }
  // Aligned, and behind the image and the arrays before it, as flatten() places them: what is
  // written in one while it is relocated changes nothing that was checked already.
  template <class T>
  void array(jail::ChildArray<T>& items) {
    const auto offset = reinterpret_cast<std::uintptr_t>(items.data);
    const bool placed = offset == 0 || (offset >= arrays_end_ && offset % alignof(T) == 0);
    if (items.size > size_ / sizeof(T) || !placed) {
      ok_ = false;
      items = {};
      return;
    }
    pointer(items.data, items.size * sizeof(T));
    if (items.data == nullptr) {
      items.size = 0;
    } else {
      arrays_end_ = offset + items.size * sizeof(T);
    }
  }
  // The elements of our own block are not const.
  template <class T>
  static T& mine(const T& item) {
    return const_cast<T&>(item);  // NOLINT(*-const-cast)
  }
  void descriptor(int& index) {
    if (index < 0) return;
    if (static_cast<std::size_t>(index) >= count_) {
      ok_ = false;
      index = -1;
      return;
    }
    index = descriptors_[index];
  }
  void inputs(jail::ChildArray<jail::ChildInput>& list) {
    array(list);
    for (const jail::ChildInput& item : list) {
      jail::ChildInput& input = mine(item);
      pointer(input.name);
      descriptor(input.descriptor);
    }
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  char* block_;
  std::size_t size_;
  const int* descriptors_;
  std::size_t count_;
  std::size_t arrays_end_;
  bool ok_ = true;
};
// NOLINTEND(*-reinterpret-cast,performance-no-int-to-ptr)

}  // namespace

bool relocate(char* block, std::size_t size, const int* descriptors, std::size_t count) {
  if (size < sizeof(RunImage)) return false;
  // NOLINTNEXTLINE(*-reinterpret-cast): the block is aligned and begins with one
  RunImage& image = *reinterpret_cast<RunImage*>(block);
  jail::ChildSpec& spec = image.spec;
  if (image.size != size || image.head != sizeof image || block[size - 1] != '\0') return false;
  if (image.task_count > jail::kMostCgroups || image.spec.seccomp.len == 0) return false;
  if (image.waits < Waits::kNo || image.waits > Waits::kBehindWalls) return false;
  // Not of forked runs: flatten() does not take them along.
  if (spec.egress_networks.size != 0 || spec.egress_sockets.size != 0) return false;
  if (image.network >= static_cast<std::int32_t>(kMostNetworks)) return false;
  Relocator at(block, size, descriptors, count, sizeof image);
  for (int* fd : {&spec.socket, &spec.stdin_fd, &spec.stdout_fd, &spec.stderr_fd}) {
    at.descriptor(*fd);
  }
  for (std::uint64_t i = 0; i < image.task_count; ++i) at.descriptor(image.tasks[i]);
  at.array(spec.mounts);
  for (const jail::ChildMount& item : spec.mounts) {
    jail::ChildMount& mount = Relocator::mine(item);
    at.pointer(mount.target);
    at.pointer(mount.source);
    at.descriptor(mount.tree);
  }
  at.inputs(spec.inputs);
  at.array(spec.rlimits);
  at.array(spec.landlock);
  for (const jail::ChildLandlockRule& rule : spec.landlock) at.pointer(Relocator::mine(rule).path);
  at.pointer(spec.volume_size);
  at.pointer(spec.volume_inodes);
  at.pointer(spec.hostname, spec.hostname_size);
  at.pointer(spec.cwd);
  jail::ChildArray<sock_filter> filter{.data = spec.seccomp.filter, .size = spec.seccomp.len};
  at.array(filter);
  spec.seccomp.filter = const_cast<sock_filter*>(filter.data);  // NOLINT(*-const-cast)
  at.pointer(image.record, image.record_size);
  return at.ok();
}

bool relocate_start(char* block, std::size_t size, const int* descriptors, std::size_t count) {
  if (size < sizeof(StartImage)) return false;
  // NOLINTNEXTLINE(*-reinterpret-cast): the block is aligned and begins with one
  StartImage& image = *reinterpret_cast<StartImage*>(block);
  if (image.size != size || image.head != sizeof image || block[size - 1] != '\0') return false;
  Relocator at(block, size, descriptors, count, sizeof image);
  at.inputs(image.inputs);
  at.descriptor(image.stdin_fd);
  at.descriptor(image.record_fd);
  at.pointer(image.record, image.record_size);
  return at.ok() && image.record != nullptr && image.stdin_fd >= 0 && image.record_fd >= 0;
}

}  // namespace sandpit::warm
