#include "gateway/h1/answer_head.h"

#include <algorithm>
#include <array>

#include "gateway/base/ascii.h"
#include "gateway/h1/fields.h"
#include "gateway/h1/raw_head.h"

namespace sluice::h1 {
namespace {

using MaybeFault = std::optional<AnswerFault>;

AnswerFault malformed(std::string_view what) {
  return {http::CallError::malformed, what};
}

/// "HTTP/1.1 200 OK". Many servers leave out the blank before a reason that is empty.
MaybeFault check_status_line(std::string_view line) {
  constexpr std::size_t kVersion = 8;
  constexpr std::size_t kStatusEnd = kVersion + 4;
  const std::string_view version = line.substr(0, kVersion);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return malformed("not HTTP/1.0 or HTTP/1.1");
  if (line.size() < kStatusEnd || line[kVersion] != ' ') return malformed("malformed status line");
  const std::string_view status = line.substr(kVersion + 1, 3);
  if (!std::all_of(status.begin(), status.end(), is_digit) || status[0] < '1' || status[0] > '5') {
    return malformed("malformed status");
  }
  if (line.size() > kStatusEnd && line[kStatusEnd] != ' ') return malformed("malformed status");
  if (!is_value(line.substr(kStatusEnd))) return malformed("control character in a status line");
  if (status == "101") return malformed("a change of protocol that nobody asked for");
  return std::nullopt;
}

bool concerns_connection(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames{
      "connection", "content-length", "keep-alive",        "proxy-connection",
      "te",         "trailer",        "transfer-encoding", "upgrade"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

MaybeFault interpret(const RawHead& raw, AnswerHead& head) {
  const Framing framing(raw.fields);
  BodyLength length;
  if (const auto reason = read_length(framing, raw.minor_version, length)) {
    return malformed(*reason);
  }
  head = {.response = {.status = raw.status, .headers = {}},
          .keep_alive = keeps_alive(framing, raw.minor_version),
          .is_chunked = length.is_chunked,
          .content_length = length.content_length};
  for (const http::Field& field : raw.fields) {
    if (!concerns_connection(field.name) && !framing.names(field.name)) {
      head.response.headers.add(field.name, field.value);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<AnswerFault> read_answer_head(std::string_view text, std::size_t max_fields,
                                            AnswerHead& head) {
  std::string_view lines = text;
  if (auto fault = check_status_line(take_line(lines))) return fault;
  if (const auto fault = check_field_lines(lines, max_fields)) {
    const auto error = fault->is_too_many ? http::CallError::too_large : http::CallError::malformed;
    return AnswerFault{error, fault->reason};
  }
  RawHead raw;
  switch (read_raw_head(HeadKind::answer, text, raw)) {
    case RawResult::ok:
      return interpret(raw, head);
    case RawResult::bad_length:
      return malformed("content-length malformed, told twice, or beside transfer-encoding");
    case RawResult::unknown_method:
    case RawResult::malformed:
      break;
  }
  return malformed("malformed head");
}

}  // namespace sluice::h1
