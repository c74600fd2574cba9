/// Tally: which events were sent, which were acknowledged, and who got which. The judge of the
/// crash test.
///
/// An event is *due* when it was acknowledged, or when anybody got it: then it is in history, and
/// everybody must get it. Positions are read out of the gateway's ids; they must rise for each
/// reader, and an event must have one position, whoever tells it.
///
/// Thread  one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::crash {

/// What went wrong, summed over all readers.
struct Faults {
  std::size_t missing = 0;     ///< Due, and not received.
  std::size_t repeated = 0;    ///< Received a second time.
  std::size_t disordered = 0;  ///< At or before the position of the event received last.
  std::size_t misplaced = 0;   ///< At another position than others, or the publisher, were told.
  std::size_t strange = 0;     ///< Never sent, refused, or with an id that cannot be read.
  std::size_t epochs = 0;      ///< Ids of another epoch than the first one.
  std::size_t gaps = 0;        ///< Gap events.

  [[nodiscard]] bool none() const {
    return missing + repeated + disordered + misplaced + strange + epochs + gaps == 0;
  }
};

class Tally {
 public:
  explicit Tally(std::size_t readers) : readers_(readers) {}

  /// The number of a new event, which is its data.
  std::uint64_t send();
  void acknowledge(std::uint64_t event, std::string_view id);
  void refuse(std::uint64_t event);

  void receive(std::size_t reader, std::uint64_t event, std::string_view id);
  void receive_gap(std::size_t reader);
  void receive_strange(std::size_t reader);

  /// Every reader has all that is due.
  [[nodiscard]] bool is_complete() const;
  [[nodiscard]] Faults faults() const;
  [[nodiscard]] std::size_t readers_with_faults() const;
  /// The first faults, a line each, for whoever looks for the reason.
  [[nodiscard]] std::string examples() const;

  [[nodiscard]] std::size_t sent() const { return events_.size(); }
  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::size_t refused() const { return refused_; }
  /// Neither acknowledged nor refused.
  [[nodiscard]] std::size_t unknown() const { return sent() - acknowledged_ - refused_; }
  /// Unknown to who sent them, and yet received.
  [[nodiscard]] std::size_t kept_unknown() const { return due_ - acknowledged_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  /// How many events this reader has had.
  [[nodiscard]] std::size_t received_by(std::size_t reader) const { return readers_[reader].count; }

 private:
  struct Event {
    std::uint64_t position = 0;  ///< 0: nobody knows yet.
    bool is_acknowledged = false;
    bool is_refused = false;
    bool is_due = false;
  };
  struct Reader {
    std::vector<bool> has;  ///< By event.
    std::size_t count = 0;
    std::uint64_t position = 0;
    Faults faults{};
  };

  /// The position in `id`, 0 when it is not one of the gateway's; counts epochs.
  std::uint64_t position_of(std::string_view id, Faults& faults);
  void place(Event& event, std::uint64_t position, Faults& faults);
  void make_due(Event& event);

  std::vector<Event> events_;
  std::vector<Reader> readers_;
  Faults publishers_{};  ///< What the acknowledgements themselves show.
  std::string epoch_;
  std::size_t acknowledged_ = 0;
  std::size_t refused_ = 0;
  std::size_t due_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace sluice::crash
