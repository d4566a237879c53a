// A directory of its own for one test, removed with everything in it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace sandpit {

class TempTree {
 public:
  TempTree() {
    std::string name = (std::filesystem::temp_directory_path() / "sandpit-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      ADD_FAILURE() << "mkdtemp failed";
      return;
    }
    root_ = std::filesystem::canonical(name);
  }
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;
  ~TempTree() {
    std::error_code error;
    if (!root_.empty()) std::filesystem::remove_all(root_, error);
  }

  [[nodiscard]] std::string path(std::string_view relative = {}) const {
    return relative.empty() ? root_.string() : (root_ / relative).string();
  }

  std::string directory(std::string_view relative) const {
    std::filesystem::create_directories(root_ / relative);
    return path(relative);
  }

  std::string file(std::string_view relative, std::string_view content = {}) const {
    std::filesystem::create_directories((root_ / relative).parent_path());
    std::ofstream(root_ / relative, std::ios::binary) << content;
    return path(relative);
  }

  [[nodiscard]] std::string content(std::string_view relative) const {
    std::stringstream text;
    text << std::ifstream(root_ / relative, std::ios::binary).rdbuf();
    return text.str();
  }

  std::string program(std::string_view relative, std::string_view content =
                                                     "\x7f"
                                                     "ELF") const {
    std::string made = file(relative, content);
    std::filesystem::permissions(made, std::filesystem::perms::owner_all |
                                           std::filesystem::perms::group_read |
                                           std::filesystem::perms::group_exec);
    return made;
  }

  std::string link(std::string_view relative, std::string_view target) const {
    std::filesystem::create_directories((root_ / relative).parent_path());
    std::filesystem::create_symlink(target, root_ / relative);
    return path(relative);
  }

 private:
  std::filesystem::path root_;
};

}  // namespace sandpit
