/// Refusal: what it means that Redis refuses a command, and what somebody can do about it.
///
/// Thread  any; pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::redis {

/// Of a command that would have changed something.
enum class Meaning : std::uint8_t {
  script_is_gone,  ///< NOSCRIPT: it is to be loaded again.
  not_now,         ///< The server does not serve at the moment, or no longer: another link might.
  nothing_kept,    ///< It serves, and takes nothing more until somebody does something.
  other_history,   ///< EPOCH: of the script.
  broke_off,       ///< The script failed on its way: what it had done is done.
  other,
};

struct Refusal {
  Meaning meaning = Meaning::other;
  std::string_view code;  ///< "OOM"; of Redis 6 too, which puts it behind other words. Of `text`.
  std::string what;       ///< For people: what to do, or the text itself.
};
/// `text` is what Redis said.
Refusal read_refusal(std::string_view text);

}  // namespace sluice::redis
