#include "bench/origin/application.h"

#include <charconv>
#include <csignal>
#include <functional>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <utility>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/load/event_scanner.h"
#include "bench/origin/visitor.h"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kTick = 1'000'000;
constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
constexpr std::uint64_t kLongestTurn = 1'000'000'000;
constexpr std::size_t kReadBuffer = 65'536;
/// That may wait for a connection: of a stream with a rate, and of one as fast as it goes, which
/// is a gigabyte in a second of ticks.
constexpr std::size_t kMostWaiting = 262'144;
constexpr std::size_t kMostFlood = 1'048'576;

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

/// Where in its interval a stream has its events: the golden ratio spreads any number of them.
std::uint64_t phase_of(std::uint32_t stream, std::uint64_t interval_ns) {
  const auto turns = static_cast<double>(stream) * 0.618'033'988'749'895;
  const auto part = turns - static_cast<double>(static_cast<std::uint64_t>(turns));
  return static_cast<std::uint64_t>(part * static_cast<double>(interval_ns));
}

template <class Number>
bool parse_number(std::string_view text, std::uint64_t most, Number& number) {
  std::uint64_t parsed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc{} || end != text.data() + text.size() || parsed > most) return false;
  number = static_cast<Number>(parsed);
  return true;
}

bool parse_parameter(std::string_view name, std::string_view value, Ask& ask) {
  if (name == "stream") return parse_number(value, 1'000'000, ask.stream);
  if (name == "size") return parse_number(value, 1'000'000, ask.size);
  if (name == "greet") {
    ask.greets = value == "on";
    return true;
  }
  if (name != "rate") return false;
  if (value != "max") return parse_number(value, 1'000'000, ask.rate);
  ask.rate = Ask::kAsFastAsItGoes;
  return true;
}

}  // namespace

std::optional<Ask> parse_ask(std::string_view target) {
  const auto query_at = std::min(target.find('?'), target.size());
  const auto path = target.substr(0, query_at);
  Ask ask{.is_posted = path == "/app/posted"};
  if (!ask.is_posted && path != "/app/events") return std::nullopt;
  target.remove_prefix(std::min(query_at + 1, target.size()));
  while (!target.empty()) {
    const auto parameter = target.substr(0, target.find('&'));
    target.remove_prefix(std::min(parameter.size() + 1, target.size()));
    const auto equals = std::min(parameter.find('='), parameter.size());
    const auto value = parameter.substr(std::min(equals + 1, parameter.size()));
    if (!parse_parameter(parameter.substr(0, equals), value, ask)) return std::nullopt;
  }
  return ask;
}

class Application::Door final : public Watcher {
 public:
  explicit Door(std::function<void()> open) : open_(std::move(open)) {}
  void on_ready(std::uint32_t) override { open_(); }

 private:
  std::function<void()> open_;
};

Application::Application(const Options& options)
    : options_(options),
      start_ns_(now_ns()),
      listener_(listen_on_loopback(options.port)),
      signals_(signal_descriptor()),
      listener_door_(std::make_unique<Door>([this] {
        while (auto fd = accept_from(listener_)) {
          visitors_.push_back(
              std::make_unique<Visitor>(*this, poller_, Wire(std::move(fd)), read_buffer_));
        }
      })),
      signal_door_(std::make_unique<Door>([this] { is_ended_ = true; })),
      read_buffer_(kReadBuffer) {
  poller_.add(listener_, listener_door_.get(), EPOLLIN);
  poller_.add(signals_, signal_door_.get(), EPOLLIN);
}

Application::~Application() {
  visitors_.clear();  // their streams say goodbye
}

void Application::run() {
  auto next_ns = tick_from(now_ns());
  while (!is_ended_) {
    const auto before = now_ns();
    const bool is_idle = generated_.empty() || is_stopped_;
    poller_.turn(is_idle ? kLongestTurn : next_ns > before ? next_ns - before : 0);
    const auto now = now_ns();
    if (now >= next_ns) {
      // Behind its time it catches up: each event has the time when it was due.
      next_ns = tick_from(now + 1);
      tick(next_ns - kTick);
    }
    flush();
    std::erase_if(visitors_, [](const auto& visitor) { return visitor->is_closed(); });
  }
}

std::uint64_t Application::tick_from(std::uint64_t ns) const {
  return start_ns_ + (ns - start_ns_ + kTick - 1) / kTick * kTick;
}

void Application::open(Outlet& outlet) {
  requests_ += 1;
  open_ += 1;
  if (outlet.ask.is_posted) {
    outlet.tally = &posted_tally_;
    posted_.push_back(&outlet);
    return;
  }
  outlet.tally = &tallies_[outlet.ask.stream];
  if (outlet.ask.rate == 0) return;
  outlet.due_ns = now_ns();
  if (outlet.ask.rate != Ask::kAsFastAsItGoes) {
    outlet.due_ns += phase_of(outlet.ask.stream, kNanosPerSecond / outlet.ask.rate);
  }
  generated_.push_back(&outlet);
}

void Application::close(Outlet& outlet) {
  open_ -= 1;
  std::erase(outlet.ask.is_posted ? posted_ : generated_, &outlet);
}

void Application::tick(std::uint64_t now) {
  if (is_stopped_) return;
  for (auto* outlet : generated_) feed(*outlet, now);
}

void Application::feed(Outlet& outlet, std::uint64_t now) {
  if (outlet.ask.rate == Ask::kAsFastAsItGoes) {
    while (outlet.waiting() < kMostFlood) push(outlet, now);
    return outlet.mark();  // also for what waited before
  }
  bool is_due = false;
  const auto interval = kNanosPerSecond / outlet.ask.rate;
  for (; outlet.due_ns <= now && outlet.waiting() < kMostWaiting; outlet.due_ns += interval) {
    push(outlet, tick_from(outlet.due_ns));
    is_due = true;
  }
  if (is_due) outlet.mark();
}

void Application::push(Outlet& outlet, std::uint64_t due_ns) {
  outlet.sequence += 1;
  outlet.tally->sequence = outlet.sequence;
  const auto token = encode_token({outlet.sequence, due_ns, outlet.ask.stream}, outlet.ask.size);
  outlet.push(fmt::format("data: {}\n\n", token));
}

void Application::post(std::string_view data) {
  posted_tally_.sequence += 1;
  const auto event = fmt::format("data: {}\n\n", data);
  for (auto* outlet : posted_) {
    outlet->push(event);
    outlet->mark();
  }
}

void Application::flush() {
  for (auto* visitor : std::exchange(marked_, {})) visitor->flush();
}

std::string Application::counts() const {
  auto text = fmt::format("requests {}\nopen {}\nconnections {}\n", requests_, open_, connections_);
  for (const auto& [stream, tally] : tallies_) {
    text += fmt::format("stream {} {} {}\n", stream, tally.sequence, tally.bytes);
  }
  return text;
}

}  // namespace sluice::bench
