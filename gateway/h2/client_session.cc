#include "gateway/h2/client_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/h2/handles.h"

namespace sluice::h2 {
namespace {

constexpr std::string_view kBrokenRules = "the server broke the rules of HTTP/2";
constexpr std::string_view kOtherProtocol = "the server speaks HTTP/1, not HTTP/2 (see `protocol`)";

/// What an answer of HTTP/1 begins with. No first frame does: it would have 4 MiB.
constexpr std::string_view kHttp1 = "HTTP/1.";

std::uint32_t code_for(ssize_t error) {
  switch (error) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_SETTINGS:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
      return NGHTTP2_ENHANCE_YOUR_CALM;
    default:
      return NGHTTP2_INTERNAL_ERROR;
  }
}

}  // namespace

ClientSession::ClientSession(Transport& transport, http::ClientOwner& owner, const Setting& setting)
    : owner_(owner),
      clock_(setting.clock),
      created_(setting.clock.now()),
      shared_{.native = nullptr,
              .transport = transport,
              .options = setting.options,
              .counters = setting.counters},
      memory_(setting.memory),
      own_memory_(setting.memory),
      native_(make_native()),
      resets_(setting.options.resets, created_),
      control_frames_(setting.options.control_frames, created_),
      light_frames_(setting.options.light_frames, created_),
      silent_since_(created_),
      idle_since_(created_) {
  shared_.native = native_.get();
  shared_.counters.sessions.add();
  submit_preface();
}

ClientSession::~ClientSession() {
  is_dead_ = true;
  lose_all(ending_.empty() ? "the connection ended" : ending_);
  owner_.on_gone(*this);
}

void ClientSession::submit_preface() {
  const ClientOptions& o = shared_.options;
  // HEADER_TABLE_SIZE stays as it is, though 40 answers leave 8 KiB in that table: servers of some
  // years (HAProxy 2.4, Jetty 12.0) do not confirm a smaller one in their next head, as RFC 7541
  // §4.2 wants it, and nghttp2 ends the connection then.
  const std::array<nghttp2_settings_entry, 3> settings{{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(o.stream_window)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(o.header_bytes)},
  }};
  SLUICE_ASSERT(nghttp2_submit_settings(native_.get(), NGHTTP2_FLAG_NONE, settings.data(),
                                        settings.size()) == 0,
                "nghttp2 refused our SETTINGS");
  SLUICE_ASSERT(
      nghttp2_session_set_local_window_size(native_.get(), NGHTTP2_FLAG_NONE, 0,
                                            static_cast<std::int32_t>(o.connection_window)) == 0,
      "nghttp2 refused our connection window");
  shared_.transport.flush_later();
}

// Calls.

http::Call& ClientSession::call(http::Outgoing request, http::Caller& caller) {
  SLUICE_ASSERT(can_call(), "a call was made where none can be");
  ++calls_made_;
  resets_.give(1);
  progress_.called = true;
  streams_.push_back(make_in<ClientStream>(memory_.client_streams(), shared_, caller,
                                           static_cast<std::uint32_t>(streams_.size())));
  ClientStream& stream = *streams_.back();
  stream.submit(request);
  return stream;
}

bool ClientSession::can_call() const {
  return streams_.size() < limit() && !is_spent();
}

bool ClientSession::is_spent() const {
  return is_dead_ || is_retired_ || !ending_.empty() || !fault_.what.empty() ||
         progress_.goaway_seen || nghttp2_session_check_request_allowed(native_.get()) == 0;
}

std::size_t ClientSession::limit() const {
  const std::size_t theirs = progress_.settings_seen
                                 ? nghttp2_session_get_remote_settings(
                                       native_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
                                 : shared_.options.assumed_streams;
  return std::min(theirs, shared_.options.max_streams);
}

void ClientSession::retire() {
  if (is_retired_) return;
  is_retired_ = true;
  shared_.has_changed = true;
  say_goodbye();
  shared_.transport.flush_later();
}

/// Not before the last call has ended: some servers take GOAWAY for the end of everything.
void ClientSession::say_goodbye() {
  if (has_said_goodbye_ || shared_.open_calls != 0 || is_dead_ || !ending_.empty()) return;
  has_said_goodbye_ = true;
  nghttp2_submit_goaway(native_.get(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
  shared_.transport.flush_later();
}

// Bytes in.

void ClientSession::feed(std::span<const std::byte> bytes) {
  if (is_dead_ || !ending_.empty()) return;
  progress_.fed = true;
  if (is_http1(bytes)) {
    terminate({.code = NGHTTP2_PROTOCOL_ERROR, .what = kOtherProtocol});
    return settle();
  }
  const ssize_t taken =
      nghttp2_session_mem_recv(native_.get(), as_octets(bytes.data()), bytes.size());
  if (!fault_.what.empty()) {
    terminate(fault_);
  } else if (taken < 0) {
    terminate({.code = code_for(taken), .what = kBrokenRules});
  }
  settle();
}

/// However the bytes are cut. Less than a frame's head of them has been given to nghttp2 by then.
bool ClientSession::is_http1(std::span<const std::byte> bytes) {
  std::uint8_t& matched = progress_.http1_matched;
  for (const std::byte byte : bytes) {
    if (matched >= kHttp1.size()) break;
    const bool fits = static_cast<char>(byte) == kHttp1[matched];
    matched = fits ? static_cast<std::uint8_t>(matched + 1) : kNoHttp1;
  }
  return matched == kHttp1.size();
}

void ClientSession::on_eof() {
  is_dead_ = true;
  shared_.has_changed = true;
  lose_all("the server closed the connection");
  settle();
}

bool ClientSession::wants_read() const {
  return ending_.empty() && !is_dead_ &&
         nghttp2_session_get_outbound_queue_size(native_.get()) <= shared_.options.outbound_high;
}

bool ClientSession::is_finished() const {
  if (is_dead_) return true;
  if (nghttp2_session_get_outbound_queue_size(native_.get()) >= shared_.options.outbound_limit) {
    return true;
  }
  return nghttp2_session_want_read(native_.get()) == 0 &&
         nghttp2_session_want_write(native_.get()) == 0;
}

// Bytes out.

bool ClientSession::fill(OutBuffer& out) {
  if (is_dead_) return false;
  if (!std::exchange(progress_.preface_left, true)) {
    out.append(as_bytes(as_octets(NGHTTP2_CLIENT_MAGIC), NGHTTP2_CLIENT_MAGIC_LEN));
  }
  const bool is_more = pump(out);
  settle();
  return is_more && !is_dead_ && nghttp2_session_want_write(native_.get()) != 0;
}

/// Moves nghttp2's bytes to `out` until it is full. False: nghttp2 has nothing more at the moment.
bool ClientSession::pump(OutBuffer& out) {
  const SharedMemory::Use use(memory_);
  while (out.room() > 0) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(native_.get(), &data);
    if (size < 0) {
      is_dead_ = true;
      shared_.has_changed = true;
      lose_all("the connection failed");
    }
    if (size <= 0) return false;
    out.append(as_bytes(data, static_cast<std::size_t>(size)));
  }
  return true;
}

// What the callbacks report.

bool ClientSession::on_frame_begins(std::uint8_t type, std::uint8_t flags, std::size_t length) {
  switch (type) {
    case NGHTTP2_DATA:
      return length != 0 || (flags & NGHTTP2_FLAG_END_STREAM) != 0 || charge(control_frames_);
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
      return true;              // Bounded by calls, informational_heads and max_continuations.
    case NGHTTP2_PUSH_PROMISE:  // Also before the server has seen that we want none.
      fault_ = {.code = NGHTTP2_PROTOCOL_ERROR, .what = "the server pushed"};
      return false;
    case NGHTTP2_RST_STREAM:
      shared_.counters.server_resets.add();
      return charge(resets_);
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
    case NGHTTP2_GOAWAY:
      return charge(control_frames_);
    default:
      return charge(light_frames_);
  }
}

bool ClientSession::charge(TokenBucket& bucket) {
  if (bucket.take(clock_.now())) return true;
  fault_ = {.code = NGHTTP2_ENHANCE_YOUR_CALM, .what = "the server sent too many frames"};
  return false;
}

/// With a code, it is nghttp2's own answer to a fault of the server: the connection is over.
void ClientSession::on_goaway_sent(std::uint32_t code) {
  if (code == NGHTTP2_NO_ERROR || !ending_.empty()) return;
  ending_ = kBrokenRules;
  shared_.counters.error_closes.add();
}

void ClientSession::remove_stream(ClientStream& stream) {
  const std::uint32_t place = stream.place();
  dying_.push_back(std::exchange(streams_[place], nullptr));
  if (place + 1 != streams_.size()) {
    streams_[place] = std::move(streams_.back());
    streams_[place]->set_place(place);
  }
  streams_.pop_back();
  shared_.has_changed = true;
}

// Endings.

void ClientSession::terminate(const Fault& fault) {
  ending_ = fault.what;
  (fault.code == NGHTTP2_ENHANCE_YOUR_CALM ? shared_.counters.calm_closes
                                           : shared_.counters.error_closes)
      .add();
  nghttp2_session_terminate_session(native_.get(), fault.code);
  shared_.transport.flush_later();
}

void ClientSession::lose_all(std::string_view what) {
  // Nothing here removes a stream, and nobody can call any more.
  for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i]->lose(what);
}

/// The server has lowered its limit, or takes no more: what has not left is better sent elsewhere
/// than kept until there is room, which may never be.
void ClientSession::refuse_unsent() {
  const std::size_t allowed = progress_.goaway_seen ? 0 : limit();
  std::size_t used = 0;
  for (const auto& stream : streams_) used += stream->is_sent() ? 1U : 0U;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    ClientStream& stream = *streams_[i];
    if (stream.is_sent() || !stream.is_open() || ++used <= allowed) continue;
    stream.refuse("the server takes no more calls on this connection");
  }
}

void ClientSession::settle() {
  if (received_ != 0) {
    shared_.counters.data_bytes.add(received_);
    nghttp2_session_consume_connection(native_.get(), std::exchange(received_, 0));
  }
  if (std::exchange(progress_.limit_moved, false)) {
    shared_.has_changed = true;
    refuse_unsent();
  }
  for (const std::int32_t id : std::exchange(shared_.answered_early, {})) {
    if (nghttp2_session_get_stream_user_data(native_.get(), id) == nullptr) continue;  // Closed.
    nghttp2_submit_rst_stream(native_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
    shared_.transport.flush_later();
  }
  if (!ending_.empty() && shared_.open_calls != 0) lose_all(ending_);
  dying_.clear();
  if (std::exchange(shared_.has_changed, false)) owner_.on_change(*this);
  if (is_retired_) say_goodbye();
}

// Time.

TimePoint ClientSession::check(TimePoint now) {
  if (is_dead_) return TimePoint::max();
  // A call may begin at any moment, and must be found within its own limit.
  TimePoint next = now + shared_.options.ping_after;
  if (ending_.empty()) next = std::min(next, check_handshake(now));
  if (ending_.empty()) next = std::min(next, check_liveness(now));
  if (ending_.empty()) next = std::min(next, check_idle(now));
  settle();
  return std::max(next, now);
}

TimePoint ClientSession::check_handshake(TimePoint now) {
  if (progress_.settings_seen && progress_.settings_acked) return TimePoint::max();
  const TimePoint end = created_ + shared_.options.settings_timeout;
  if (now < end) return end;
  shared_.counters.settings_timeouts.add();
  shared_.has_changed = true;
  terminate({.code = NGHTTP2_SETTINGS_TIMEOUT, .what = "the server did not begin HTTP/2 in time"});
  return now;
}

TimePoint ClientSession::check_liveness(TimePoint now) {
  const ClientOptions& o = shared_.options;
  if (std::exchange(progress_.fed, false) || shared_.open_calls == 0) {
    silent_since_ = now;
    progress_.ping_waits = false;
  }
  if (!progress_.ping_waits) {
    if (now - silent_since_ < o.ping_after) return silent_since_ + o.ping_after;
    progress_.ping_waits = true;
    progress_.ping_left = false;
    ping_since_ = now;
    nghttp2_submit_ping(native_.get(), NGHTTP2_FLAG_NONE, nullptr);
    shared_.counters.pings.add();
    shared_.transport.flush_later();
  }
  // A socket that takes nothing is the transport's business, and has its own limit.
  if (!progress_.ping_left) ping_since_ = now;
  if (now - ping_since_ >= o.ping_timeout) {
    shared_.counters.ping_timeouts.add();
    shared_.has_changed = true;
    is_dead_ = true;
    lose_all("the server does not answer PING");
  }
  return ping_since_ + o.ping_timeout;
}

TimePoint ClientSession::check_idle(TimePoint now) {
  if (is_dead_ || is_retired_) return TimePoint::max();
  if (std::exchange(progress_.called, false) || shared_.open_calls != 0) idle_since_ = now;
  const TimePoint end = idle_since_ + shared_.options.idle_timeout;
  if (now < end) return end;
  shared_.counters.idle_timeouts.add();
  retire();
  return TimePoint::max();
}

}  // namespace sluice::h2
