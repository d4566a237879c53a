// The three calls on detached trees that the host's side needs. In a file of their own because <sys/mount.h> and <linux/mount.h>
// can't be included together in glibc 2.36.
#pragma once

namespace sandpit::jail {

[[nodiscard]] int move_tree(int tree, int directory, const char* name);
[[nodiscard]] int clone_tree(int tree);  // recursive, detached, CLOEXEC
void detach_tree(int tree);              // unmounts an attached tree lazily
// Makes ids of files below a detached tree appear as the user namespace says (MOUNT_ATTR_IDMAP, kernel 5.12).
[[nodiscard]] int idmap_tree(int tree, int user_namespace);

}  // namespace sandpit::jail
