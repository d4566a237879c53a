#include "engine/warm/run_image.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "engine/jail/child.h"

namespace sandpit::warm {
namespace {

// Builds the block. Every pointer in it is an offset, which is what makes the casts of this file.
// NOLINTBEGIN(*-reinterpret-cast,performance-no-int-to-ptr)
class Flattener {
 public:
  explicit Flattener(std::size_t head) { flat_.bytes.resize(head); }

  const char* text(const char* from) {
    return from == nullptr ? nullptr : copy(from, std::strlen(from) + 1, 1);
  }
  const char* bytes(const char* from, std::size_t size) { return copy(from, size, 1); }
  template <class T>
  jail::ChildArray<T> array(const std::vector<T>& from) {
    if (from.empty()) return {};
    const char* at =
        copy(reinterpret_cast<const char*>(from.data()), from.size() * sizeof(T), alignof(T));
    return {.data = reinterpret_cast<const T*>(at), .size = from.size()};
  }
  int descriptor(int from) {
    if (from < 0) return -1;
    const auto found = std::ranges::find(flat_.descriptors, from);
    if (found == flat_.descriptors.end()) flat_.descriptors.push_back(from);
    return static_cast<int>(std::ranges::find(flat_.descriptors, from) - flat_.descriptors.begin());
  }
  jail::ChildArray<jail::ChildInput> inputs(jail::ChildArray<jail::ChildInput> from) {
    std::vector<jail::ChildInput> list(from.begin(), from.end());
    for (jail::ChildInput& input : list) {
      input.name = text(input.name);
      input.descriptor = descriptor(input.descriptor);
    }
    return array(list);
  }
  // `image`: RunImage or StartImage. The last byte of the block is a NUL: no text can run over its
  // end.
  template <class Image>
  FlatImage take(Image& image) {
    (void)bytes("", 1);
    image.size = flat_.bytes.size();
    std::memcpy(flat_.bytes.data(), &image, sizeof image);
    return std::move(flat_);
  }

 private:
  const char* copy(const char* from, std::size_t size, std::size_t alignment) {
    std::string& to = flat_.bytes;
    to.resize((to.size() + alignment - 1) / alignment * alignment);
    const std::uintptr_t offset = to.size();
    to.append(from, size);
    return reinterpret_cast<const char*>(offset);
  }
  FlatImage flat_;
};
// NOLINTEND(*-reinterpret-cast,performance-no-int-to-ptr)

}  // namespace

FlatImage flatten(RunImage image, const std::vector<int>& tasks) {
  Flattener flat(sizeof(RunImage));
  jail::ChildSpec& spec = image.spec;
  for (int* fd : {&spec.socket, &spec.stdin_fd, &spec.stdout_fd, &spec.stderr_fd}) {
    *fd = flat.descriptor(*fd);
  }
  image.task_count = std::min<std::size_t>(tasks.size(), jail::kMostCgroups);
  for (std::size_t i = 0; i < image.task_count; ++i) image.tasks[i] = flat.descriptor(tasks[i]);
  // All keep their place in the list, since failures name it.
  std::vector<jail::ChildMount> mounts(spec.mounts.begin(), spec.mounts.end());
  for (jail::ChildMount& mount : mounts) {
    const bool wanted = jail::is_per_run(mount);
    mount.content = nullptr;
    mount.content_size = 0;
    mount.tree = wanted ? flat.descriptor(mount.tree) : -1;
    mount.target = wanted ? flat.text(mount.target) : nullptr;
    mount.source = wanted ? flat.text(mount.source) : nullptr;
  }
  spec.mounts = flat.array(mounts);
  spec.inputs = flat.inputs(spec.inputs);
  spec.rlimits = flat.array(std::vector(spec.rlimits.begin(), spec.rlimits.end()));
  std::vector<jail::ChildLandlockRule> rules(spec.landlock.begin(), spec.landlock.end());
  for (jail::ChildLandlockRule& rule : rules) rule.path = flat.text(rule.path);
  spec.landlock = flat.array(rules);
  spec.volume_size = flat.text(spec.volume_size);
  spec.volume_inodes = flat.text(spec.volume_inodes);
  spec.hostname = flat.bytes(spec.hostname, spec.hostname_size);
  spec.cwd = flat.text(spec.cwd);
  const std::vector<sock_filter> filter(spec.seccomp.filter,
                                        spec.seccomp.filter + spec.seccomp.len);
  // NOLINTNEXTLINE(*-const-cast): the kernel only reads it
  spec.seccomp.filter = const_cast<sock_filter*>(flat.array(filter).data);
  spec.argv = nullptr;
  spec.envp = nullptr;
  image.record = flat.bytes(image.record, image.record_size);
  return flat.take(image);
}

FlatImage flatten(StartImage image) {
  Flattener flat(sizeof(StartImage));
  image.inputs = flat.inputs(image.inputs);
  image.stdin_fd = flat.descriptor(image.stdin_fd);
  image.record_fd = flat.descriptor(image.record_fd);
  image.record = flat.bytes(image.record, image.record_size);
  return flat.take(image);
}

}  // namespace sandpit::warm
