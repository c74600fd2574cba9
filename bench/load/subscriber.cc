#include "bench/load/subscriber.h"

#include <array>
#include <sys/epoll.h>

#include <fmt/core.h>
#include <nghttp2/nghttp2.h>

#include "bench/common/args.h"

namespace sluice::bench {
namespace {

nghttp2_nv field(std::string_view name, std::string_view value) {
  // nghttp2 takes pointers to mutable bytes and copies them.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
          value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

Wire connected(const Audience& audience) {
  const auto& url = audience.options.subscribe;
  auto fd = connect_to(url);
  if (!fd) die(fmt::format("cannot connect to {}", url.authority()));
  return Wire::tls_client(std::move(fd), audience.tls.get(), url.host.c_str());
}

}  // namespace

struct Subscriber::Callbacks {
  // NOLINTNEXTLINE(readability-function-size): the parameters are nghttp2's
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* self) noexcept {
    if (text_of(name, name_size) != ":status") return 0;
    auto& subscriber = *static_cast<Subscriber*>(self);
    if (text_of(value, value_size) == "200") {
      subscriber.stream_of(frame->hd.stream_id).answered_200 = true;
    } else {
      subscriber.audience_.counts.non_200 += 1;
    }
    return 0;
  }

  // NOLINTNEXTLINE(readability-function-size)
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream_id,
                     const std::uint8_t* bytes, std::size_t size, void* self) noexcept {
    static_cast<Subscriber*>(self)->on_data(stream_id, text_of(bytes, size));
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t, std::uint32_t code,
                             void* self) noexcept {
    auto& counts = static_cast<Subscriber*>(self)->audience_.counts;
    (code == NGHTTP2_NO_ERROR ? counts.streams_ended : counts.streams_reset) += 1;
    return 0;
  }

  static nghttp2_session_callbacks* table() {
    static nghttp2_session_callbacks* const made = [] {
      nghttp2_session_callbacks* callbacks = nullptr;
      if (nghttp2_session_callbacks_new(&callbacks) != 0) die("out of memory");
      nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
      nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
      return callbacks;
    }();
    return made;
  }
};

void SessionFree::operator()(nghttp2_session* session) const noexcept {
  nghttp2_session_del(session);
}

Subscriber::Subscriber(Audience& audience, std::size_t first_stream)
    : audience_(audience),
      first_stream_(first_stream),
      started_ns_(now_ns()),
      wire_(connected(audience)),
      streams_(audience.options.streams) {
  audience_.poller.add(wire_.fd(), this, EPOLLIN | EPOLLOUT);
}

void Subscriber::on_ready(std::uint32_t epoll_events) {
  if (state_ == State::closed) return;
  if (state_ == State::connecting) return shake_hands();
  if ((epoll_events & ~std::uint32_t{EPOLLOUT}) != 0) read();
  if (state_ == State::open) flush();
}

void Subscriber::shake_hands() {
  const auto progress = wire_.open();
  if (progress == Progress::closed) return fail(&Audience::Counts::connect_failed);
  if (progress == Progress::wants_read && watches_write_) {
    audience_.poller.change(wire_.fd(), this, EPOLLIN);
    watches_write_ = false;
  }
  if (progress != Progress::done) return;
  state_ = State::open;
  audience_.counts.connections_open += 1;
  open_streams();
  flush();
}

void Subscriber::open_streams() {
  nghttp2_session* session = nullptr;
  if (nghttp2_session_client_new(&session, Callbacks::table(), this) != 0) die("out of memory");
  session_.reset(session);
  const auto& options = audience_.options;
  const std::array<nghttp2_settings_entry, 2> settings{
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(options.stream_window)}}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, options.connection_window);
  for (std::size_t i = 0; i < streams_.size(); ++i) open_stream(first_stream_ + i);
}

void Subscriber::open_stream(std::size_t number) {
  const auto& options = audience_.options;
  const auto authority = options.subscribe.authority();
  auto path = options.subscribe.path;
  if (options.topics > 0) path += fmt::format("/{}", number % options.topics);
  std::vector<nghttp2_nv> fields{field(":method", "GET"), field(":scheme", "https"),
                                 field(":authority", authority), field(":path", path),
                                 field("accept", "text/event-stream")};
  if (!audience_.last_event_id.empty()) {
    fields.push_back(field("last-event-id", audience_.last_event_id));
  }
  if (nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(), nullptr,
                             nullptr) < 0) {
    die("nghttp2 refuses a request");
  }
}

void Subscriber::read() {
  auto& buffer = audience_.read_buffer;
  do {
    const auto got = wire_.read(buffer);
    if (got.progress == Progress::closed) return fail(&Audience::Counts::connections_lost);
    if (got.progress != Progress::done) return;
    audience_.read_ns = now_ns();
    audience_.counts.bytes += got.bytes;
    const auto deliveries_before = audience_.counts.deliveries;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(buffer.data());
    if (nghttp2_session_mem_recv(session_.get(), bytes, got.bytes) < 0) {
      return fail(&Audience::Counts::connections_lost);
    }
    if (audience_.counts.deliveries != deliveries_before) audience_.counts.reads += 1;
  } while (wire_.has_pending());  // at most one buffer of OpenSSL's: the others get their turn
}

void Subscriber::flush() {
  for (;;) {
    if (unsent_.empty()) {
      const std::uint8_t* bytes = nullptr;
      const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
      if (size < 0) return fail(&Audience::Counts::connections_lost);
      if (size == 0) break;
      unsent_.assign(text_of(bytes, static_cast<std::size_t>(size)));
    }
    const auto sent = wire_.write(unsent_);
    if (sent.progress == Progress::closed) return fail(&Audience::Counts::connections_lost);
    if (sent.progress != Progress::done) break;
    unsent_.erase(0, sent.bytes);
  }
  const bool blocked = !unsent_.empty();
  if (blocked == watches_write_) return;
  watches_write_ = blocked;
  audience_.poller.change(wire_.fd(), this, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Subscriber::fail(std::uint64_t Audience::Counts::*cause) {
  state_ = State::closed;
  audience_.counts.*cause += 1;
  session_.reset();
  wire_ = Wire(Fd{});
}

Subscriber::Stream& Subscriber::stream_of(std::int32_t stream_id) {
  return streams_[static_cast<std::size_t>(stream_id) / 2];
}

void Subscriber::on_data(std::int32_t stream_id, std::string_view bytes) {
  auto& stream = stream_of(stream_id);
  auto& counts = audience_.counts;
  if (!stream.has_first_byte && stream.answered_200) {
    stream.has_first_byte = true;
    ready_streams_ += 1;
    counts.streams_ready += 1;
    if (ready_streams_ == streams_.size()) counts.connections_ready += 1;
    audience_.first_byte.record(audience_.read_ns - started_ns_);
  }
  const auto index = first_stream_ + static_cast<std::size_t>(stream_id) / 2;
  stream.scanner.feed(bytes, [&](const EventScanner::Event& event) {
    if (!event.token || event.token->publisher >= audience_.options.publishers) {
      counts.foreign += 1;
      return;
    }
    if (event.data_size != audience_.options.size) counts.damaged += 1;
    counts.deliveries += 1;
    audience_.ledger.note(index, event.token->publisher, event.token->sequence);
    if (audience_.measuring) audience_.latency.record(audience_.read_ns - event.token->sent_ns);
  });
}

}  // namespace sluice::bench
