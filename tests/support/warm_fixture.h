// What the tests of warm runs need of the host, and the Sandbox that they use.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "sandpit/sandbox.h"
#include "support/slowness.h"

namespace sandpit::test {

class WarmFixture : public testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "needs python3";
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "needs a build with warm starts (no sanitizer)";
#endif
  }

  static Result<Sandbox> make(const TemplateOptions& templates = {}) {
    Config config = Config::defaults();
    config.settings().security.allow_degraded = {"all"};
    return Sandbox::create(config, {.warm = {.templates = templates}});
  }

  // The only shape that is used; empty counts when there is none.
  static TemplateCounts counts(const Sandbox& sandbox) {
    const auto all = sandbox.template_counts();
    EXPECT_TRUE(all) << all.error().to_string();
    EXPECT_LE(all->size(), 1U);
    return all->empty() ? TemplateCounts{} : all->front();
  }

  static bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 500 * slowness(); ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
};

}  // namespace sandpit::test
