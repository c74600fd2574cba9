/// Source: the application behind a relay, asked what it was asked for and what it sent.
///
/// Thread  one; it waits for the answer, so it is not for what is being measured.
/// Errors  an application that does not answer within seconds ends the program.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "bench/common/net.h"

namespace sluice::bench {

class Source {
 public:
  struct Stream {
    std::uint32_t sequence = 0;  ///< Of its newest event.
    std::uint64_t bytes = 0;     ///< That its connection took.
  };
  struct Counts {
    std::uint64_t requests = 0;     ///< For a stream.
    std::uint64_t open = 0;         ///< Of those, not ended.
    std::uint64_t connections = 0;  ///< That had a stream.
    std::map<std::size_t, Stream> streams;

    [[nodiscard]] std::uint64_t events() const;
    [[nodiscard]] std::uint32_t sequence_of(std::size_t stream) const;
  };

  explicit Source(Url url) : url_(std::move(url)) {}
  [[nodiscard]] Counts counts() const;
  /// From now on there are no events; what there was until then.
  [[nodiscard]] Counts stop() const;

  static Counts parse(std::string_view lines);

 private:
  [[nodiscard]] std::string ask(std::string_view path) const;

  Url url_;
};

}  // namespace sluice::bench
