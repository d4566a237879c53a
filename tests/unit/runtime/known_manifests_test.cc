#include "runtime/known_manifests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "runtime/manifest.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string text_of_runtime(const std::string& id) {
  return text_of(fs::path(SANDPIT_SOURCE_DIR) / "runtimes" / id / "runtime.toml");
}

// What a runtime is looked up by, read as TOML and taken from the table.
TEST(KnownManifests, SayWhatTheFilesSay) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(SANDPIT_SOURCE_DIR "/runtimes")) {
    if (!fs::exists(entry.path() / "runtime.toml")) continue;
    ++count;
    const std::string id = entry.path().filename();
    const std::string text = text_of_runtime(id);
    const KnownManifest* known = known_manifest(id, text);
    ASSERT_NE(known, nullptr) << id;
    const auto read = parse_manifest(text, "x");
    ASSERT_TRUE(read) << id;
    EXPECT_EQ(known->id, read->id);
    EXPECT_EQ(list_of(known->aliases), read->aliases) << id;
    EXPECT_EQ(list_of(known->extensions), read->extensions) << id;
    EXPECT_EQ(list_of(known->shebangs), read->shebangs) << id;
    EXPECT_EQ(list_of(known->magic), read->magic) << id;
    EXPECT_EQ("x" + std::string(known->extensions_place), read->extensions_place) << id;
  }
  EXPECT_THAT(known_manifests(), SizeIs(count));
}

TEST(KnownManifests, AreKnownByEachOfTheirBytes) {
  const std::string text = text_of_runtime("python");
  ASSERT_NE(known_manifest("python", text), nullptr);
  std::string other = text;
  other.back() = ' ';
  EXPECT_EQ(known_manifest("python", other), nullptr);
  EXPECT_EQ(known_manifest("python", text + "\n"), nullptr);
  EXPECT_EQ(known_manifest("python", text.substr(1)), nullptr);
  EXPECT_EQ(known_manifest("python2", text), nullptr);
  EXPECT_EQ(known_manifest("", ""), nullptr);
  EXPECT_EQ(known_manifest("zzz", ""), nullptr);
}

TEST(KnownManifests, ListsHaveALineForEachWord) {
  EXPECT_THAT(list_of(""), IsEmpty());
  EXPECT_THAT(list_of("py"), ElementsAre("py"));
  EXPECT_THAT(list_of("py\npyw\nx y"), ElementsAre("py", "pyw", "x y"));
}

// A copy elsewhere is the runtime of that place, with the files beside it.
TEST(KnownManifests, BelongToThePlaceWhereTheyWereFound) {
  const TempTree tree;
  tree.file("python/runtime.toml", text_of_runtime("python"));
  RuntimeRegistry registry;
  ASSERT_THAT(load_manifests(registry, {tree.path()}), IsEmpty());
  const Runtime* runtime = registry.find("python");
  ASSERT_NE(runtime, nullptr);
  EXPECT_EQ(runtime->info({}, Runtime::Probe::kPathOnly).origin, tree.path("python/runtime.toml"));
}

// One that was changed is read: here a list of extensions, and one more runtime that wants the
// same.
TEST(KnownManifests, AreReadAsTomlWhereTheyWereChanged) {
  const TempTree tree;
  tree.file("lua/runtime.toml", text_of_runtime("lua"));
  std::string text = text_of_runtime("python");
  const std::string line = "extensions = [";
  ASSERT_NE(text.find(line), std::string::npos);
  text.insert(text.find(line) + line.size(), "\"mine\", \"lua\", ");
  tree.file("python/runtime.toml", text);
  RuntimeRegistry registry;
  const std::vector<Error> errors = load_manifests(registry, {tree.path()});
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_THAT(errors[0].message, ::testing::HasSubstr("that of 'lua' too"));
  EXPECT_THAT(errors[0].where, ::testing::StartsWith(tree.path("python/runtime.toml") + ":"));
  const auto chosen = registry.for_source("x.mine", "", {});
  ASSERT_TRUE(chosen);
  EXPECT_EQ((*chosen)->name(), "python");
}

}  // namespace
}  // namespace sandpit
