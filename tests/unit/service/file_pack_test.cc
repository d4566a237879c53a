#include "service/file_pack.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_file.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

using ::testing::HasSubstr;

FilePack empty_pack(ByteCount most = ByteCount::mib(1)) {
  return {std::move(*memory_file("test")), most};
}

std::string bytes_of(const FilePack& pack, const PackedFile& file) {
  std::string bytes(file.size, '\0');
  EXPECT_EQ(::pread(pack.descriptor(), bytes.data(), bytes.size(), static_cast<off_t>(file.offset)),
            static_cast<ssize_t>(bytes.size()));
  return bytes;
}

TEST(FilePack, ComesBackFromItsBlobAsItWas) {
  const TempTree tree;
  const UniqueFd source(::open(tree.file("x", "of a file").c_str(), O_RDONLY | O_CLOEXEC));
  FilePack pack = empty_pack();
  ASSERT_TRUE(pack.add_text("a.txt", "text"));
  ASSERT_TRUE(pack.add_directory("lib"));
  ASSERT_TRUE(pack.add_file("lib/program", 0755, source.get(), 9));
  auto blob = std::move(pack).to_blob("a note");
  ASSERT_TRUE(blob) << blob.error().to_string();
  EXPECT_TRUE(is_sealed(blob->get()));
  std::string note;
  const auto back = FilePack::from_blob(std::move(*blob), note);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(note, "a note");
  ASSERT_EQ(back->files().size(), 3U);
  EXPECT_EQ(bytes_of(*back, back->files()[0]), "text");
  EXPECT_TRUE(back->files()[1].directory);
  EXPECT_EQ(bytes_of(*back, back->files()[2]), "of a file");
  EXPECT_EQ(back->files()[2].mode, 0755);
}

TEST(FilePack, BecomesInputsWithOneDescriptorAndTheDirectoriesThatNamesNeed) {
  FilePack pack = empty_pack();
  ASSERT_TRUE(pack.add_text("a/b/c.txt", "1"));
  ASSERT_TRUE(pack.add_text("a/d.txt", "22"));
  std::vector<InputFile> inputs;
  std::vector<UniqueFd> descriptors;
  ASSERT_TRUE(pack.append_to(inputs, descriptors));
  ASSERT_EQ(inputs.size(), 4U);
  EXPECT_EQ(inputs[0].name, "a");
  EXPECT_TRUE(inputs[0].directory);
  EXPECT_EQ(inputs[1].name, "a/b");
  EXPECT_TRUE(has_descriptor(inputs[2]));
  EXPECT_EQ(inputs[3].name, "a/d.txt");
  EXPECT_EQ(inputs[3].offset, 1U);
  EXPECT_FALSE(has_descriptor(inputs[3]));
  EXPECT_EQ(descriptors.size(), 1U);
}

TEST(FilePack, TakesNoMoreThanItMay) {
  FilePack pack = empty_pack(ByteCount::bytes(5));
  ASSERT_TRUE(pack.add_text("a", "1234"));
  const auto added = pack.add_text("b", "12");
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::kRefused);
  EXPECT_THAT(added.error().message, HasSubstr("5 bytes"));
}

TEST(FilePack, TakesNoMoreEntriesAndNamesThanItMay) {
  FilePack many = empty_pack();
  Result<void> added;
  std::size_t count = 0;
  for (; added && count <= FilePack::kMostEntries; ++count)
    added = many.add_directory(std::to_string(count));
  EXPECT_FALSE(added);
  EXPECT_EQ(count, FilePack::kMostEntries + 1);
  FilePack with_long_names = empty_pack();
  added = {};
  std::uint64_t bytes = 0;
  for (int i = 0; added && i < 2000; ++i) {
    const std::string name = std::string(3900, 'x') + std::to_string(i);
    added = with_long_names.add_directory(name);
    bytes += name.size();
  }
  EXPECT_FALSE(added);
  EXPECT_LT(bytes, FilePack::kMostNameBytes + 8000);
}

TEST(FilePack, TakesNoNameThatIsLongerThanAPathMayBe) {
  FilePack pack = empty_pack();
  EXPECT_TRUE(pack.add_text(std::string(FilePack::kLongestName, 'x'), "1"));
  const auto added = pack.add_text(std::string(FilePack::kLongestName + 1, 'x'), "1");
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::kRefused);
}

TEST(FilePack, MakesNothingBothAFileAndADirectory) {
  const auto conflict = [](const std::vector<std::string>& files, const std::string& directory,
                           std::vector<InputFile> inputs) {
    FilePack pack = empty_pack();
    for (const std::string& name : files) EXPECT_TRUE(pack.add_text(name, "1"));
    if (!directory.empty()) {
      EXPECT_TRUE(pack.add_directory(directory));
    }
    std::vector<UniqueFd> descriptors;
    const auto appended = pack.append_to(inputs, descriptors);
    return appended ? std::string() : appended.error().message;
  };
  const InputFile file{.name = "a"};
  const InputFile directory{.name = "a", .directory = true};
  EXPECT_THAT(conflict({"a", "a/b"}, "", {}), HasSubstr("'a' would be two things"));
  EXPECT_THAT(conflict({"a/b/c"}, "", {file}), HasSubstr("'a'"));
  EXPECT_THAT(conflict({"a"}, "", {directory}), HasSubstr("'a'"));
  EXPECT_THAT(conflict({"a"}, "", {file}), HasSubstr("'a'"));
  EXPECT_THAT(conflict({}, "a", {file}), HasSubstr("'a'"));
  EXPECT_EQ(conflict({"a/b"}, "a", {directory}), "");
}

TEST(FilePack, DigestsDifferWithNamesModesAndBytes) {
  const auto digest = [](const char* name, const char* text) {
    FilePack pack = empty_pack();
    EXPECT_TRUE(pack.add_text(name, text));
    return *pack.digest();
  };
  EXPECT_EQ(digest("a", "x"), digest("a", "x"));
  EXPECT_NE(digest("a", "x"), digest("b", "x"));
  EXPECT_NE(digest("a", "x"), digest("a", "y"));
  EXPECT_NE(digest("ax", ""), digest("a", "x"));
}

TEST(FilePack, DigestsDifferWhereOneFilesBytesEndAndTheNextOnesBegin) {
  const auto digest = [](const char* first, const char* second) {
    FilePack pack = empty_pack();
    EXPECT_TRUE(pack.add_text("a", first));
    EXPECT_TRUE(pack.add_text("b", second));
    return *pack.digest();
  };
  EXPECT_NE(digest("xy", "z"), digest("x", "yz"));
  EXPECT_NE(digest("xyz", ""), digest("", "xyz"));
}

TEST(FilePack, RefusesBlobsThatNobodyMadeLikeThis) {
  std::string note;
  for (const std::string& bytes :
       {std::string(), std::string("x"), std::string(8, '\xff'), std::string(64, '\x7f')}) {
    auto blob = sealed_memory_file("test", bytes);
    ASSERT_TRUE(blob);
    EXPECT_FALSE(FilePack::from_blob(std::move(*blob), note)) << bytes.size();
  }
  // Not sealed: it could change after the look.
  FilePack pack = empty_pack();
  ASSERT_TRUE(pack.add_text("a", "1"));
  UniqueFd copy(::dup(pack.descriptor()));
  EXPECT_FALSE(FilePack::from_blob(std::move(copy), note));
}

TEST(FilePack, RefusesABlobWhoseNamesLeadOutOfTheDirectory) {
  for (const char* name : {"../x", "/etc/passwd", "a/../../b", "a//b", "", "."}) {
    FilePack pack = empty_pack();
    ASSERT_TRUE(pack.add_text(name, "1"));
    auto blob = std::move(pack).to_blob("");
    ASSERT_TRUE(blob);
    std::string note;
    EXPECT_FALSE(FilePack::from_blob(std::move(*blob), note)) << name;
  }
}

TEST(FilePack, RefusesABlobThatWouldMakeSetIdFiles) {
  const TempTree tree;
  const UniqueFd source(::open(tree.file("x", "1").c_str(), O_RDONLY | O_CLOEXEC));
  for (const std::uint16_t mode : std::array<std::uint16_t, 4>{04755, 02755, 01644, 0777}) {
    FilePack pack = empty_pack();
    ASSERT_TRUE(pack.add_file("x", mode, source.get(), 1));
    auto blob = std::move(pack).to_blob("");
    ASSERT_TRUE(blob);
    std::string note;
    EXPECT_FALSE(FilePack::from_blob(std::move(*blob), note)) << mode;
  }
}

TEST(RelativeName, HasOnlyComponents) {
  for (const char* name : {"a", "a/b", ".hidden", "a b", "-x", "..a"})
    EXPECT_TRUE(is_relative_name(name)) << name;
  for (const char* name : {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "./a"})
    EXPECT_FALSE(is_relative_name(name)) << name;
  EXPECT_FALSE(is_relative_name(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace sandpit
