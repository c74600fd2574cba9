#include "gateway/net/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <optional>

namespace sluice::net {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;  // Of version 2.
constexpr std::string_view kWord = "PROXY "sv;                     // Of version 1.
constexpr std::size_t kFixed = 16;                                 // Of version 2.

// Commands, families and types of version 2.
constexpr unsigned kLocal = 0x20;
constexpr unsigned kProxy = 0x21;
constexpr unsigned kUnspecified = 0x00;
constexpr unsigned kTcp4 = 0x11;
constexpr unsigned kTcp6 = 0x21;
constexpr unsigned kAlpn = 0x01;
constexpr unsigned kChecksum = 0x03;
constexpr unsigned kUniqueId = 0x05;
constexpr unsigned kTls = 0x20;
constexpr std::size_t kMaxUniqueId = 128;

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::size_t number_at(std::string_view bytes, std::size_t at) {
  return std::size_t{byte_at(bytes, at)} << 8 | byte_at(bytes, at + 1);
}

std::uint32_t long_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint32_t>(number_at(bytes, at) << 16 | number_at(bytes, at + 2));
}

/// CRC-32C (RFC 9260 appendix A), bit by bit: a header is short, and comes once.
std::uint32_t checksum(std::string_view bytes) {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;
  std::uint32_t sum = 0xffffffff;
  for (const char c : bytes) {
    sum ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? kPolynomial : 0);
  }
  return ~sum;
}

/// The text up to the next blank, which goes too; nothing where there is no blank.
std::optional<std::string_view> word(std::string_view& text) {
  const std::size_t end = text.find(' ');
  if (end == text.npos) return std::nullopt;
  const std::string_view first = text.substr(0, end);
  text.remove_prefix(end + 1);
  return first;
}

std::optional<std::uint16_t> port(std::string_view text) {
  std::uint16_t value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  const bool is_padded = text.size() > 1 && text.front() == '0';
  if (result.ec != std::errc() || result.ptr != end || is_padded) return std::nullopt;
  return value;
}

}  // namespace

std::size_t ProxyHeader::take(std::string_view seen) {
  if (state_ == State::complete || state_ == State::bad || seen.empty()) return 0;
  if (state_ == State::beginning) {
    const std::size_t missing = kSignature.size() - std::min(text_.size(), kSignature.size());
    const std::string begun = text_ + std::string(seen.substr(0, missing));
    if (kSignature.starts_with(begun)) {
      if (begun.size() == kSignature.size()) state_ = State::binary;
    } else if (kWord.starts_with(std::string_view(begun).substr(0, kWord.size()))) {
      if (begun.size() >= kWord.size()) state_ = State::line;
    } else {
      fail("it does not begin with a PROXY header");
      return 0;
    }
    if (state_ == State::beginning) {
      text_ = begun;
      return seen.size();
    }
  }
  return state_ == State::line ? take_line(seen) : take_binary(seen);
}

std::size_t ProxyHeader::take_line(std::string_view seen) {
  const std::size_t end = seen.find('\n');
  const std::size_t size = end == seen.npos ? seen.size() : end + 1;
  if (text_.size() + size > kMaxLine) {
    fail("its PROXY line is longer than 107 bytes");
    return 0;
  }
  text_ += seen.substr(0, size);
  if (end != seen.npos) {
    const std::string line = std::move(text_);
    read_line(line);
  }
  return size;
}

/// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "PROXY UNKNOWN…\r\n".
void ProxyHeader::read_line(std::string_view line) {
  if (!line.ends_with("\r\n")) return fail("its PROXY line does not end with CR LF");
  line.remove_suffix(2);
  line.remove_prefix(kWord.size());
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {
    state_ = State::complete;
    return;
  }
  const auto kind = word(line);
  const auto from = word(line);
  const auto to = word(line);
  const auto from_port = word(line);
  if (kind != "TCP4" && kind != "TCP6") return fail("its PROXY line is neither of TCP4 nor TCP6");
  const int family = kind == "TCP4" ? AF_INET : AF_INET6;
  if (!from || !to || !from_port) return fail("its PROXY line is too short");
  const auto source_port = port(*from_port);
  const auto source = SocketAddress::parse(*from, source_port.value_or(0));
  const auto target = SocketAddress::parse(*to, 0);
  const bool are_addresses =
      source && target && source->family() == family && target->family() == family;
  if (!are_addresses) return fail("its PROXY line has an address that is none");
  if (!source_port || !port(line)) return fail("its PROXY line has a port that is none");
  source_ = *source;
  state_ = State::complete;
}

std::size_t ProxyHeader::take_binary(std::string_view seen) {
  std::size_t taken = 0;
  const auto take_up_to = [&](std::size_t size) {
    const std::size_t n = std::min(size - std::min(size, text_.size()), seen.size() - taken);
    text_ += seen.substr(taken, n);
    taken += n;
    return text_.size() >= size;
  };
  if (!take_up_to(kFixed)) return taken;
  const std::size_t length = number_at(text_, 14);
  if (length > kMaxBinary) {
    fail("its PROXY header says to be longer than 4096 bytes");
  } else if (take_up_to(kFixed + length)) {
    read_binary();
  }
  return taken;
}

void ProxyHeader::read_binary() {
  const unsigned command = byte_at(text_, 12);
  if (command != kLocal && command != kProxy) {
    return fail("its PROXY header has an unknown version or command");
  }
  const unsigned family = byte_at(text_, 13);
  const std::string_view payload = std::string_view(text_).substr(kFixed);
  if (command == kProxy && family != kUnspecified) {
    read_addresses(family, payload);
    if (state_ == State::bad) return;
  }
  state_ = State::complete;
  text_ = {};
}

void ProxyHeader::read_addresses(unsigned family, std::string_view payload) {
  if (family != kTcp4 && family != kTcp6) {
    return fail("its PROXY header is neither of TCP over IPv4 nor over IPv6");
  }
  const std::size_t size = family == kTcp4 ? 4 : 16;
  const std::size_t all = 2 * size + 4;
  if (payload.size() < all) return fail("its PROXY header is too short for its addresses");
  const auto source_port = static_cast<std::uint16_t>(number_at(payload, 2 * size));
  if (family == kTcp4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    std::memcpy(&address.sin_addr, payload.data(), size);
    source_ = SocketAddress(static_cast<const sockaddr*>(static_cast<const void*>(&address)),
                            sizeof address);
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    std::memcpy(&address.sin6_addr, payload.data(), size);
    source_ = SocketAddress(static_cast<const sockaddr*>(static_cast<const void*>(&address)),
                            sizeof address);
  }
  source_.set_port(source_port);
  read_extensions(payload.substr(all));
}

void ProxyHeader::read_extensions(std::string_view extensions) {
  while (!extensions.empty()) {
    const std::size_t at = text_.size() - extensions.size();
    const std::size_t length = extensions.size() < 3 ? extensions.size() : number_at(extensions, 1);
    if (extensions.size() < 3 || extensions.size() - 3 < length) {
      return fail("an extension of its PROXY header is cut short");
    }
    read_extension(byte_at(extensions, 0), extensions.substr(3, length), at + 3);
    if (state_ == State::bad) return;
    extensions.remove_prefix(3 + length);
  }
}

/// `at`: where its value begins in the header. Unknown ones are for others.
void ProxyHeader::read_extension(unsigned type, std::string_view value, std::size_t at) {
  if (type == kAlpn) {
    alpn_ = value;
  } else if (type == kTls) {
    // A byte of flags, of which the first says that there was TLS, and the verdict on a
    // certificate.
    if (value.size() < 5) return fail("the TLS extension of its PROXY header is cut short");
    had_tls_ = (byte_at(value, 0) & 1) != 0;
  } else if (type == kUniqueId && value.size() > kMaxUniqueId) {
    fail("the unique id of its PROXY header is longer than 128 bytes");
  } else if (type == kChecksum) {
    if (value.size() != 4) return fail("the checksum of its PROXY header is not of 4 bytes");
    const std::uint32_t said = long_at(text_, at);
    std::string bare = text_;
    std::fill_n(bare.begin() + static_cast<std::ptrdiff_t>(at), 4, '\0');
    if (checksum(bare) != said) fail("the checksum of its PROXY header is wrong");
  }
}

void ProxyHeader::fail(std::string_view fault) {
  fault_ = fault;
  state_ = State::bad;
  source_ = {};
}

}  // namespace sluice::net
