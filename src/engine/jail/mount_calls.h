// The calls on detached trees that the host's side needs. In a file of their own because
// <sys/mount.h> and <linux/mount.h> can't be included together in glibc 2.36.
#pragma once

namespace sandpit::jail {

[[nodiscard]] int move_tree(int tree, int directory, const char* name);
// Makes the attached tree the root and detaches the old one (pivot_root(2), NOTES).
[[nodiscard]] int pivot_into(int tree);
// A procfs, mounted nowhere, whose pid namespace is dead; -1 with errno.
[[nodiscard]] int dead_proc();
// Makes ids of files below a detached tree appear as the user namespace says (MOUNT_ATTR_IDMAP,
// kernel 5.12).
[[nodiscard]] int idmap_tree(int tree, int user_namespace);

}  // namespace sandpit::jail
