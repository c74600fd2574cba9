#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/server/config.h"
#include "tests/server/temp_dir.h"
#include "tls/self_signed.h"

namespace sluice::server {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

/// A folder with `cert.pem` and `key.pem`, and configurations in it.
struct House {
  House() { REQUIRE(tls::make_self_signed(dir.path("cert.pem"), dir.path("key.pem"))); }

  [[nodiscard]] auto read(const std::string& more, const std::string& listen = "") const {
    return parse(
        "[[listen]]\naddress = \"127.0.0.1:0\"\n" + listen + "\n[hub]\nanonymous = true\n" + more,
        dir.path("f.toml"));
  }
  [[nodiscard]] Config config(const std::string& more, const std::string& listen = "") const {
    const auto read = this->read(more, listen);
    if (!read) FAIL(to_string(read.error().front()));
    return *read;
  }
  /// Every fault as "LINE:COL: message".
  [[nodiscard]] Texts faults(const std::string& more, const std::string& listen = "") const {
    Texts faults;
    const auto read = this->read(more, listen);
    if (read) return faults;
    for (const Fault& each : read.error()) {
      faults.push_back(to_string(each).substr(dir.path("f.toml:").size()));
    }
    return faults;
  }

  TempDir dir;
};

const std::string kOwn = "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";
const std::string kFurther =
    "[[tls.certificates]]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";

TEST_SUITE("Configuration of TLS") {
  TEST_CASE("certificates are read with the file, that of [tls] first") {
    const House house;
    const Config config = house.config(kOwn + kFurther + kFurther);
    CHECK(config.tls_files.certificates.size() == 3);
    CHECK(config.tls.certificates[1].key == house.dir.path("key.pem"));
    CHECK(config.tls_files.stamps.size() == 6);
    CHECK(house.config("[tls]\n" + kFurther).tls_files.certificates.size() == 1);
  }

  TEST_CASE("without a listener that needs them no file is read") {
    const House house;
    const Config config =
        house.config("[tls]\ncertificate = \"none.pem\"\nkey = \"none.pem\"\n", "tls = false");
    CHECK(config.tls_files.certificates.empty());
  }

  TEST_CASE("each certificate needs its key, and each file is named at its place") {
    const House house;
    CHECK(house.faults("[[tls.certificates]]\ncertificate = \"cert.pem\"\n") ==
          Texts{"7:15: this [[tls.certificates]] has no key; give a PEM file"});
    CHECK(house.faults("[[tls.certificates]]\nkey = \"key.pem\"\n") ==
          Texts{"7:7: this [[tls.certificates]] has no certificate; give a PEM file"});
    CHECK(house.faults(kOwn + "[[tls.certificates]]\ncertificate = \"none.pem\"\nkey = "
                              "\"key.pem\"\n") ==
          Texts{"10:15: tls: cannot read the certificate file " + house.dir.path("none.pem") +
                ": No such file or directory"});
  }

  TEST_CASE("a wrong word is found out") {
    const House house;
    CHECK(house.faults(kOwn + "[[tls.certificate]]\n").size() == 1);
    CHECK(house.faults("[tls]\ncertificates = \"cert.pem\"\n").front() ==
          "7:16: tls.certificates must be an array of tables; write it as [[tls.certificates]]");
    CHECK(house.faults(kOwn + kFurther + "ocps = \"x\"\n")
              .front()
              .ends_with("has no key \"ocps\"; did you mean \"ocsp\"?"));
  }

  TEST_CASE("ticket keys are read in their order") {
    const House house;
    for (const char* name : {"one", "two"}) {
      fs::permissions(house.dir.file(name, std::string(80, *name)),
                      fs::perms::owner_read | fs::perms::owner_write);
    }
    const Config config = house.config(kOwn + "ticket_keys = [\"two\", \"one\"]\n");
    REQUIRE(config.tls_files.ticket_keys.size() == 2);
    CHECK(config.tls_files.ticket_keys[0].name[0] == 't');
    CHECK(house.faults(kOwn + "ticket_keys = [\"none\"]\n") ==
          Texts{"9:15: tls.ticket_keys: cannot read the ticket key " + house.dir.path("none") +
                ": No such file or directory"});
  }

  TEST_CASE("who asks for clients' certificates must say who signs them") {
    const House house;
    const std::string ask = "client_certificates = \"optional\"";
    CHECK(house.faults(kOwn, ask).front().starts_with(
        "3:23: listen.client_certificates: nobody would be believed; give tls.client_ca"));
    CHECK(house.faults(kOwn + "client_ca = \"cert.pem\"\n", ask + "\ntls = false").front() ==
          "3:23: listen.client_certificates: a listener in clear text cannot ask for them");
    CHECK(house.config(kOwn + "client_ca = \"cert.pem\"\n", ask).tls_files.client_ca);
    CHECK(house.faults(kOwn + "client_ca = \"key.pem\"\n")
              .front()
              .starts_with("9:13: tls.client_ca: " + house.dir.path("key.pem") +
                           " does not hold certificates in PEM form"));
    CHECK(house.faults(kOwn, "client_certificates = true").front() ==
          "3:23: listen[0].client_certificates: must be one of \"off\", \"optional\", \"require\"");
  }
}

}  // namespace
}  // namespace sluice::server
