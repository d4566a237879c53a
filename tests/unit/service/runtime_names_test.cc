#include "service/runtime_names.h"

#include <gtest/gtest.h>

#include "service/pipeline.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

class RuntimeNames : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(load_manifests(registry_, {SANDPIT_SOURCE_DIR "/runtimes"}).empty());
  }
  RuntimeRegistry registry_;
  Config config_ = Config::defaults();
};

TEST_F(RuntimeNames, ThatTheRegistryKnowsAreFine) {
  config_.settings().runtimes["python"] = {};
  config_.settings().runtimes["wasm"] = {};
  config_.settings().extensions["pyw"] = "python";
  EXPECT_TRUE(check_runtime_names(config_, registry_).has_value());
}

TEST_F(RuntimeNames, ThatItDoesNotKnowAreAllReportedWithTheNearest) {
  config_.settings().runtimes["pyhton"] = {};
  config_.settings().extensions["mjs"] = "javascrpt";
  const auto checked = check_runtime_names(config_, registry_);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code, ErrorCode::kUsage);
  const std::string text = checked.error().to_string();
  EXPECT_NE(text.find("did you mean \"python\""), std::string::npos) << text;
  EXPECT_NE(text.find("did you mean \"javascript\""), std::string::npos) << text;
}

TEST_F(RuntimeNames, AreReportedWhereTheFileHasThem) {
  TempTree tree;
  const std::string file = tree.file("named.toml",
                                     "[runtimes.cpp]\ninterpreter = \"clang++\"\n"
                                     "[runtimes.cp.resource_limits]\n  timeout_s = 20\n");
  ConfigSources sources;
  sources.system_file = sources.user_file = sources.trust_file = tree.path("none.toml");
  sources.named_file = file;
  const auto config = Config::load(sources);
  ASSERT_TRUE(config.has_value()) << config.error().to_string();
  const auto checked = check_runtime_names(*config, registry_);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().where, file + ":4:15");
}

}  // namespace
}  // namespace sandpit
