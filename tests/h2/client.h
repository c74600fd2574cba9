/// The other end of an h2::Session, for its tests: a service whose answers a test writes, a client
/// made of nghttp2, and frames made by hand for what no client does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "gateway/base/c_handle.h"
#include "gateway/h2/session.h"

namespace sluice::h2::testing {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// One exchange as a test sees it: what arrived, and what is still to be sent.
struct Talk {
  http::Request request;
  http::Exchange* exchange = nullptr;
  std::string received;  ///< Of the request's body.
  bool is_request_over = false;
  bool is_gone = false;      ///< The Answer was destroyed.
  bool consumes = true;      ///< Gives every byte of body back at once.
  std::string pending;       ///< To be sent.
  bool ends = false;         ///< The body ends after `pending`.
  bool has_endless = false;  ///< There is always more to be sent (of '#').
  bool told_to_end = false;  ///< By end_in_order().
  bool tells_all = true;     ///< Says when what it gives is all that it has.
  std::size_t taken = 0;

  void ok(http::Kind kind = http::Kind::event_stream) {
    exchange->respond({.status = 200, .headers = {{"content-type", "text/event-stream"}}}, kind);
  }
  void say(std::string_view text) {
    pending += text;
    exchange->wake();
  }
  void finish() {
    ends = true;
    exchange->wake();
  }
};
using TalkPtr = std::shared_ptr<Talk>;

class TalkAnswer final : public http::Answer {
 public:
  explicit TalkAnswer(TalkPtr talk) : talk_(std::move(talk)) {}
  ~TalkAnswer() override { talk_->is_gone = true; }

  void on_body(std::string_view bytes) override {
    talk_->received += bytes;
    if (talk_->consumes) talk_->exchange->consume(bytes.size());
  }
  void on_body_end() override { talk_->is_request_over = true; }
  Ready ready(std::size_t max) override {
    if (talk_->has_endless) return {.bytes = max};
    const std::size_t n = std::min(max, talk_->pending.size());
    const bool is_all = n == talk_->pending.size();
    return {.bytes = n, .last = talk_->ends && is_all, .is_all = talk_->tells_all && is_all};
  }
  void end_in_order() override {
    talk_->told_to_end = true;
    talk_->finish();
  }
  void take(std::span<std::byte> out) override {
    talk_->taken += out.size();
    if (talk_->has_endless) {
      std::memset(out.data(), '#', out.size());
      return;
    }
    std::memcpy(out.data(), talk_->pending.data(), out.size());
    talk_->pending.erase(0, out.size());
  }

 private:
  TalkPtr talk_;
};

/// Opens a Talk for each request and lets the test answer it in `on_open`, or later.
class TalkService final : public http::Service {
 public:
  std::function<void(Talk&)> on_open = [](Talk& talk) { talk.ok(); };
  std::vector<TalkPtr> talks;

  std::unique_ptr<http::Answer> open(const http::Request& request,
                                     http::Exchange& exchange) override {
    talks.push_back(std::make_shared<Talk>());
    Talk& talk = *talks.back();
    talk.request = request;
    talk.exchange = &exchange;
    on_open(talk);
    return std::make_unique<TalkAnswer>(talks.back());
  }
  Talk& last() { return *talks.back(); }
};

class CountingTransport final : public Transport {
 public:
  void flush_later() override { ++asked; }
  int asked = 0;
};

/// A session and all that it needs; `out` is what one fill() gave.
struct Server {
  explicit Server(Options o = {}, Session::HeaderTable t = Session::HeaderTable::none)
      : options(o), table(t) {}
  Session::Setting setting() { return {options, counters, clock, memory}; }

  Options options;
  Session::HeaderTable table;
  ManualClock clock;
  Counters counters;
  CountingTransport transport;
  TalkService service;
  SharedMemory memory;
  Session session{
      transport, service, {.id = 1, .peer = "192.0.2.1", .protocol = {}}, setting(), table};
  OutBuffer out;
  bool has_more = false;  ///< What the last fill() returned.

  void feed(std::string_view bytes) { session.feed(bytes_of(bytes)); }
  std::string fill() {
    out.clear();
    has_more = session.fill(out);
    return {reinterpret_cast<const char*>(out.bytes().data()), out.size()};
  }
  std::string fill_all() {
    std::string all;
    do {
      all += fill();
    } while (has_more);
    return all;
  }
  /// Lets the time pass as a worker would: check() whenever the session asked for it.
  void pass(Duration time) {
    const TimePoint end = clock.now() + time;
    for (;;) {
      const TimePoint next = std::min(session.check(clock.now()), end);
      if (clock.now() >= end) return;
      clock.advance(std::max<Duration>(next - clock.now(), std::chrono::milliseconds(1)));
    }
  }
};

// Frames by hand.

struct Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::int32_t stream = 0;
  std::string payload = {};

  [[nodiscard]] std::uint32_t number(std::size_t at) const {
    std::uint32_t n = 0;
    for (std::size_t i = 0; i < 4; ++i) n = n << 8 | static_cast<std::uint8_t>(payload.at(at + i));
    return n;
  }
};

inline std::string number(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

inline std::string to_wire(const Frame& frame) {
  std::string wire = number(static_cast<std::uint32_t>(frame.payload.size())).substr(1);
  wire += static_cast<char>(frame.type);
  wire += static_cast<char>(frame.flags);
  return wire + number(static_cast<std::uint32_t>(frame.stream)) + frame.payload;
}

inline std::vector<Frame> parse(std::string_view wire) {
  std::vector<Frame> frames;
  while (wire.size() >= 9) {
    const auto octet = [&](std::size_t at) {
      return static_cast<std::uint32_t>(static_cast<std::uint8_t>(wire[at]));
    };
    const std::size_t size = octet(0) << 16 | octet(1) << 8 | octet(2);
    const std::uint32_t stream = octet(5) << 24 | octet(6) << 16 | octet(7) << 8 | octet(8);
    frames.push_back({.type = static_cast<std::uint8_t>(octet(3)),
                      .flags = static_cast<std::uint8_t>(octet(4)),
                      .stream = static_cast<std::int32_t>(stream),
                      .payload = std::string(wire.substr(9, size))});
    wire.remove_prefix(std::min(9 + size, wire.size()));
  }
  return frames;
}

inline std::vector<Frame> only(std::uint8_t type, const std::vector<Frame>& frames) {
  std::vector<Frame> some;
  for (const Frame& frame : frames) {
    if (frame.type == type) some.push_back(frame);
  }
  return some;
}

/// Fields without Huffman coding and without the table: `20` (its new size is 0, as RFC 7541 §4.2
/// demands after our SETTINGS), then `00 length name length value` for each.
inline std::string header_block(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string block = "\x20";
  const auto text = [&](const std::string& s) {
    if (s.size() < 127) {
      block += static_cast<char>(s.size());
    } else {
      block += '\x7f';
      std::size_t rest = s.size() - 127;
      for (; rest >= 128; rest /= 128) block += static_cast<char>(rest % 128 + 128);
      block += static_cast<char>(rest);
    }
    block += s;
  };
  for (const auto& [name, value] : fields) {
    block += '\0';
    text(name);
    text(value);
  }
  return block;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

inline Fields get(const std::string& path = "/", const std::string& method = "GET") {
  return {{":method", method}, {":scheme", "https"}, {":authority", "a.example"}, {":path", path}};
}

inline std::string preface() {
  return std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + to_wire({.type = NGHTTP2_SETTINGS});
}
inline std::string settings_ack() {
  return to_wire({.type = NGHTTP2_SETTINGS, .flags = NGHTTP2_FLAG_ACK});
}
inline std::string headers(std::int32_t stream, const Fields& fields, int more_flags = 0) {
  return to_wire({.type = NGHTTP2_HEADERS,
                  .flags = static_cast<std::uint8_t>(NGHTTP2_FLAG_END_HEADERS | more_flags),
                  .stream = stream,
                  .payload = header_block(fields)});
}
inline std::string rst(std::int32_t stream, std::uint32_t code = NGHTTP2_CANCEL) {
  return to_wire({.type = NGHTTP2_RST_STREAM, .stream = stream, .payload = number(code)});
}
inline std::string window_update(std::int32_t stream, std::uint32_t n) {
  return to_wire({.type = NGHTTP2_WINDOW_UPDATE, .stream = stream, .payload = number(n)});
}
inline std::string data(std::int32_t stream, std::string payload, int flags = 0) {
  return to_wire({.type = NGHTTP2_DATA,
                  .flags = static_cast<std::uint8_t>(flags),
                  .stream = stream,
                  .payload = std::move(payload)});
}

/// A client made by hand has said hello, and both sides have acknowledged.
inline void greet(Server& server) {
  server.feed(preface());
  server.fill_all();
  server.feed(settings_ack());
}

/// The code of the last GOAWAY in `wire`.
inline std::optional<std::uint32_t> goaway_code(std::string_view wire) {
  const auto frames = only(NGHTTP2_GOAWAY, parse(wire));
  if (frames.empty()) return std::nullopt;
  return frames.back().number(4);
}

/// A client that keeps to the protocol: nghttp2's, with every window as large as a browser's unless
/// told otherwise.
class Client {
 public:
  struct Reply {
    int status = 0;
    std::map<std::string, std::string> headers;
    std::string body;
    bool is_closed = false;
    std::uint32_t code = 0;  ///< Of RST_STREAM, when closed.
  };

  explicit Client(std::uint32_t window = 6 << 20, bool is_manual = false) {
    nghttp2_session_callbacks* table = nullptr;
    nghttp2_session_callbacks_new(&table);
    const CHandle<nghttp2_session_callbacks, nghttp2_session_callbacks_del> owner(table);
    nghttp2_session_callbacks_set_on_header_callback(table, &on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, &on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, &on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, &on_frame);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    const CHandle<nghttp2_option, nghttp2_option_del> option_owner(option);
    nghttp2_option_set_no_auto_window_update(option, is_manual ? 1 : 0);
    nghttp2_option_set_peer_max_concurrent_streams(option, 1000);
    nghttp2_session* native = nullptr;
    nghttp2_session_client_new2(&native, table, this, option);
    native_.reset(native);
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
    nghttp2_submit_settings(native, NGHTTP2_FLAG_NONE, &entry, 1);
    nghttp2_session_set_local_window_size(native, NGHTTP2_FLAG_NONE, 0, 15 << 20);
  }

  std::int32_t ask(const Fields& fields, std::string body = {}, bool ends = true) {
    std::vector<nghttp2_nv> nva;
    for (const auto& [name, value] : fields) {
      nva.push_back({octets(name), octets(value), name.size(), value.size(), 0});
    }
    const bool has_body = !body.empty() || !ends;
    nghttp2_data_provider provider{.source = {.ptr = this}, .read_callback = &read_upload};
    const std::int32_t id = nghttp2_submit_request(native_.get(), nullptr, nva.data(), nva.size(),
                                                   has_body ? &provider : nullptr, nullptr);
    uploads_[id] = {std::move(body), ends};
    return id;
  }
  void upload(std::int32_t id, std::string_view more, bool ends = false) {
    uploads_[id].bytes += more;
    uploads_[id].ends = ends;
    nghttp2_session_resume_data(native_.get(), id);
  }
  void reset(std::int32_t id) {
    nghttp2_submit_rst_stream(native_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
  void ping() { nghttp2_submit_ping(native_.get(), NGHTTP2_FLAG_NONE, nullptr); }
  /// Gives back window that a manual client holds.
  void consume(std::int32_t id, std::size_t n) { nghttp2_session_consume(native_.get(), id, n); }

  void feed(std::string_view wire) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(wire.data());
    is_broken |= nghttp2_session_mem_recv(native_.get(), data, wire.size()) < 0;
  }
  std::string take() {
    std::string all;
    for (;;) {
      const std::uint8_t* data = nullptr;
      const ssize_t n = nghttp2_session_mem_send(native_.get(), &data);
      if (n <= 0) return all;
      all.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(n));
    }
  }
  std::size_t uploaded(std::int32_t id) { return uploads_[id].sent; }

  std::map<std::int32_t, Reply> replies;
  int ping_acks = 0;
  std::vector<std::int32_t> goaways;  ///< Last stream id of each.
  bool is_broken = false;             ///< The server's bytes were not HTTP/2.

 private:
  struct Upload {
    std::string bytes;
    bool ends = true;
    std::size_t sent = 0;
  };

  static Client& self(void* user) { return *static_cast<Client*>(user); }
  static std::uint8_t* octets(const std::string& s) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(s.data()));
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    Reply& reply = self(user).replies[frame->hd.stream_id];
    const std::string n(reinterpret_cast<const char*>(name), name_size);
    const std::string v(reinterpret_cast<const char*>(value), value_size);
    if (n == ":status") reply.status = std::stoi(v);
    reply.headers[n] = v;
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    self(user).replies[id].body.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    self(user).replies[id].is_closed = true;
    self(user).replies[id].code = code;
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
      ++self(user).ping_acks;
    }
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      self(user).goaways.push_back(frame->goaway.last_stream_id);
    }
    return 0;
  }
  static ssize_t read_upload(nghttp2_session*, std::int32_t id, std::uint8_t* buffer,
                             std::size_t size, std::uint32_t* flags, nghttp2_data_source*,
                             void* user) {
    Upload& upload = self(user).uploads_[id];
    const std::size_t n = std::min(size, upload.bytes.size());
    if (n == 0 && !upload.ends) return NGHTTP2_ERR_DEFERRED;
    std::memcpy(buffer, upload.bytes.data(), n);
    upload.bytes.erase(0, n);
    upload.sent += n;
    if (upload.ends && upload.bytes.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }

  CHandle<nghttp2_session, nghttp2_session_del> native_;
  std::map<std::int32_t, Upload> uploads_;
};

/// A client and a server with a wire between them.
struct Pair {
  explicit Pair(Options options = {}, std::uint32_t window = 6 << 20, bool is_manual = false)
      : server(options), client(window, is_manual) {
    settle();
  }
  /// Carries bytes to and fro until nobody has more to say.
  void settle() {
    for (;;) {
      const std::string to_server = client.take();
      if (!to_server.empty()) server.feed(to_server);
      const std::string to_client = server.fill();
      client.feed(to_client);
      if (to_server.empty() && to_client.empty()) return;
    }
  }
  Client::Reply& reply(std::int32_t id) { return client.replies[id]; }

  Server server;
  Client client;
};

}  // namespace sluice::h2::testing
