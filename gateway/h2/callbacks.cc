// What nghttp2 calls back: three-line adapters that record and submit (see Session's invariant).

#include <algorithm>
#include <cstdlib>

#include "gateway/base/assert.h"
#include "gateway/h2/handles.h"
#include "gateway/h2/session.h"

namespace sluice::h2 {
namespace {

bool has_flag(const nghttp2_frame& frame, int flag) {
  return (frame.hd.flags & flag) != 0;
}

}  // namespace

// NOLINTBEGIN(readability-function-size): nghttp2 decides how many parameters there are.
struct Session::Callbacks {
  static Session& self(void* user) { return *static_cast<Session*>(user); }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* hd, void* user) noexcept {
    self(user).on_frame_begins(hd->type, hd->flags, hd->length);
    return 0;
  }

  static int on_begin_headers(nghttp2_session* native, const nghttp2_frame* frame,
                              void* user) noexcept {
    Session& session = self(user);
    const std::int32_t id = frame->hd.stream_id;
    session.progress_.header_block = id;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    nghttp2_session_set_stream_user_data(native, id, &session.add_stream(id));
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name,
                       nghttp2_rcbuf* value, std::uint8_t, void* user) noexcept {
    Stream* stream = self(user).find_stream(frame->hd.stream_id);
    if (stream == nullptr || stream->head() == nullptr) return 0;  // A trailer: nobody wants it.
    const nghttp2_vec n = nghttp2_rcbuf_get_buf(name);
    const nghttp2_vec v = nghttp2_rcbuf_get_buf(value);
    stream->head()->add(as_text(n.base, n.len), as_text(v.base, v.len));
    return 0;
  }

  static int on_invalid_header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf*,
                               nghttp2_rcbuf*, std::uint8_t, void* user) noexcept {
    Stream* stream = self(user).find_stream(frame->hd.stream_id);
    if (stream != nullptr && stream->head() != nullptr) stream->head()->mark_malformed();
    return 0;
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    Session& session = self(user);
    Progress& progress = session.progress_;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        progress.header_block = 0;
        progress.has_served = true;
        [[fallthrough]];
      case NGHTTP2_DATA: {
        Stream* stream = session.find_stream(frame->hd.stream_id);
        if (stream == nullptr) break;
        const bool is_end = has_flag(*frame, NGHTTP2_FLAG_END_STREAM);
        if (stream->head() != nullptr) stream->open(session.service_, !is_end);
        if (is_end) stream->on_body_end();
        break;
      }
      case NGHTTP2_SETTINGS:
        (has_flag(*frame, NGHTTP2_FLAG_ACK) ? progress.settings_acked : progress.settings_seen) =
            true;
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_data(nghttp2_session* native, std::uint8_t, std::int32_t id,
                     const std::uint8_t* data, std::size_t size, void* user) noexcept {
    Stream* stream = self(user).find_stream(id);
    if (stream != nullptr) {
      stream->on_body(as_text(data, size));
    } else {
      nghttp2_session_consume(native, id, size);
    }
    return 0;
  }

  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int,
                              void* user) noexcept {
    self(user).on_invalid_frame(frame->hd.stream_id);
    return 0;
  }

  static int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    Session& session = self(user);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA:
        if (!has_flag(*frame, NGHTTP2_FLAG_END_STREAM)) break;
        if (Stream* stream = session.find_stream(frame->hd.stream_id)) stream->on_answer_sent();
        break;
      case NGHTTP2_RST_STREAM:
        session.on_reset_sent(session.find_stream(frame->hd.stream_id),
                              frame->rst_stream.error_code);
        break;
      case NGHTTP2_PING:
        if (!has_flag(*frame, NGHTTP2_FLAG_ACK)) session.progress_.ping_left = true;
        break;
      case NGHTTP2_GOAWAY:
        session.on_goaway_sent(frame->goaway.error_code);
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_frame_not_send(nghttp2_session*, const nghttp2_frame* frame, int error,
                               void* user) noexcept {
    Stream* stream = self(user).find_stream(frame->hd.stream_id);
    if (stream != nullptr && frame->hd.type == NGHTTP2_HEADERS) {
      stream->on_answer_not_sent(error == NGHTTP2_ERR_STREAM_CLOSING);
    }
    return 0;
  }

  static int send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t* frame_header,
                       std::size_t size, nghttp2_data_source* source, void*) noexcept {
    static_cast<Stream*>(source->ptr)->send(as_bytes(frame_header, 9), size);
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t,
                             void* user) noexcept {
    Session& session = self(user);
    if (Stream* stream = session.find_stream(id)) session.remove_stream(*stream);
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
    nghttp2_session_callbacks_set_on_frame_send_callback(table, &on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, &on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(table, &send_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, &on_stream_close);
    return CallbacksPtr(table);
  }
};
// NOLINTEND(readability-function-size)

namespace {

OptionPtr make_option(const Options& options) {
  nghttp2_option* option = nullptr;
  SLUICE_ASSERT(nghttp2_option_new(&option) == 0, "out of memory");
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  // Answers are alike for all streams and short: a table costs 4 KiB a connection and saves little.
  nghttp2_option_set_max_deflate_dynamic_table_size(option, 0);
  nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
  nghttp2_option_set_max_settings(option, options.max_settings);
  nghttp2_option_set_max_outbound_ack(option, options.max_outbound_ack);
  nghttp2_option_set_max_continuations(option, options.max_continuations);
  // The second line: ours goes on after a shutdown notice, this one does not.
  nghttp2_option_set_stream_reset_rate_limit(option, 2ULL * options.peer_resets.burst,
                                             2ULL * options.peer_resets.per_second);
  return OptionPtr(option);
}

}  // namespace

SessionPtr Session::make_native() {
  static const CallbacksPtr table = Callbacks::make();
  const OptionPtr option = make_option(shared_.options);
  nghttp2_mem mem = allocator_of(own_memory_);
  nghttp2_session* native = nullptr;
  SLUICE_ASSERT(nghttp2_session_server_new3(&native, table.get(), this, option.get(), &mem) == 0,
                "out of memory");
  return SessionPtr(native);
}

void SessionFree::operator()(nghttp2_session* session) const noexcept {
  nghttp2_session_del(session);
}

}  // namespace sluice::h2
