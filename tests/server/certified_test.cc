#include "gateway/server/certified.h"

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

const PeerCertificate kApp{.subject = "CN=app,O=Example",
                           .dns = {"app.internal", "app"},
                           .uris = {"spiffe://example/app"},
                           .emails = {"app@example"}};

TEST_SUITE("Publishers by certificate") {
  TEST_CASE("each kind of name will do, and the whole subject") {
    for (const char* name :
         {"app.internal", "app", "spiffe://example/app", "app@example", "CN=app,O=Example"}) {
      CHECK(Certified({"other", name}).find(kApp) == name);
    }
  }

  TEST_CASE("nothing less than a whole name will do") {
    const Certified certified({"internal", "*.internal", "APP", "CN=app", "spiffe://example/", ""});
    CHECK_FALSE(certified.find(kApp));
  }

  TEST_CASE("without names nobody may") {
    CHECK_FALSE(Certified({}).find(kApp));
    CHECK_FALSE(Certified({""}).find({}));
  }

  TEST_CASE("names that are replaced hold from then on") {
    Certified certified({"app"});
    certified.replace({"web"});
    CHECK_FALSE(certified.find(kApp));
  }
}

}  // namespace
}  // namespace sluice::server
