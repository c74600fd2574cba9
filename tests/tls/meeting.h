/// A server session and a client that meet, for tests.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "tests/tls/client.h"
#include "tls/session.h"

namespace sluice::tls {

/// A server session and a client, joined by a socket pair.
struct Meeting {
  Meeting(const Context& context, const TestClient::Wishes& wishes)
      : Meeting(context, wishes, socket_pair()) {}
  Meeting(const Context& context, const TestClient::Wishes& wishes, SocketPair pair)
      : socket(std::move(pair.server)),
        server(context, socket.get()),
        client(std::move(pair.client), wishes) {}

  /// Both sides take turns until both are done or one has failed. True: both are done.
  bool shake_hands() {
    Io io = Io::want_read;
    bool client_is_done = false;
    for (int turns = 0; turns < 20 && client.end().empty(); ++turns) {
      client_is_done = client_is_done || client.handshake();
      if (io != Io::ok) io = server.handshake();
      if (io == Io::ok && client_is_done) return true;
    }
    return false;
  }
  std::string server_reads() {
    std::string text(100, '\0');
    const IoResult result = server.read(std::as_writable_bytes(std::span(text)));
    text.resize(result.n);
    return text;
  }

  UniqueFd socket;
  Session server;
  TestClient client;
};

}  // namespace sluice::tls
