#include "engine/jail/mount_calls.h"

#include <fmt/format.h>

#include "sys/raw.h"

namespace sandpit::jail {

namespace raw = sys::raw;

int move_tree(int tree, int directory, const char* name) {
  return raw::move_mount(tree, directory, name);
}

int clone_tree(int tree) {
  return raw::open_tree(tree, "",
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | raw::kAtRecursive);
}

void detach_tree(int tree) {
  // umount2 takes no descriptor: through its magic link.
  const std::string path = fmt::format("/proc/self/fd/{}", tree);
  (void)raw::umount2(path.c_str(), raw::kUmountDetach);
}

int idmap_tree(int tree, int user_namespace) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<std::uint64_t>(user_namespace);
  return raw::mount_setattr(tree, "", AT_EMPTY_PATH | raw::kAtRecursive, attributes);
}

}  // namespace sandpit::jail
