#include "gateway/server/upgrade_channel.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/time.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace sluice::server {
namespace {

/// Of one message: a word, and the name of a socket.
constexpr std::size_t kMostBytes = 1024;
/// For a peer that does not read: it has only begun.
constexpr std::chrono::seconds kSendPatience{10};

/// Room for one descriptor beside a message, aligned as the kernel wants it.
union Control {
  cmsghdr aligned;
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

tl::unexpected<Error> broken(int error) {
  return fail(Errc::io, fmt::format("the other process of the upgrade cannot be spoken to: {}",
                                    std::generic_category().message(error)));
}

/// The first descriptor that came along; others are none of ours.
UniqueFd descriptor_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(part), sizeof fd);
    return UniqueFd(fd);
  }
  return {};
}

}  // namespace

Result<UpgradeChannel::Pair> UpgradeChannel::make_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return broken(errno);
  }
  // Of hundreds of sockets the names do not all fit into the kernel's buffer at once.
  const timeval patience{.tv_sec = kSendPatience.count(), .tv_usec = 0};
  for (const int end : ends) {
    ::setsockopt(end, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  return Pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void UpgradeChannel::set_patience(Millis time) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  const timeval limit{.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  is_patient_ = true;
}

Result<void> UpgradeChannel::send(Word word, std::string_view text, int fd) {
  std::string bytes(1, static_cast<char>(word));
  bytes += text;
  if (bytes.size() > kMostBytes) return fail(Errc::limit, "a name is too long to be handed over");
  iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Control control{};
  if (fd >= 0) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  if (::sendmsg(fd_.get(), &message, MSG_NOSIGNAL) < 0) return broken(errno);
  return {};
}

Result<std::optional<UpgradeChannel::Message>> UpgradeChannel::receive() {
  std::array<char, kMostBytes> bytes{};
  iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Control control{};
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const int flags = MSG_CMSG_CLOEXEC | (is_patient_ ? 0 : MSG_DONTWAIT);
  ssize_t size = 0;
  do {
    size = ::recvmsg(fd_.get(), &message, flags);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN) return std::nullopt;
  if (size < 0) return broken(errno);
  if (size == 0) return fail(Errc::io, "the other process of the upgrade has ended");
  const std::string_view text(bytes.data(), static_cast<std::size_t>(size));
  return Message{.word = static_cast<Word>(text.front()),
                 .text = std::string(text.substr(1)),
                 .fd = descriptor_of(message)};
}

}  // namespace sluice::server
