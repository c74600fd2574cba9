#include "gateway/h1/raw_head.h"

#include <utility>

#include <fmt/format.h>
#if __has_include(<llhttp/llhttp.h>)
#include <llhttp/llhttp.h>
#else
#include <llhttp.h>
#endif

#include "gateway/base/ascii.h"
#include "gateway/h1/fields.h"

namespace sluice::h1 {
namespace {

struct Reading {
  RawHead& head;
  bool in_value = true;  ///< The last piece was of a value: a piece of a name begins a new field.
  bool is_complete = false;
};

/// The only code that llhttp calls back into.
struct HeadCallbacks {
  static Reading& reading(llhttp_t* parser) { return *static_cast<Reading*>(parser->data); }

  static int on_url(llhttp_t* parser, const char* at, std::size_t n) noexcept {
    reading(parser).head.target.append(at, n);
    return 0;
  }
  static int on_name(llhttp_t* parser, const char* at, std::size_t n) noexcept {
    Reading& now = reading(parser);
    if (std::exchange(now.in_value, false)) now.head.fields.emplace_back();
    now.head.fields.back().name.append(at, n);
    return 0;
  }
  static int on_value(llhttp_t* parser, const char* at, std::size_t n) noexcept {
    Reading& now = reading(parser);
    now.in_value = true;
    now.head.fields.back().value.append(at, n);
    return 0;
  }
  static int on_value_end(llhttp_t* parser) noexcept {
    reading(parser).in_value = true;  // Of an empty value there may have been no piece.
    return 0;
  }
  static int on_end(llhttp_t* parser) noexcept {
    Reading& now = reading(parser);
    if (parser->type == HTTP_REQUEST) {
      now.head.method = llhttp_method_name(static_cast<llhttp_method_t>(parser->method));
    }
    now.head.status = parser->status_code;
    now.head.minor_version = parser->http_minor;
    now.is_complete = true;
    return HPE_PAUSED;  // The body is not its business.
  }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t table = [] {
      llhttp_settings_t made;
      llhttp_settings_init(&made);
      made.on_url = on_url;
      made.on_header_field = on_name;
      made.on_header_value = on_value;
      made.on_header_value_complete = on_value_end;
      made.on_headers_complete = on_end;
      return made;
    }();
    return table;
  }
};

RawResult result_of(llhttp_errno_t error) {
  switch (error) {
    case HPE_INVALID_METHOD:
      return RawResult::unknown_method;
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
      return RawResult::bad_length;
    default:
      return RawResult::malformed;
  }
}

}  // namespace

RawResult read_raw_head(HeadKind kind, std::string_view text, RawHead& head) {
  llhttp_t parser;
  llhttp_init(&parser, kind == HeadKind::request ? HTTP_REQUEST : HTTP_RESPONSE,
              &HeadCallbacks::settings());
  Reading reading{.head = head};
  parser.data = &reading;
  const llhttp_errno_t error = llhttp_execute(&parser, text.data(), text.size());
  if (error != HPE_PAUSED || !reading.is_complete) return result_of(error);
  for (http::Field& field : head.fields) {
    for (char& c : field.name) c = to_lower(c);
    const std::string_view value = trimmed(field.value);
    if (value.size() < field.value.size()) field.value = std::string(value);
  }
  return RawResult::ok;
}

std::string llhttp_version() {
  return fmt::format("{}.{}.{}", LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
}

}  // namespace sluice::h1
