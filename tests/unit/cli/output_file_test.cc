#include "cli/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "sandpit/error.h"
#include "support/temp_tree.h"

namespace sandpit::cli {
namespace {

using testing::HasSubstr;

class OutputFileTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return tree_.path(name); }
  TempTree tree_;
};

// Opened and written, with something between the two.
template <typename Between>
bool write_after(const std::string& path, Between between) {
  const auto file = OutputFile::open(path);
  if (!file) return false;
  between();
  return file->write("new").has_value();
}

bool write(const std::string& path) {
  return write_after(path, [] {});
}

TEST_F(OutputFileTest, ReplacesARegularFileAndLeavesNothingBesideIt) {
  std::ofstream(path("o.json")) << "old and longer";
  ASSERT_TRUE(write(path("o.json")));
  EXPECT_EQ(tree_.content("o.json"), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(tree_.path()), {}), 1);
}

TEST_F(OutputFileTest, FollowsNoLinkThatIsThere) {
  std::ofstream(path("victim")) << "old";
  for (const std::string& to : {path("victim"), path("nothing"), path("fifo")}) {
    std::filesystem::remove(path("link"));
    std::filesystem::create_symlink(to, path("link"));
    const auto file = OutputFile::open(path("link"));
    ASSERT_FALSE(file.has_value());
    EXPECT_EQ(file.error().code, ErrorCode::kUsage);
    EXPECT_THAT(file.error().message, HasSubstr("symbolic link"));
  }
  EXPECT_EQ(tree_.content("victim"), "old");
}

TEST_F(OutputFileTest, FollowsNoLinkThatIsLaidMeanwhile) {
  std::ofstream(path("victim")) << "old";
  ASSERT_TRUE(write_after(
      path("link"), [this] { std::filesystem::create_symlink(path("victim"), path("link")); }));
  EXPECT_EQ(tree_.content("victim"), "old");
  EXPECT_EQ(tree_.content("link"), "new");
  EXPECT_FALSE(std::filesystem::is_symlink(path("link")));

  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(write_after(path("fifo"), [this] {
    std::filesystem::remove(path("fifo"));
    std::filesystem::create_symlink(path("victim"), path("fifo"));
  }));
  EXPECT_EQ(tree_.content("victim"), "old");
}

TEST_F(OutputFileTest, StaysInTheDirectoryThatItWasOpenedIn) {
  std::filesystem::create_directory(path("place"));
  std::filesystem::create_directory(path("victim"));
  ASSERT_TRUE(write_after(path("place/o.json"), [this] {
    std::filesystem::rename(path("place"), path("moved"));
    std::filesystem::create_symlink(path("victim"), path("place"));
  }));
  EXPECT_EQ(tree_.content("moved/o.json"), "new");
  EXPECT_TRUE(std::filesystem::is_empty(path("victim")));
}

TEST_F(OutputFileTest, LeavesWhatWasMadeMeanwhileWhereItWasToBeNew) {
  const auto file = OutputFile::open(path("o"), OutputFile::Existing::kRefuse);
  ASSERT_TRUE(file.has_value());
  std::ofstream(path("o")) << "theirs";
  EXPECT_FALSE(file->write("new").has_value());
  EXPECT_EQ(tree_.content("o"), "theirs");
}

TEST_F(OutputFileTest, WritesIntoADeviceAsItIs) {
  ASSERT_TRUE(write("/dev/null"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(OutputFileTest, WritesWhereTheKernelsLinksLead) {
  std::ofstream file(path("o"));
  file << "before, " << std::flush;
  const std::string name = "/proc/self/fd/";
  // The one that leads there: an ofstream doesn't tell its number.
  for (const auto& entry : std::filesystem::directory_iterator(name)) {
    std::error_code error;
    if (std::filesystem::read_symlink(entry.path(), error) == path("o")) {
      EXPECT_TRUE(write(entry.path().string()));
    }
  }
  EXPECT_EQ(tree_.content("o"), "before, new");
}

TEST_F(OutputFileTest, SaysBeforehandWhenAFileCannotBeWritten) {
  EXPECT_TRUE(OutputFile::open(path("new")).has_value());
  for (const std::string& wrong :
       {path("no/such/directory"), tree_.path(), tree_.path() + "/", path(".")}) {
    const auto file = OutputFile::open(wrong);
    ASSERT_FALSE(file.has_value()) << wrong;
    EXPECT_EQ(file.error().code, ErrorCode::kUsage);
  }
}

}  // namespace
}  // namespace sandpit::cli
