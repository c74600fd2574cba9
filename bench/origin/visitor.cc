#include "bench/origin/visitor.h"

#include <sys/epoll.h>
#include <utility>

#include "bench/origin/application.h"

namespace sluice::bench {
namespace {

/// The first bytes of HTTP/2's preface, which no request of HTTP/1.1 begins with.
constexpr std::string_view kPrior = "PRI * ";

}  // namespace

Visitor::Visitor(Application& application, const Poller& poller, Wire wire, std::span<char> buffer)
    : application_(application),
      poller_(poller),
      wire_(std::move(wire)),
      buffer_(buffer),
      watched_(EPOLLIN) {
  poller_.add(wire_.fd(), this, watched_);
}

void Visitor::on_ready(std::uint32_t epoll_events) {
  if (is_closed_) return;
  if ((epoll_events & ~std::uint32_t{EPOLLOUT}) != 0) read();
  flush();
}

void Visitor::mark() {
  if (!std::exchange(is_marked_, true)) application_.mark(*this);
}

void Visitor::read() {
  const auto got = wire_.read(buffer_);
  if (got.progress == Progress::closed) is_closed_ = true;
  if (got.progress == Progress::done) take({buffer_.data(), got.bytes});
}

void Visitor::take(std::string_view bytes) {
  if (dialect_) {
    if (!dialect_->take(bytes)) is_closed_ = true;
    return;
  }
  beginning_.append(bytes);
  if (beginning_.size() < kPrior.size()) return;
  const Host host{application_, *this};
  dialect_ = beginning_.starts_with(kPrior) ? make_h2(host) : make_h1(host);
  take(std::exchange(beginning_, {}));
}

void Visitor::flush() {
  is_marked_ = false;
  if (is_closed_ || !dialect_) return;
  for (;;) {
    if (unsent_.empty() && !dialect_->collect(unsent_)) {
      is_closed_ = true;
      return;
    }
    if (unsent_.empty()) break;
    const auto sent = wire_.write(unsent_);
    if (sent.progress == Progress::closed) is_closed_ = true;
    if (sent.progress != Progress::done) break;
    dialect_->on_sent(sent.bytes);
    unsent_.erase(0, sent.bytes);
  }
  if (!is_closed_) watch(unsent_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void Visitor::watch(std::uint32_t epoll_events) {
  if (watched_ == epoll_events) return;
  watched_ = epoll_events;
  poller_.change(wire_.fd(), this, epoll_events);
}

}  // namespace sluice::bench
