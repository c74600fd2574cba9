// What nghttp2 calls back in a client session: three-line adapters (see ClientSession's invariant).

#include "gateway/base/assert.h"
#include "gateway/h2/client_session.h"
#include "gateway/h2/handles.h"

namespace sluice::h2 {
namespace {

bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}
bool is_ack(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0;
}

}  // namespace

// NOLINTBEGIN(readability-function-size): nghttp2 decides how many parameters there are.
struct ClientSession::Callbacks {
  static ClientSession& self(void* user) { return *static_cast<ClientSession*>(user); }
  /// Null for a stream that is closed, and for what the server opens.
  static ClientStream* stream_of(nghttp2_session* native, std::int32_t id) {
    return static_cast<ClientStream*>(nghttp2_session_get_stream_user_data(native, id));
  }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* hd, void* user) noexcept {
    const bool is_good = self(user).on_frame_begins(hd->type, hd->flags, hd->length);
    return is_good ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int on_begin_headers(nghttp2_session* native, const nghttp2_frame* frame, void*) noexcept {
    ClientStream* stream = stream_of(native, frame->hd.stream_id);
    if (stream != nullptr) stream->on_head_begins();
    return 0;
  }

  static int on_header(nghttp2_session* native, const nghttp2_frame* frame, nghttp2_rcbuf* name,
                       nghttp2_rcbuf* value, std::uint8_t, void*) noexcept {
    ClientStream* stream = stream_of(native, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    const nghttp2_vec n = nghttp2_rcbuf_get_buf(name);
    const nghttp2_vec v = nghttp2_rcbuf_get_buf(value);
    stream->on_field(as_text(n.base, n.len), as_text(v.base, v.len));
    return 0;
  }

  /// A field that nghttp2 would leave out, and pass the rest on.
  static int on_invalid_header(nghttp2_session* native, const nghttp2_frame* frame, nghttp2_rcbuf*,
                               nghttp2_rcbuf*, std::uint8_t, void*) noexcept {
    ClientStream* stream = stream_of(native, frame->hd.stream_id);
    if (stream != nullptr) stream->on_malformed("a field that is not well-formed");
    return 0;
  }

  static int on_frame_recv(nghttp2_session* native, const nghttp2_frame* frame,
                           void* user) noexcept {
    if (frame->hd.type == NGHTTP2_DATA && !ends_stream(*frame)) return 0;  // The usual one.
    ClientSession& session = self(user);
    Progress& progress = session.progress_;
    ClientStream* stream = stream_of(native, frame->hd.stream_id);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (stream != nullptr) stream->on_head_ends();
        [[fallthrough]];
      case NGHTTP2_DATA:
        if (stream != nullptr && ends_stream(*frame)) stream->on_answer_ends();
        break;
      case NGHTTP2_RST_STREAM:
        if (stream != nullptr) stream->on_reset(frame->rst_stream.error_code);
        break;
      case NGHTTP2_SETTINGS:
        (is_ack(*frame) ? progress.settings_acked : progress.settings_seen) = true;
        if (!is_ack(*frame)) progress.limit_moved = true;
        break;
      case NGHTTP2_GOAWAY:
        session.shared_.counters.server_goaways.add();
        progress.goaway_seen = progress.limit_moved = true;
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_data(nghttp2_session* native, std::uint8_t, std::int32_t id,
                     const std::uint8_t* data, std::size_t size, void* user) noexcept {
    self(user).received_ += size;
    ClientStream* stream = stream_of(native, id);
    if (stream != nullptr) stream->on_body(as_text(data, size));
    return 0;
  }

  static int on_invalid_frame(nghttp2_session* native, const nghttp2_frame* frame, int,
                              void*) noexcept {
    ClientStream* stream = stream_of(native, frame->hd.stream_id);
    if (stream != nullptr) stream->on_malformed("a frame that breaks the rules");
    return 0;
  }

  /// From its first byte on: a request of many bytes may leave in several turns.
  static int before_frame_send(nghttp2_session* native, const nghttp2_frame* frame,
                               void*) noexcept {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (ClientStream* stream = stream_of(native, frame->hd.stream_id)) stream->on_head_leaves();
    return 0;
  }

  static int on_frame_send(nghttp2_session* native, const nghttp2_frame* frame,
                           void* user) noexcept {
    ClientSession& session = self(user);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        break;
      case NGHTTP2_DATA:
        session.light_frames_.give(kLightFramesPerData);
        break;
      case NGHTTP2_PING:
        if (!is_ack(*frame)) session.progress_.ping_left = true;
        return 0;
      case NGHTTP2_GOAWAY:
        session.on_goaway_sent(frame->goaway.error_code);
        return 0;
      default:
        return 0;
    }
    if (!ends_stream(*frame)) return 0;
    ClientStream* stream = stream_of(native, frame->hd.stream_id);
    if (stream != nullptr) stream->on_request_sent();
    return 0;
  }

  static int on_stream_close(nghttp2_session* native, std::int32_t id, std::uint32_t code,
                             void* user) noexcept {
    ClientStream* stream = stream_of(native, id);
    if (stream == nullptr) return 0;
    nghttp2_session_set_stream_user_data(native, id, nullptr);
    stream->on_closed(code);
    self(user).remove_stream(*stream);
    return 0;
  }

  static CallbacksPtr make() {
    nghttp2_session_callbacks* table = nullptr;
    SLUICE_ASSERT(nghttp2_session_callbacks_new(&table) == 0, "out of memory");
    nghttp2_session_callbacks_set_on_begin_frame_callback(table, &on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, &on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(table, &on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(table, &on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, &on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, &on_data);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table, &on_invalid_frame);
    nghttp2_session_callbacks_set_before_frame_send_callback(table, &before_frame_send);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, &on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, &on_stream_close);
    return CallbacksPtr(table);
  }

  /// A server that answers every DATA frame with updates of both windows sends two frames for it.
  static constexpr std::uint64_t kLightFramesPerData = 4;
};
// NOLINTEND(readability-function-size)

namespace {

OptionPtr make_option(const ClientOptions& options) {
  nghttp2_option* option = nullptr;
  SLUICE_ASSERT(nghttp2_option_new(&option) == 0, "out of memory");
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_deflate_dynamic_table_size(option, 0);
  nghttp2_option_set_max_settings(option, options.max_settings);
  nghttp2_option_set_max_outbound_ack(option, options.max_outbound_ack);
  nghttp2_option_set_max_continuations(option, options.max_continuations);
  return OptionPtr(option);
}

}  // namespace

SessionPtr ClientSession::make_native() {
  static const CallbacksPtr table = Callbacks::make();
  const OptionPtr option = make_option(shared_.options);
  nghttp2_mem mem = allocator_of(own_memory_);
  nghttp2_session* native = nullptr;
  const SharedMemory::Use use(memory_);
  SLUICE_ASSERT(nghttp2_session_client_new3(&native, table.get(), this, option.get(), &mem) == 0,
                "out of memory");
  // It stands in a frame buffer that is lent until the end of `use`: fill() has another one.
  const std::uint8_t* preface = nullptr;
  SLUICE_ASSERT(nghttp2_session_mem_send(native, &preface) == NGHTTP2_CLIENT_MAGIC_LEN,
                "nghttp2 does not begin with the connection preface");
  return SessionPtr(native);
}

}  // namespace sluice::h2
