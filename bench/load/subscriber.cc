#include "bench/load/subscriber.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <nghttp2/nghttp2.h>

#include "bench/common/args.h"

namespace sluice::bench {
namespace {

/// Windows are given back by hand where streams may be slow.
struct OptionFree {
  void operator()(nghttp2_option* option) const noexcept { nghttp2_option_del(option); }
};
std::unique_ptr<nghttp2_option, OptionFree> by_hand() {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) die("out of memory");
  nghttp2_option_set_no_auto_window_update(option, 1);
  return std::unique_ptr<nghttp2_option, OptionFree>(option);
}

}  // namespace

struct Subscriber::Callbacks {
  // NOLINTNEXTLINE(readability-function-size): the parameters are nghttp2's
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* self) noexcept {
    if (text_of(name, name_size) != ":status") return 0;
    static_cast<Subscriber*>(self)->on_head(frame->hd.stream_id, text_of(value, value_size));
    return 0;
  }

  // NOLINTNEXTLINE(readability-function-size)
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream_id,
                     const std::uint8_t* bytes, std::size_t size, void* self) noexcept {
    static_cast<Subscriber*>(self)->on_data(stream_id, text_of(bytes, size));
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t stream_id, std::uint32_t code,
                             void* self) noexcept {
    static_cast<Subscriber*>(self)->on_close(stream_id, code);
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

Subscriber::Subscriber(Audience& audience, std::size_t first_stream)
    : H2Connection(audience.poller, audience.options.subscribe, audience.tls.get(),
                   audience.read_buffer),
      audience_(audience),
      first_stream_(first_stream),
      started_ns_(now_ns()),
      streams_(audience.options.streams) {}

void Subscriber::on_open() {
  audience_.counts.connections_open += 1;
  const auto option = audience_.has_slow ? by_hand() : nullptr;
  make_session(Callbacks::table(), this, option.get());
  const auto& options = audience_.options;
  const std::array<nghttp2_settings_entry, 2> settings{
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(options.stream_window)}}};
  nghttp2_submit_settings(session(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session(), NGHTTP2_FLAG_NONE, 0, options.connection_window);
  for (std::size_t i = 0; i < streams_.size(); ++i) open_stream(i);
}

void Subscriber::open_stream(std::size_t index) {
  const auto plan = audience_.plan(first_stream_ + index);
  streams_[index].pace = plan.pace;
  streams_[index].is_measured = plan.is_measured;
  const auto authority = audience_.options.subscribe.authority();
  std::vector<nghttp2_nv> fields{field(":method", "GET"), field(":scheme", "https"),
                                 field(":authority", authority), field(":path", plan.path),
                                 field("accept", "text/event-stream")};
  if (!audience_.last_event_id.empty()) {
    fields.push_back(field("last-event-id", audience_.last_event_id));
  }
  if (nghttp2_submit_request(session(), nullptr, fields.data(), fields.size(), nullptr, nullptr) <
      0) {
    die("nghttp2 refuses a request");
  }
}

bool Subscriber::take(std::string_view bytes) {
  auto& counts = audience_.counts;
  audience_.read_ns = now_ns();
  counts.bytes += bytes.size();
  const auto deliveries_before = counts.deliveries;
  if (!H2Connection::take(bytes)) return false;
  if (counts.deliveries != deliveries_before) counts.reads += 1;
  return true;
}

void Subscriber::on_fail(bool was_open) {
  if (audience_.expects_goodbye && closed_streams_ == streams_.size()) return;
  (was_open ? audience_.counts.connections_lost : audience_.counts.connect_failed) += 1;
}

Subscriber::Stream& Subscriber::stream_of(std::int32_t stream_id) {
  return streams_[static_cast<std::size_t>(stream_id) / 2];
}

void Subscriber::on_head(std::int32_t stream_id, std::string_view status) {
  if (status != "200") {
    audience_.counts.non_200 += 1;
    return;
  }
  auto& stream = stream_of(stream_id);
  stream.answered_200 = true;
  if (audience_.options.is_ready_at_head) note_ready(stream);
}

void Subscriber::note_ready(Stream& stream) {
  if (std::exchange(stream.is_ready, true)) return;
  auto& counts = audience_.counts;
  ready_streams_ += 1;
  counts.streams_ready += 1;
  if (ready_streams_ == streams_.size()) counts.connections_ready += 1;
  audience_.first_byte.record(audience_.read_ns - started_ns_);
}

void Subscriber::on_data(std::int32_t stream_id, std::string_view bytes) {
  auto& stream = stream_of(stream_id);
  auto& counts = audience_.counts;
  if (stream.answered_200) note_ready(stream);
  stream.scanner.feed(bytes, [&](const EventScanner::Event& event) { on_event(stream_id, event); });
  // A stream begins with a comment line; the next is a heartbeat.
  if (!stream.has_heartbeat && stream.scanner.comments() > 1) {
    stream.has_heartbeat = true;
    counts.streams_with_heartbeat += 1;
  }
  if (audience_.has_slow) give_back(stream_id, bytes.size());
}

void Subscriber::on_event(std::int32_t stream_id, const EventScanner::Event& event) {
  auto& counts = audience_.counts;
  const auto& stream = stream_of(stream_id);
  const auto index = first_stream_ + static_cast<std::size_t>(stream_id) / 2;
  const auto publisher = audience_.publisher_of(event, index);
  if (!publisher) {
    counts.foreign += 1;
    return;
  }
  if (event.data_size != audience_.options.size) counts.damaged += 1;
  counts.deliveries += 1;
  audience_.ledger.note(index, *publisher, event.token->sequence);
  if (!stream.is_measured) return;
  counts.measured_deliveries += 1;
  if (audience_.measuring) audience_.latency.record(audience_.read_ns - event.token->sent_ns);
}

void Subscriber::on_close(std::int32_t stream_id, std::uint32_t code) {
  auto& counts = audience_.counts;
  closed_streams_ += 1;
  const bool has_said_goodbye = stream_of(stream_id).scanner.retries() > 1;
  if (code != NGHTTP2_NO_ERROR) {
    counts.streams_reset += 1;
  } else if (audience_.expects_goodbye && has_said_goodbye) {
    counts.goodbyes += 1;
  } else {
    counts.streams_ended += 1;
  }
}

/// The connection's window is given back at once: slow streams must hold up nobody else.
void Subscriber::give_back(std::int32_t stream_id, std::size_t bytes) {
  auto& stream = stream_of(stream_id);
  nghttp2_session_consume_connection(session(), bytes);
  if (stream.pace == Pace::full) {
    nghttp2_session_consume_stream(session(), stream_id, bytes);
  } else {
    stream.held_back += static_cast<std::uint32_t>(bytes);
  }
}

std::size_t Subscriber::take_slowly(std::size_t bytes) {
  if (!is_open()) return 0;
  std::size_t taken = 0;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    auto& stream = streams_[i];
    const auto more = std::min<std::size_t>(bytes, stream.held_back);
    if (stream.pace != Pace::slow || more == 0) continue;
    taken += more;
    stream.held_back -= static_cast<std::uint32_t>(more);
    nghttp2_submit_window_update(session(), NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(2 * i + 1),
                                 static_cast<std::int32_t>(more));
  }
  flush();
  return taken;
}

}  // namespace sluice::bench
