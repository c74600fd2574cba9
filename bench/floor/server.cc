#include "bench/floor/server.h"

#include <csignal>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/floor/frames.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kRecord = 16'384;  // the most that one TLS record holds
constexpr std::uint64_t kTurn = 3'600'000'000'000;

Fd signal_descriptor() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  Fd fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) die("cannot wait for signals");
  return fd;
}

}  // namespace

Server::Server(const Options& options)
    : options_(options),
      tls_(server_context(options.certificate.c_str(), options.key.c_str())),
      tls_listener_(listen_on_loopback(options.tls_port)),
      clear_listener_(listen_on_loopback(options.clear_port)),
      signals_(signal_descriptor()),
      tls_door_([this] { accept_readers(); }),
      clear_door_([this] { accept_posters(); }),
      signal_door_([this] { stopped_ = true; }),
      read_buffer_(kRecord) {
  record_.reserve(kRecord);
  poller_.add(tls_listener_, &tls_door_, EPOLLIN);
  poller_.add(clear_listener_, &clear_door_, EPOLLIN);
  poller_.add(signals_, &signal_door_, EPOLLIN);
}

std::string Server::ready_line() const {
  return fmt::format("ready https://127.0.0.1:{} http://127.0.0.1:{}", port_of(tls_listener_),
                     port_of(clear_listener_));
}

void Server::run() {
  while (!stopped_) {
    poller_.turn(kTurn);
    broadcast();
    sweep();
  }
}

void Server::accept_readers() {
  while (auto fd = accept_from(tls_listener_)) {
    readers_.push_back(std::make_unique<Reader>(
        poller_, Wire::tls_server(std::move(fd), tls_.get()), read_buffer_));
  }
}

void Server::accept_posters() {
  while (auto fd = accept_from(clear_listener_)) {
    posters_.push_back(std::make_unique<Poster>(
        poller_, Wire(std::move(fd)), [this](std::string_view body) { take_event(body); }));
  }
}

void Server::take_event(std::string_view body) {
  const auto text = fmt::format("id: floor-{}\ndata: {}\n\n", ++position_, body);
  events_.push_back(encode_frame({FrameType::data, 0, 0, text}));
  if (!options_.batch) broadcast();
}

void Server::broadcast() {
  if (events_.empty()) return;
  for (const auto& reader : readers_) {
    record_.clear();
    for (const auto& event : events_) {
      for (const auto stream : reader->streams()) {
        if (record_.size() + event.size() > kRecord) {
          reader->send(record_);
          record_.clear();
        }
        record_ += event;
        set_stream(record_.data() + (record_.size() - event.size()), stream);
      }
    }
    if (!record_.empty()) reader->send(record_);
  }
  events_.clear();
}

void Server::sweep() {
  std::erase_if(readers_, [](const auto& reader) { return reader->is_closed(); });
  std::erase_if(posters_, [](const auto& poster) { return poster->is_closed(); });
}

}  // namespace sluice::bench
