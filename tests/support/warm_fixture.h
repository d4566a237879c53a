// What the tests of warm runs need of the host, and the Sandbox that they use.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include "sandpit/sandbox.h"

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
};

}  // namespace sandpit::test
