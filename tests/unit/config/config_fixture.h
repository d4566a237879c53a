// A private directory with configuration files in it, for the tests of Config.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "sandpit/config.h"

namespace sandpit {

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    std::string pattern = ::testing::TempDir() + "sandpit-config-XXXXXX";
    root_ = std::filesystem::canonical(::mkdtemp(pattern.data())).string();
    std::filesystem::create_directories(root_ + "/project/config");
  }
  ~ConfigTest() override { std::filesystem::remove_all(root_); }

  [[nodiscard]] std::string path(std::string_view name) const {
    return fmt::format("{}/{}", root_, name);
  }
  std::string write(std::string_view name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  // All files are in the test's own directory: the machine's configuration plays no part.
  [[nodiscard]] ConfigSources sources() const {
    return {.system_file = path("system.toml"),
            .user_file = path("user.toml"),
            .named_file = std::nullopt,
            .project_dir = path("project"),
            .profile = {},
            .trust_file = path("state/trusted.toml")};
  }
  [[nodiscard]] Result<Config> load(const std::string& profile = {}) const {
    ConfigSources from = sources();
    from.profile = profile;
    return Config::load(from);
  }
  // Of a file that was named, so that nothing in it is ignored.
  [[nodiscard]] Result<Config> load_text(std::string_view text,
                                         const std::string& profile = {}) const {
    ConfigSources from = sources();
    from.named_file = write("named.toml", text);
    from.profile = profile;
    return Config::load(from);
  }
  // "line:column: message (hint)" of every problem of named.toml.
  [[nodiscard]] std::vector<std::string> problems(std::string_view text) const {
    const Result<Config> config = load_text(text);
    if (config) return {};
    EXPECT_EQ(config.error().code, ErrorCode::kUsage);
    std::vector<std::string> lines;
    Error first = config.error();
    const std::vector<Error> others = std::move(first.others);
    first.others.clear();
    lines.push_back(shorten(first));
    for (const Error& other : others) lines.push_back(shorten(other));
    return lines;
  }

 private:
  [[nodiscard]] std::string shorten(const Error& error) const {
    std::string text = error.to_string();
    const std::string prefix = path("named.toml") + ":";
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
    for (std::size_t at = text.find(root_); at != std::string::npos; at = text.find(root_)) {
      text.replace(at, root_.size(), "ROOT");
    }
    return text;
  }

  std::string root_;
};

inline std::string entry_of(const Config& config, std::string_view key) {
  const auto& entries = config.entries();
  const auto found = std::ranges::find(entries, key, &ConfigEntry::key);
  if (found == entries.end()) return "none";
  return fmt::format("{} | {} | {}", found->value, found->layer,
                     std::filesystem::path(found->origin).filename().string());
}

}  // namespace sandpit
