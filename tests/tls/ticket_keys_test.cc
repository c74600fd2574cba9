#include "tls/ticket_keys.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "tests/tls/meeting.h"

namespace sluice::tls {
namespace {

namespace fs = std::filesystem;

/// An instance with a key set of its own.
struct Instance {
  Instance() : Instance(TestCertificate()) {}
  explicit Instance(const TestCertificate& certificate) {
    Options options = certificate.options();
    options.ticket_keys = keys;
    context = *Context::create(options);
  }

  struct Visit {
    bool is_resumed;
    CHandle<SSL_SESSION, SSL_SESSION_free> session;  ///< For the next time.
  };
  /// A client that comes back with `session`, if it has one.
  [[nodiscard]] Visit visit(int version, SSL_SESSION* session = nullptr) const {
    Meeting meeting(*context, {.highest_version = version, .resume = session});
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.client.read().empty());  // Takes the ticket in.
    CHECK(meeting.server.is_resumed() == meeting.client.is_resumed());
    return {meeting.server.is_resumed(), meeting.client.session()};
  }

  std::shared_ptr<TicketKeys> keys = std::make_shared<TicketKeys>();
  std::shared_ptr<Context> context;
};

/// A file with `size` bytes, the first of which is `first`.
std::string key_file(const TemporaryFolder& folder, const std::string& name, std::size_t size,
                     char first = 'k') {
  const std::string file = folder.file(name);
  std::string bytes(size, 'x');
  bytes.front() = first;
  std::ofstream(file) << bytes;
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  return file;
}

TicketKey key_of(const std::string& file) {
  const auto key = TicketKey::read(file);
  REQUIRE(key);
  return *key;
}

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

TEST_SUITE("ticket keys") {
  TEST_CASE("a client comes back again and again, each time with the last ticket") {
    const Instance instance;
    for (const int version : kVersions) {
      auto visit = instance.visit(version);
      for (int i = 0; i < 5; ++i) {
        visit = instance.visit(version, visit.session.get());
        CHECK(visit.is_resumed);
        CHECK(SSL_SESSION_has_ticket(visit.session.get()) == 1);
      }
    }
    CHECK(instance.keys->counts().current == 10);
  }

  TEST_CASE("instances with the same keys resume each other's sessions") {
    const TemporaryFolder folder;
    for (const std::size_t size : {48U, 80U}) {
      const TicketKey key = key_of(key_file(folder, "key", size));
      const Instance one;
      const Instance other;
      one.keys->use({key});
      other.keys->use({key});
      for (const int version : kVersions) {
        const auto first = one.visit(version);
        CHECK(other.visit(version, first.session.get()).is_resumed);
      }
    }
  }

  TEST_CASE("instances with keys of their own do not, and nothing fails") {
    const Instance one;
    const Instance other;
    for (const int version : kVersions) {
      const auto first = one.visit(version);
      CHECK_FALSE(other.visit(version, first.session.get()).is_resumed);
    }
    CHECK(other.keys->counts().unknown == 2);
  }

  TEST_CASE("a former key still opens tickets, and gives a new one under the first") {
    const TemporaryFolder folder;
    const TicketKey former = key_of(key_file(folder, "former", 80, 'f'));
    const TicketKey current = key_of(key_file(folder, "current", 80, 'c'));
    for (const int version : kVersions) {
      const Instance instance;
      instance.keys->use({former});
      const auto first = instance.visit(version);
      instance.keys->use({current, former});
      const auto second = instance.visit(version, first.session.get());
      CHECK(second.is_resumed);
      instance.keys->use({current});
      CHECK(instance.visit(version, second.session.get()).is_resumed);
      CHECK_FALSE(instance.visit(version, first.session.get()).is_resumed);
      CHECK(instance.keys->counts().former == 1);
    }
  }

  TEST_CASE("random keys last for two rotations") {
    const Instance instance;
    for (const int version : kVersions) {
      const auto first = instance.visit(version);
      instance.keys->rotate();
      CHECK(instance.visit(version, first.session.get()).is_resumed);
      instance.keys->rotate();
      CHECK_FALSE(instance.visit(version, first.session.get()).is_resumed);
    }
    CHECK(instance.keys->size() == 2);
  }

  TEST_CASE("keys of files are rotated by who has the files") {
    const TemporaryFolder folder;
    const Instance instance;
    instance.keys->use({key_of(key_file(folder, "key", 80))});
    const auto first = instance.visit(TLS1_3_VERSION);
    instance.keys->rotate();
    instance.keys->rotate();
    CHECK(instance.visit(TLS1_3_VERSION, first.session.get()).is_resumed);
    instance.keys->use_random();
    CHECK_FALSE(instance.visit(TLS1_3_VERSION, first.session.get()).is_resumed);
  }

  TEST_CASE("a file that is no key is named") {
    const TemporaryFolder folder;
    for (const std::size_t size : {1U, 47U, 49U, 79U, 81U, 200U}) {
      const auto key = TicketKey::read(key_file(folder, "key", size));
      REQUIRE_FALSE(key);
      CHECK(key.error().what == folder.file("key") +
                                    " is no ticket key: it must have 48 or 80 bytes, as `openssl "
                                    "rand 80` makes them");
    }
    CHECK(TicketKey::read("/nowhere/key").error().what ==
          "cannot read the ticket key /nowhere/key: No such file or directory");
  }

  TEST_CASE("a file that everybody can read is refused") {
    const TemporaryFolder folder;
    const std::string file = key_file(folder, "key", 80);
    fs::permissions(file, fs::perms::others_read, fs::perm_options::add);
    const auto key = TicketKey::read(file);
    REQUIRE_FALSE(key);
    CHECK(key.error().what.starts_with(file + " is open to every user of this machine"));
    fs::permissions(file, fs::perms::group_read | fs::perms::owner_read);
    CHECK(TicketKey::read(file));
  }
}

}  // namespace
}  // namespace sluice::tls
