/// witness: publishes to a gateway that is killed again and again, reads with many subscribers that
/// come back each time, and says in the end whether anybody lost anything. `witness --help`.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/common/net.h"
#include "tests/crash/reader.h"
#include "tests/crash/sender.h"
#include "tests/crash/tally.h"

namespace sluice::crash {
namespace {

constexpr std::string_view kUsage = R"(witness --url http://HOST:PORT/events/TOPIC --token TOKEN

Publishes numbered events, and holds what every reader gets against what was acknowledged. Prints
"publishing" when all readers are there. At the end of its input it stops publishing, waits until
every reader has everything, and prints one line of JSON. Exit status 0: nobody lost anything.

  --token TOKEN     what publishers show
  --rate N          events per second [5000]
  --publishers N    connections that publish [128]
  --readers N       [200]
  --slow N          so many of them read less than comes [0]
  --absent N        so many of them are away from their first events until the end [0]
  --patience S      the longest wait, for all to be there and for the end [30]
  --seed N          of the pauses before a connection is made again [1]
)";

constexpr std::uint64_t kTurn = 1'000'000;
constexpr double kNanos = 1e9;
constexpr double kLongestBurst = 0.1;  // Seconds of publishing that are made up for.

struct Options {
  bench::Url url;
  std::string token;
  double rate = 0;
  std::size_t publishers = 0;
  std::size_t readers = 0;
  std::size_t slow = 0;
  std::size_t absent = 0;
  std::uint64_t patience = 0;
  std::uint64_t seed = 0;
};

Options options_from(int argc, char** argv) {
  bench::Args args(argc, argv, kUsage);
  const auto url = bench::parse_url(args.required_text("url"));
  if (!url || url->tls) bench::die("--url: http://HOST:PORT/events/TOPIC, without TLS");
  Options options{.url = *url, .token = args.required_text("token")};
  options.rate = static_cast<double>(args.number("rate", 5000, {1, 1'000'000}));
  options.publishers = args.number("publishers", 128, {1, 10'000});
  options.readers = args.number("readers", 200, {1, 10'000});
  options.slow = args.number("slow", 0, {0, options.readers});
  options.absent = args.number("absent", 0, {0, options.readers - options.slow});
  options.patience = args.seconds("patience", 30);
  options.seed = args.number("seed", 1);
  args.finish();
  return options;
}

/// The end of the input is the word to stop publishing.
class Input final : public bench::Watcher {
 public:
  explicit Input(const bench::Poller& poller) : fd_(STDIN_FILENO) {
    poller.add(fd_, this, EPOLLIN);
  }
  void on_ready(std::uint32_t) override {
    char byte = 0;
    if (read(fd_.get(), &byte, 1) <= 0) has_ended_ = true;
  }
  [[nodiscard]] bool has_ended() const { return has_ended_; }

 private:
  bench::Fd fd_;
  bool has_ended_ = false;
};

class Witness {
 public:
  explicit Witness(Options options)
      : options_(std::move(options)),
        random_(options_.seed),
        tally_(options_.readers),
        input_(poller_) {
    for (std::size_t i = 0; i < options_.readers; ++i) {
      const Manner manner = i < options_.slow                     ? Manner::slow
                            : i < options_.slow + options_.absent ? Manner::absent
                                                                  : Manner::eager;
      readers_.push_back(std::make_unique<Reader>(
          Reader::Place{options_.url, poller_, tally_, random_}, i, manner));
    }
    for (std::size_t i = 0; i < options_.publishers; ++i) {
      senders_.push_back(std::make_unique<Sender>(
          Sender::Place{options_.url, options_.token, poller_, tally_, random_}));
    }
  }

  bool run() {
    if (!turn_until([this] { return all_have_subscribed(); })) {
      fmt::print(stderr, "not all readers could subscribe\n");
      return false;
    }
    fmt::print("publishing\n");
    std::fflush(stdout);
    last_ = bench::now_ns();
    while (!input_.has_ended()) {
      publish();
      turn();
    }
    const std::uint64_t stopped = bench::now_ns();
    turn_until([this] { return std::none_of(senders_.begin(), senders_.end(), is_busy); });
    for (const auto& reader : readers_) reader->hurry();
    turn_until([this] { return tally_.is_complete(); });
    report(bench::now_ns() - stopped);
    return tally_.faults().none() && tally_.acknowledged() > 0 && bad_answers() == 0;
  }

 private:
  static bool is_busy(const std::unique_ptr<Sender>& sender) { return sender->is_busy(); }

  [[nodiscard]] bool all_have_subscribed() const {
    return std::all_of(readers_.begin(), readers_.end(),
                       [](const auto& reader) { return reader->has_subscribed(); });
  }

  [[nodiscard]] std::size_t bad_answers() const {
    std::size_t sum = 0;
    for (const auto& reader : readers_) sum += reader->bad_answers();
    return sum;
  }

  template <class Condition>
  bool turn_until(Condition condition) {
    const std::uint64_t end = bench::now_ns() + options_.patience;
    while (!condition() && bench::now_ns() < end) turn();
    return condition();
  }

  void turn() {
    poller_.turn(kTurn);
    const std::uint64_t now = bench::now_ns();
    for (const auto& reader : readers_) reader->tick(now);
    for (const auto& sender : senders_) sender->tick(now);
  }

  /// As many events as are due, as far as there are connections that wait for nothing. The time
  /// in which there are none does not count.
  void publish() {
    const std::uint64_t now = bench::now_ns();
    const double passed = static_cast<double>(now - last_) / kNanos;
    last_ = now;
    const bool is_up = std::any_of(senders_.begin(), senders_.end(), [](const auto& sender) {
      return sender->is_free() || sender->is_busy();
    });
    if (!is_up) return;
    up_seconds_ += passed;
    credit_ = std::min(credit_ + options_.rate * passed, options_.rate * kLongestBurst);
    for (const auto& sender : senders_) {
      if (credit_ < 1) break;
      if (!sender->is_free()) continue;
      sender->send();
      credit_ -= 1;
    }
  }

  void report(std::uint64_t caught_up) const {
    const Faults faults = tally_.faults();
    std::size_t connections = 0;
    for (const auto& reader : readers_) connections += reader->connections();
    fmt::print(
        "{{\"sent\": {}, \"acknowledged\": {}, \"unknown\": {}, \"unknown_kept\": {}, "
        "\"refused\": {}, \"per_second\": {:.0f}, \"received\": {}, \"readers\": {}, "
        "\"connections\": {}, \"missing\": {}, \"repeated\": {}, \"disordered\": {}, "
        "\"misplaced\": {}, \"strange\": {}, \"epochs\": {}, \"gaps\": {}, \"bad_answers\": {}, "
        "\"readers_with_faults\": {}, \"caught_up_ms\": {}}}\n",
        tally_.sent(), tally_.acknowledged(), tally_.unknown(), tally_.kept_unknown(),
        tally_.refused(), static_cast<double>(tally_.acknowledged()) / std::max(up_seconds_, 0.001),
        tally_.received(), readers_.size(), connections, faults.missing, faults.repeated,
        faults.disordered, faults.misplaced, faults.strange, faults.epochs, faults.gaps,
        bad_answers(), tally_.readers_with_faults(), caught_up / 1'000'000);
    std::fflush(stdout);
    fmt::print(stderr, "{}", tally_.examples());
  }

  // The order is that of dependence.
  const Options options_;
  std::mt19937_64 random_;
  Tally tally_;
  const bench::Poller poller_;
  Input input_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<std::unique_ptr<Sender>> senders_;
  std::uint64_t last_ = 0;
  double up_seconds_ = 0;
  double credit_ = 0;
};

}  // namespace
}  // namespace sluice::crash

int main(int argc, char** argv) {
  sluice::bench::ignore_broken_pipes();
  sluice::crash::Witness witness(sluice::crash::options_from(argc, argv));
  return witness.run() ? 0 : 1;
}
