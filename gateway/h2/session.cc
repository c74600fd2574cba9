#include "gateway/h2/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/h2/handles.h"

namespace sluice::h2 {
namespace {

/// nghttp2 gets so much at a time: an abuse is acted upon between two pieces.
constexpr std::size_t kPiece = 4_KiB;
/// A client that answers every DATA frame with updates of both windows sends two frames for it.
constexpr std::uint64_t kLightFramesPerData = 4;

std::uint32_t code_for(ssize_t error) {
  switch (error) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_SETTINGS:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
      return NGHTTP2_ENHANCE_YOUR_CALM;
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
      return NGHTTP2_PROTOCOL_ERROR;
    default:
      return NGHTTP2_INTERNAL_ERROR;
  }
}

}  // namespace

Session::Session(Transport& transport, http::Service& service, http::Connection info,
                 const Setting& setting, HeaderTable table)
    : service_(service),
      clock_(setting.clock),
      created_(setting.clock.now()),
      shared_{.native = nullptr,
              .transport = transport,
              .info = std::move(info),
              .options = setting.options,
              .counters = setting.counters,
              .dying = {}},
      counted_(setting.counters.open_sessions),
      memory_(setting.memory),
      own_memory_(setting.memory),
      native_(make_native()),
      provoked_resets_(setting.options.provoked_resets, created_),
      peer_resets_(setting.options.peer_resets, created_),
      control_frames_(setting.options.control_frames, created_),
      light_frames_(setting.options.light_frames, created_),
      silent_since_(created_),
      idle_since_(created_) {
  shared_.native = native_.get();
  shared_.info.protocol = "h2";
  shared_.info.open_exchanges = shared_.info.event_streams = 0;
  shared_.counters.sessions.add();
  submit_preface(table);
}

Session::~Session() {
  // From here on no stream does anything.
  for (const auto& stream : streams_) stream->end(ending());
  sweep();
}

/// RFC 7541 §4.2: whose table we make smaller has to say so at the begin of its next head. HAProxy
/// 2.6 does not, towards its servers, and nghttp2 ends the connection then.
void Session::submit_preface(HeaderTable table) {
  const Options& o = shared_.options;
  const std::array<nghttp2_settings_entry, 5> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, o.max_concurrent_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(o.stream_window)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(o.header_list_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0},
  }};
  const std::size_t count = settings.size() - (table == HeaderTable::standard ? 1 : 0);
  SLUICE_ASSERT(
      nghttp2_submit_settings(native_.get(), NGHTTP2_FLAG_NONE, settings.data(), count) == 0,
      "nghttp2 refused our SETTINGS");
  SLUICE_ASSERT(
      nghttp2_session_set_local_window_size(native_.get(), NGHTTP2_FLAG_NONE, 0,
                                            static_cast<std::int32_t>(o.connection_window)) == 0,
      "nghttp2 refused our connection window");
  shared_.transport.flush_later();
}

// Bytes in.

void Session::feed(std::span<const std::byte> bytes) {
  progress_.fed = true;
  while (!bytes.empty() && !is_ending_ && !is_dead_) {
    const auto piece = bytes.first(std::min(bytes.size(), kPiece));
    bytes = bytes.subspan(piece.size());
    const ssize_t taken =
        nghttp2_session_mem_recv(native_.get(), as_octets(piece.data()), piece.size());
    if (is_doomed_) {
      terminate(NGHTTP2_ENHANCE_YOUR_CALM);
    } else if (taken < 0) {
      terminate(code_for(taken));
    }
  }
  sweep();
}

void Session::on_eof() {
  is_dead_ = true;
  for (const auto& stream : streams_) stream->end(http::Ending::client_left);
  sweep();
}

bool Session::wants_read() const {
  return !is_ending_ && !is_dead_ &&
         nghttp2_session_get_outbound_queue_size(native_.get()) <= shared_.options.outbound_high;
}

bool Session::is_finished() const {
  if (is_dead_) return true;
  if (nghttp2_session_get_outbound_queue_size(native_.get()) >= shared_.options.outbound_limit) {
    return true;
  }
  return nghttp2_session_want_read(native_.get()) == 0 &&
         nghttp2_session_want_write(native_.get()) == 0;
}

// Bytes out.

bool Session::fill(OutBuffer& out) {
  if (is_dead_) return false;
  shared_.out = &out;
  bool is_more = pump(out);
  if (is_doomed_ && !is_ending_) {
    terminate(NGHTTP2_ENHANCE_YOUR_CALM);
    is_more = pump(out);
  }
  shared_.out = nullptr;
  sweep();
  if (!is_more || is_dead_) return false;
  return shared_.first_woken != nullptr || nghttp2_session_want_write(native_.get()) != 0;
}

bool Session::pump(OutBuffer& out) {
  shared_.is_paused = false;
  const SharedMemory::Use use(memory_);
  while (out.room() > 0) {
    Stream::begin_bursts(shared_);
    const std::uint8_t* data = nullptr;
    // DATA does not come out here: Stream::send() has put it into `out` when this returns.
    const ssize_t size = nghttp2_session_mem_send(native_.get(), &data);
    if (size < 0) is_dead_ = true;
    if (size == 0 && shared_.first_woken != nullptr) continue;
    if (size <= 0) return shared_.is_paused;
    out.append(as_bytes(data, static_cast<std::size_t>(size)));
  }
  return true;
}

// What the callbacks report.

Stream* Session::find_stream(std::int32_t id) {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(native_.get(), id));
}

Stream& Session::add_stream(std::int32_t id) {
  progress_.any_request = true;
  shared_.counters.streams.add();
  streams_.push_back(
      make_in<Stream>(memory_.streams(), shared_, id, static_cast<std::uint32_t>(streams_.size())));
  return *streams_.back();
}

void Session::remove_stream(Stream& stream) {
  // Who is removed before his answer was complete has reset it, or made us do so.
  stream.end(http::Ending::client_left);
  nghttp2_session_set_stream_user_data(native_.get(), stream.native_id(), nullptr);
  if (progress_.header_block == stream.native_id()) progress_.header_block = 0;
  const std::uint32_t place = stream.place();
  dying_.push_back(std::exchange(streams_[place], nullptr));
  if (place + 1 != streams_.size()) {
    streams_[place] = std::move(streams_.back());
    streams_[place]->set_place(place);
  }
  streams_.pop_back();
  if (streams_.empty()) progress_.fell_idle = true;
}

void Session::on_frame_begins(std::uint8_t type, std::uint8_t flags, std::size_t length) {
  if (type != NGHTTP2_CONTINUATION) progress_.header_block = 0;
  switch (type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
      return;  // Bounded by streams, fields and max_continuations.
    case NGHTTP2_DATA:
      if (length == 0 && (flags & NGHTTP2_FLAG_END_STREAM) == 0) charge(control_frames_);
      return;
    case NGHTTP2_RST_STREAM:
      shared_.counters.peer_resets.add();
      charge(peer_resets_);
      return;
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
    case NGHTTP2_GOAWAY:
      charge(control_frames_);
      return;
    default:
      light_frames_.give(kLightFramesPerData * (shared_.frames_sent - frames_credited_));
      frames_credited_ = shared_.frames_sent;
      charge(light_frames_);
      return;
  }
}

// nghttp2 resets a stream for an error of the peer in two ways: it reports an invalid frame, now,
// and sends RST_STREAM later; or (a body that contradicts its content-length) only the latter. An
// invalid frame is charged at once, so that many of them in one piece do not get away; its reset is
// paid then.
void Session::on_invalid_frame(std::int32_t stream) {
  if (progress_.header_block == stream) progress_.header_block = 0;
  ++resets_paid_;
  charge(provoked_resets_);
}

void Session::on_reset_sent(const Stream* stream, std::uint32_t code) {
  if (code == NGHTTP2_NO_ERROR || (stream != nullptr && stream->asked_for(code))) return;
  shared_.counters.provoked_resets.add();
  if (resets_paid_ > 0) {
    --resets_paid_;
  } else {
    charge(provoked_resets_);
  }
}

/// One with an error that terminate() did not ask for is nghttp2's own: what the peer sent is no
/// fault of one stream, such as a field that it does not decode since it is larger than 64 KiB.
void Session::on_goaway_sent(std::uint32_t code) {
  shared_.counters.goaways.add();
  if (code == NGHTTP2_NO_ERROR || is_ending_) return;
  is_ending_ = true;
  shared_.ending = http::Ending::protocol_error;
  shared_.counters.error_closes.add();
}

void Session::charge(TokenBucket& bucket) {
  if (!bucket.take(clock_.now())) is_doomed_ = true;
}

// Endings.

http::Ending Session::ending() const {
  const bool is_known = shared_.ending != http::Ending::none;
  return is_known ? shared_.ending : http::ending_of(shared_.transport.state().hangup);
}

http::Flow Session::flow() const {
  return {.stream_window = -1,
          .connection_window = nghttp2_session_get_remote_window_size(native_.get()),
          .transport = shared_.transport.state()};
}

void Session::terminate(std::uint32_t code) {
  if (is_ending_) return;
  is_ending_ = true;
  shared_.ending = http::Ending::protocol_error;
  (code == NGHTTP2_ENHANCE_YOUR_CALM ? shared_.counters.calm_closes : shared_.counters.error_closes)
      .add();
  nghttp2_session_terminate_session(native_.get(), code);
  shared_.transport.flush_later();
}

void Session::sweep() {
  while (!shared_.dying.empty() || !dying_.empty()) {
    // An Answer that goes may end others: they come with the next round.
    const auto streams = std::exchange(dying_, {});
    auto answers = std::exchange(shared_.dying, {});
    answers.clear();  // An Exchange outlives its Answer.
  }
}

std::optional<TimePoint> Session::idle_since() const {
  const bool is_idle = streams_.empty() && !progress_.fell_idle;
  const bool is_leaving =
      is_dead_ || is_ending_ || is_draining_ || final_goaway_at_ != TimePoint::max();
  return is_idle && !is_leaving ? std::optional(idle_since_) : std::nullopt;
}

void Session::drain_notice() {
  if (is_noticed_ || is_draining_ || is_ending_) return;
  is_noticed_ = true;
  nghttp2_submit_shutdown_notice(native_.get());
  shared_.transport.flush_later();
}

void Session::drain_finish() {
  if (is_draining_ || is_ending_) return;
  is_draining_ = true;
  nghttp2_submit_goaway(native_.get(), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(native_.get()), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  shared_.transport.flush_later();
}

std::string nghttp2_version() {
  return ::nghttp2_version(0)->version_str;
}

}  // namespace sluice::h2
