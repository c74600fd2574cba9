/// Percent-encoding and forms: what is decoded can be encoded and decoded again; limits hold.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/assert.h"
#include "gateway/base/utf8.h"
#include "gateway/http/uri.h"

namespace sluice::http {
namespace {

constexpr std::size_t kLimit = 16;

void check_percent(std::string_view text) {
  const std::string encoded = percent_encode(text);
  const auto decoded = percent_decode(encoded);
  SLUICE_ASSERT(decoded && *decoded == text, "what was encoded does not decode to itself");
  if (const auto direct = percent_decode(text)) {
    SLUICE_ASSERT(direct->size() <= text.size(), "decoding made it longer");
  }
  SLUICE_ASSERT(!is_text(text) || is_utf8(text), "text is not UTF-8");
}

void check_form(std::string_view text) {
  const auto form = parse_form(text, kLimit);
  if (!form) {
    SLUICE_ASSERT(!form.error().what.empty(), "an error that says nothing");
    return;
  }
  SLUICE_ASSERT(form->size() <= kLimit, "more fields than the limit");
  std::string again;
  for (const auto& [name, value] : *form) {
    SLUICE_ASSERT(first(*form, name) != nullptr, "a field that is there is not found");
    SLUICE_ASSERT(!all(*form, name).empty(), "a field that is there is not found");
    if (!again.empty()) again += '&';
    again += percent_encode(name) + '=' + percent_encode(value);
  }
  const auto second = parse_form(again, kLimit);
  SLUICE_ASSERT(second && *second == *form, "a form that was written does not read as itself");
}

}  // namespace
}  // namespace sluice::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  const std::string text(data, data + size);
  sluice::http::check_percent(text);
  sluice::http::check_form(text);
  return 0;
}
