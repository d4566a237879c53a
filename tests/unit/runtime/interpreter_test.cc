#include "runtime/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_tree.h"

namespace sandpit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class Interpreter : public ::testing::Test {
 protected:
  [[nodiscard]] LookupContext context() const {
    return {.first = {tree_.path("first")},
            .path = tree_.path("a") + ":" + tree_.path("b"),
            .home = tree_.path("home"),
            .cwd = tree_.path(),
            .environment = {}};
  }

  TempTree tree_;
};

TEST_F(Interpreter, IsLookedUpInTheSystemDirectoriesBeforePath) {
  tree_.program("a/lua");
  const std::string first = tree_.program("first/lua");
  const auto found = find_interpreter("lua", context());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->real, first);
}

TEST_F(Interpreter, IsNeverTakenFromAnEmptyOrRelativePathEntry) {
  tree_.program("lua");
  LookupContext here = context();
  here.path = ":.";
  EXPECT_FALSE(find_interpreter("lua", here));
}

TEST_F(Interpreter, IsNotAFileWithoutExecutePermissionOrADirectory) {
  tree_.file("a/lua", "x");
  tree_.directory("b/lua");
  EXPECT_FALSE(find_interpreter("lua", context()));
}

TEST_F(Interpreter, BringsItsToolChainTreeAndIsNamedByItsRealPath) {
  const std::string real = tree_.program("opt/lua-5/bin/lua5");
  tree_.link("a/lua", real);
  const auto found = find_interpreter("lua", context());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, real);
  EXPECT_THAT(found->trees, ElementsAre(tree_.path("opt/lua-5")));
}

TEST_F(Interpreter, KeepsItsNameWhileEveryLinkOnTheWayIsVisible) {
  tree_.program("opt/box/bin/box");
  const std::string applet = tree_.link("opt/box/bin/sh", "box");
  LookupContext here = context();
  here.path = tree_.path("opt/box/bin");
  const auto found = find_interpreter("sh", here);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, applet);
  EXPECT_EQ(found->real, tree_.path("opt/box/bin/box"));
}

TEST_F(Interpreter, BehindAShimIsTheVersionThatTheManagerChose) {
  const std::string real = tree_.program("home/.pyenv/versions/3.11.10/bin/python3");
  tree_.program("home/.pyenv/versions/3.11.9/bin/python3");
  tree_.program("home/.pyenv/shims/python3", "#!/usr/bin/env bash\n");
  LookupContext here = context();
  here.path = tree_.path("home/.pyenv/shims");

  tree_.file("home/.pyenv/version", "3.11\n");
  auto found = find_interpreter("python3", here);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, real);
  EXPECT_THAT(found->trees, ElementsAre(tree_.path("home/.pyenv/versions/3.11.10")));

  here.environment = {{"PYENV_VERSION", "3.11.9"}};
  found = find_interpreter("python3", here);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, tree_.path("home/.pyenv/versions/3.11.9/bin/python3"));
}

TEST_F(Interpreter, AShimThatChoosesTheSystemIsPassedOver) {
  tree_.program("home/.pyenv/shims/python3", "#!/usr/bin/env bash\n");
  tree_.file("home/.pyenv/version", "system\n");
  const std::string later = tree_.program("b/python3");
  LookupContext here = context();
  here.path = tree_.path("home/.pyenv/shims") + ":" + tree_.path("b");
  const auto found = find_interpreter("python3", here);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, later);
}

TEST_F(Interpreter, OfAVirtualEnvironmentKeepsItsNameAndBringsBothTrees) {
  const std::string real = tree_.program("opt/python/bin/python3.11");
  const std::string name = tree_.link("venv/bin/python", real);
  tree_.file("venv/pyvenv.cfg", "home = x\n");
  const auto found = find_interpreter(name, context(), "pyvenv.cfg");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, name);
  EXPECT_THAT(found->trees, UnorderedElementsAre(tree_.path("opt/python"), tree_.path("venv")));
}

TEST_F(Interpreter, InsideAHomeDirectoryShowsTheFileAloneRatherThanTheHome) {
  const std::string in_bin = tree_.program("home/bin/lua");
  const std::string in_local = tree_.program("home/.local/bin/lua");
  const std::string in_home = tree_.program("home/lua");
  const std::string in_cargo = tree_.program("home/.cargo/bin/lua");
  EXPECT_THAT(toolchain_trees(in_cargo, context()), ElementsAre(in_cargo));
  EXPECT_THAT(toolchain_trees("/home/bob/.cargo/bin/x", context()),
              ElementsAre("/home/bob/.cargo/bin/x"));
  EXPECT_THAT(toolchain_trees(in_bin, context()), ElementsAre(in_bin));
  EXPECT_THAT(toolchain_trees(in_local, context()), ElementsAre(in_local));
  EXPECT_THAT(toolchain_trees(in_home, context()), ElementsAre(in_home));
}

TEST_F(Interpreter, NeverShowsASharedDirectoryAsAWhole) {
  EXPECT_THAT(toolchain_trees("/bin2", context()), ElementsAre("/bin2"));
  EXPECT_THAT(toolchain_trees("/opt/bin/x", context()), ElementsAre("/opt/bin/x"));
  EXPECT_THAT(toolchain_trees("/home/ada/bin/x", context()), ElementsAre("/home/ada/bin/x"));
  EXPECT_THAT(toolchain_trees("/root/x", context()), ElementsAre("/root/x"));
  EXPECT_THAT(toolchain_trees("/tmp/x", context()), ElementsAre("/tmp/x"));
  EXPECT_THAT(toolchain_trees("/home/ada/.nvm/versions/node/v20/bin/node", context()),
              ElementsAre("/home/ada/.nvm/versions/node/v20"));
}

TEST_F(Interpreter, BelowUsrNeedsNoTree) {
  EXPECT_THAT(toolchain_trees("/usr/bin/python3.11", context()), IsEmpty());
  EXPECT_THAT(toolchain_trees("/usr/local/bin/x", context()), IsEmpty());
}

TEST_F(Interpreter, WithASlashIsRelativeToTheCurrentDirectory) {
  const std::string real = tree_.program("tools/bin/lua");
  const auto found = find_interpreter("./tools/bin/lua", context());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, real);
}

TEST_F(Interpreter, ALoopOfLinksIsNothing) {
  tree_.link("a/lua", tree_.path("b/lua"));
  tree_.link("b/lua", tree_.path("a/lua"));
  EXPECT_FALSE(find_interpreter("lua", context()));
}

TEST_F(Interpreter, AShimNamedAsACommandIsResolvedToo) {
  const std::string real = tree_.program("home/.pyenv/versions/3.11.9/bin/python3");
  const std::string shim = tree_.program("home/.pyenv/shims/python3", "#!/usr/bin/env bash\n");
  tree_.file("home/.pyenv/version", "3.11.9\n");
  EXPECT_EQ(find_in_path(shim, context()), real);
  LookupContext here = context();
  here.path = tree_.path("home/.pyenv/shims");
  EXPECT_EQ(find_in_path("python3", here), real);
}

TEST_F(Interpreter, CommandsAreLookedUpInPathAlone) {
  tree_.program("first/tool");
  EXPECT_FALSE(find_in_path("tool", context()));
  const std::string in_path = tree_.program("b/tool");
  EXPECT_EQ(find_in_path("tool", context()), in_path);
}

}  // namespace
}  // namespace sandpit
