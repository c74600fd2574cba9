/// Layout: what stands in the tables beside events, as it is stored.
///
/// Each is a plain struct in the machine's byte order with a checksum behind it.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <xxhash.h>

namespace sluice::journal {

/// Raised when a gateway that knows the older one could misread the file.
inline constexpr std::uint32_t kFormat = 1;

enum class MetaKey : std::uint64_t { identity = 1, state = 2, session = 3 };

struct Identity {
  std::uint32_t format = kFormat;
  std::uint32_t epoch_size = 0;
  std::array<char, 16> epoch{};
  std::uint64_t seed = 0;  ///< Of all hashes in the tables.
};

/// Which run of the machine may have to lose the newest events, if it ends before they are on the
/// disk; none when the history was closed well, or is always on the disk.
struct Session {
  std::uint64_t boot = 0;  ///< Hash of the system's name for that run.

  friend bool operator==(const Session&, const Session&) = default;
};

struct State {
  std::uint64_t last = 0;     ///< Position of the newest event there ever was.
  std::uint64_t evicted = 0;  ///< Everything up to here is no longer held.
  std::uint64_t folded = 0;   ///< Up to here, any topic may miss something: FileOptions::marks.
  std::uint64_t events = 0;   ///< Held.
  std::uint64_t bytes = 0;    ///< Of them: record_cost().
  std::uint64_t marks = 0;    ///< Topics that miss something: entries of Table::marks.
};

/// Of one topic; events and bytes only when it has a rule of its own.
struct TopicFigures {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  std::uint64_t missing_first = 0;  ///< Positions that a rule removed are from here …
  std::uint64_t missing_last = 0;   ///< … to here; 0: none. It stands in Table::marks.
  std::uint64_t due = 0;            ///< When it stands in Table::due; 0: it does not.

  [[nodiscard]] bool is_empty() const { return events == 0 && missing_last == 0 && due == 0; }
};

template <class T>
std::string seal(const T& value) {
  static_assert(std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>);
  const std::uint64_t checksum = XXH3_64bits(&value, sizeof(T));
  std::string bytes(sizeof(T) + sizeof(checksum), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  std::memcpy(bytes.data() + sizeof(T), &checksum, sizeof(checksum));
  return bytes;
}

/// None: these are not the bytes that seal() made.
template <class T>
std::optional<T> unseal(std::string_view bytes) {
  T value;
  std::uint64_t checksum = 0;
  if (bytes.size() != sizeof(T) + sizeof(checksum)) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof(T));
  std::memcpy(&checksum, bytes.data() + sizeof(T), sizeof(checksum));
  if (checksum != XXH3_64bits(&value, sizeof(T))) return std::nullopt;
  return value;
}

}  // namespace sluice::journal
