#include "gateway/h1/response_head.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "gateway/http/date.h"

namespace sluice::h1 {
namespace {

bool is_framing(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames{"connection", "content-length", "keep-alive",
                                                   "transfer-encoding", "upgrade"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool fits_a_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

void write_head(const http::Response& response, const ResponseFraming& framing, WallTime now,
                std::string& out) {
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(http::reason_phrase(response.status)).append("\r\n");
  for (const http::Field& field : response.headers) {
    if (is_framing(field.name) || !fits_a_line(field.name) || !fits_a_line(field.value)) continue;
    add_field(out, field.name, field.value);
  }
  if (!response.headers.has("date")) add_field(out, "date", http::http_date(now));
  if (framing.content_length) {
    add_field(out, "content-length", std::to_string(*framing.content_length));
  } else if (framing.is_chunked) {
    add_field(out, "transfer-encoding", "chunked");
  }
  add_field(out, "connection", framing.keep_alive ? "keep-alive" : "close");
  out.append("\r\n");
}

}  // namespace sluice::h1
