// The pages under docs/ that have to know every option.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sandpit::test {

inline std::string read_document(const std::string& name) {
  std::ifstream file(std::string(SANDPIT_SOURCE_DIR) + "/docs/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// `names`: "--memory" and so on.
inline void expect_documented(const std::vector<std::string>& names) {
  using testing::HasSubstr;
  const std::string page = read_document("sandpit.1");
  for (const std::string& name : names) {
    const std::string word = name.substr(2);
    // mdoc writes "--memory" as ".It Fl -memory" ("Fl" brings the first dash).
    EXPECT_THAT(page, HasSubstr("Fl -" + word)) << "docs/sandpit.1";
    EXPECT_THAT(read_document("completions/sandpit.bash"), HasSubstr(name)) << "sandpit.bash";
    EXPECT_THAT(read_document("completions/_sandpit"), HasSubstr(name)) << "_sandpit";
    EXPECT_THAT(read_document("completions/sandpit.fish"), HasSubstr("-l " + word))
        << "sandpit.fish";
  }
}

}  // namespace sandpit::test
