#include "gateway/h2/memory.h"

#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/h2/client.h"
#include "tests/h2/upstream.h"

namespace sluice::h2 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the words of these tests.

constexpr std::size_t kFrameBuffer = 16'394;
constexpr std::size_t kEncoderIndex = 1'024;

/// Many sessions of one worker, each with a client of its own.
struct Worker {
  explicit Worker(std::size_t sessions) {
    for (std::size_t i = 0; i < sessions; ++i) {
      services.push_back(std::make_unique<TalkService>());
      made.push_back(std::make_unique<Session>(
          transport, *services.back(), http::Connection{.id = i, .peer = {}, .protocol = {}},
          Session::Setting{options, counters, clock, memory}));
      clients.push_back(std::make_unique<Client>());
    }
  }

  /// One flush of each, and what the client says to it.
  bool turn() {
    bool moved = false;
    for (std::size_t i = 0; i < made.size(); ++i) {
      const std::string up = clients[i]->take();
      made[i]->feed(bytes_of(up));
      out.clear();
      made[i]->fill(out);
      clients[i]->feed({reinterpret_cast<const char*>(out.bytes().data()), out.size()});
      moved |= !up.empty() || !out.empty();
    }
    return moved;
  }
  void settle() {
    while (turn()) {
    }
  }

  Options options;
  ManualClock clock;
  Counters counters;
  CountingTransport transport;
  SharedMemory memory;
  OutBuffer out;
  std::vector<std::unique_ptr<TalkService>> services;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::unique_ptr<Session>> made;
};

TEST_SUITE("h2::SharedMemory") {
  TEST_CASE("this machine's nghttp2 passes the self-test") {
    CHECK(SharedMemory().is_shared());
  }

  TEST_CASE("all sessions are lent the same frame buffer, each once") {
    SharedMemory shared;
    SessionMemory one(shared);
    SessionMemory two(shared);
    void* lent = one.allocate(kFrameBuffer);
    CHECK(two.reallocate(nullptr, kFrameBuffer) == lent);  // As nghttp2 does.
    void* own = one.allocate(kFrameBuffer);                // A CONTINUATION's.
    CHECK(own != lent);
    one.release(own);
    one.release(lent);
    two.release(lent);
  }

  TEST_CASE("so it is with the index of the encoder's table; the decoder's is its own") {
    SharedMemory shared;
    SessionMemory one(shared);
    SessionMemory two(shared);
    void* lent = one.allocate(kEncoderIndex);
    void* decoder = one.allocate(kEncoderIndex);
    CHECK(two.allocate(kEncoderIndex) == lent);
    CHECK(decoder != lent);
    one.release(decoder);
  }

  TEST_CASE("without sharing, every block is the session's own") {
    SharedMemory memory(SharedMemory::Policy::own);
    CHECK_FALSE(memory.is_shared());
    SessionMemory one(memory);
    SessionMemory two(memory);
    void* a = one.allocate(kFrameBuffer);
    void* b = two.allocate(kFrameBuffer);
    CHECK(a != b);
    one.release(one.reallocate(a, 2 * kFrameBuffer));
    two.release(b);
  }

  TEST_CASE("items are kept for the next burst, of whichever session") {
    constexpr std::size_t kItem = 152;
    SharedMemory shared;
    SessionMemory one(shared);
    SessionMemory two(shared);
    std::vector<void*> items(1'000);
    for (void*& item : items) item = one.allocate(kItem);
    const std::set<void*> distinct(items.begin(), items.end());
    CHECK(distinct.size() == items.size());
    for (void* item : items) {
      std::memset(item, 0x5a, kItem);
      two.release(item);
    }
    void* larger = two.reallocate(two.allocate(kItem), 10 * kItem);
    std::memset(larger, 0x5a, 10 * kItem);
    two.release(larger);
    two.release(nullptr);
  }

  TEST_CASE("sessions that take turns in the middle of everything do not mix") {
    constexpr std::size_t kSessions = 20;
    Worker worker(kSessions);
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < kSessions; ++i) {
      // A head of two frames for every third: its CONTINUATION waits while others have the buffer.
      worker.services[i]->on_open = [i](Talk& talk) {
        http::Response head{.status = 200, .headers = {{"x-who", std::to_string(i)}}};
        if (i % 3 == 0) head.headers.add("x-long", std::string(20'000, 'a' + static_cast<char>(i)));
        talk.exchange->respond(std::move(head), http::Kind::event_stream);
      };
      ids.push_back(worker.clients[i]->ask(get()));
      worker.clients[i]->ping();
    }
    worker.settle();
    for (int round = 0; round < 50; ++round) {
      for (std::size_t i = 0; i < kSessions; ++i) {
        worker.services[i]->last().say(std::string(1 + i * 997, 'a' + static_cast<char>(i)));
      }
      worker.turn();
    }
    worker.settle();
    for (std::size_t i = 0; i < kSessions; ++i) {
      auto& reply = worker.clients[i]->replies[ids[i]];
      CHECK(reply.headers["x-who"] == std::to_string(i));
      if (i % 3 == 0) CHECK(reply.headers["x-long"].size() == 20'000);
      CHECK(reply.body == std::string(50 * (1 + i * 997), 'a' + static_cast<char>(i)));
    }
  }

  TEST_CASE("clients' sessions share it, though each is made with the preface in it") {
    SharedMemory memory;
    std::vector<std::unique_ptr<Agent>> agents;
    std::vector<std::unique_ptr<Server>> servers;
    for (int i = 0; i < 3; ++i) {
      agents.push_back(std::make_unique<Agent>(ClientOptions{}, &memory));
      agents.back()->ask(outgoing("/" + std::to_string(i)));
      servers.push_back(std::make_unique<Server>());
    }
    for (int turn = 0; turn < 6; ++turn) {
      for (std::size_t i = 0; i < agents.size(); ++i) {
        const std::string wire = agents[i]->fill_all();
        CHECK(wire.starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == (turn == 0));
        servers[i]->feed(wire);
        if (turn == 2) servers[i]->service.last().say("data: " + std::to_string(i) + "\n\n");
        agents[i]->feed(servers[i]->fill_all());
      }
    }
    for (std::size_t i = 0; i < agents.size(); ++i) {
      CHECK(servers[i]->service.last().request.path == "/" + std::to_string(i));
      CHECK(agents[i]->askers.front()->body == "data: " + std::to_string(i) + "\n\n");
    }
  }

  TEST_CASE("a block of a slab can be resized, as any") {
    constexpr std::size_t kStream = 224;
    SharedMemory shared;
    SessionMemory one(shared);
    auto* const block = static_cast<char*>(one.allocate(kStream));
    std::memset(block, 'a', kStream);
    auto* const larger = static_cast<char*>(one.reallocate(block, 1'000));
    CHECK(std::string(larger, kStream) == std::string(kStream, 'a'));
    auto* const smaller = static_cast<char*>(one.reallocate(larger, kStream));
    CHECK(std::string(smaller, kStream) == std::string(kStream, 'a'));
    one.release(smaller);
  }

  TEST_CASE("a client that offers our encoder a table gets no other answer") {
    Server server;
    const std::string offer = std::string("\0\1\0\1\0\0", 6);  // HEADER_TABLE_SIZE 65536
    server.feed(std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") +
                to_wire({.type = NGHTTP2_SETTINGS, .payload = offer}));
    server.fill_all();
    server.feed(settings_ack());
    for (std::int32_t id = 1; id < 40; id += 2) {
      server.feed(headers(id, get(), NGHTTP2_FLAG_END_STREAM));
      CHECK(only(NGHTTP2_HEADERS, parse(server.fill_all())).size() == 1);
    }
  }
}

}  // namespace
}  // namespace sluice::h2
