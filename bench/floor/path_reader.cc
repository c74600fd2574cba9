#include "bench/floor/path_reader.h"

#include <algorithm>
#include <cstdint>

#include <nghttp2/nghttp2.h>

#include "bench/common/args.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kPathIndex = 4;  // of RFC 7541's static table
constexpr unsigned kMostShift = 28;

/// Steps over an integer with a prefix of so many bits (RFC 7541 §5.1), and returns it.
std::size_t take_integer(std::string_view& bytes, unsigned prefix_bits) {
  const auto most = (1U << prefix_bits) - 1;
  std::size_t value = static_cast<unsigned char>(bytes.front()) & most;
  bytes.remove_prefix(1);
  if (value < most) return value;
  for (unsigned shift = 0; !bytes.empty() && shift <= kMostShift; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value += std::size_t{byte & 0x7fU} << shift;
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

/// Steps over a string as it is coded, and returns it with its length before it.
std::string_view take_string(std::string_view& bytes) {
  const auto begin = bytes;
  if (bytes.empty()) return {};
  const auto size = take_integer(bytes, 7);
  bytes.remove_prefix(std::min(size, bytes.size()));
  return begin.substr(0, begin.size() - bytes.size());
}

}  // namespace

void PathReader::Free::operator()(nghttp2_hd_inflater* inflater) const noexcept {
  nghttp2_hd_inflate_del(inflater);
}

PathReader::PathReader() {
  start_anew();
}

void PathReader::start_anew() {
  nghttp2_hd_inflater* inflater = nullptr;
  if (nghttp2_hd_inflate_new(&inflater) != 0) die("out of memory");
  inflater_.reset(inflater);
}

std::string PathReader::read(std::string_view fields) {
  while (!fields.empty()) {
    const auto first = static_cast<unsigned char>(fields.front());
    if ((first & 0x80) != 0) {  // name and value from a table
      take_integer(fields, 7);
    } else if ((first & 0xe0) == 0x20) {  // another size of the table
      take_integer(fields, 5);
    } else {
      const auto index = take_integer(fields, (first & 0x40) != 0 ? 6 : 4);
      if (index == 0) take_string(fields);
      const auto value = take_string(fields);
      if (index == kPathIndex) return decode(value);
    }
  }
  return {};
}

/// As a field of a block of its own, which leaves nothing in the decoder's table.
std::string PathReader::decode(std::string_view coded) {
  const auto block = std::string(1, static_cast<char>(kPathIndex)).append(coded);
  nghttp2_nv field{};
  int flags = 0;
  const auto used =
      nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags,
                             reinterpret_cast<const std::uint8_t*>(block.data()), block.size(), 1);
  std::string path;
  if (used <= 0) {  // a decoder that has failed once stays so
    start_anew();
    return path;
  }
  if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
    path.assign(reinterpret_cast<const char*>(field.value), field.valuelen);
  }
  nghttp2_hd_inflate_end_headers(inflater_.get());
  return path;
}

}  // namespace sluice::bench
