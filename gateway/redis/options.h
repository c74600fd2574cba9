/// Options of the Redis journal. Filled by the server; a plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/units.h"
#include "gateway/journal/repeats.h"
#include "gateway/journal/retention.h"

namespace sluice::redis {

struct LinkOptions {
  std::string url;
  std::vector<std::string> sentinels;  ///< Instead of the URL: who knows the master.
  std::string master;                  ///< By which name they know it.
  std::uint32_t database = 0;          ///< With sentinels; the URL has its own.
  bool is_tls = false;                 ///< With sentinels: to them and to Redis; a URL says it.
  std::string sentinel_user;
  std::string sentinel_password;    ///< At the sentinels; empty: there is none.
  Millis sentinel_timeout{500};     ///< One that has not answered: the next one is asked.
  Millis sentinel_interval{1'000};  ///< So often they are asked whether the master is still that.

  std::string user;               ///< Beside the URL's.
  std::string password;           ///< Beside the URL's; empty: there is none.
  std::string ca_file;            ///< TLS: whom to trust; empty: whom the system trusts.
  std::string server_name;        ///< What certificates must be for; empty: the host.
  Millis connect_timeout{3'000};  ///< Connecting, the TLS handshake and the login, each.
  Millis answer_timeout{3'000};   ///< A command without an answer for so long: the link is cut.
  std::size_t answer_bytes = 64 << 20;  ///< A larger answer is not taken: the link is cut.
  Millis backoff{100};  ///< Before the first try to connect again; twice as long each time …
  Millis backoff_max{3'000};  ///< … up to this.
};

struct Options {
  LinkOptions link;
  std::string key = "sluice";    ///< Of the stream; all else is `{key}:…`, in the same slot.
  Millis start_timeout{10'000};  ///< open() waits so long for Redis.
  journal::Retention retention;  ///< As of the newest instance: it is kept in Redis.
  journal::RepeatOptions repeats;
  Millis publish_timeout{10'000};  ///< A publisher has its answer then, whatever it is.
  std::size_t wait_replicas = 0;   ///< That have an event before its publisher is answered (WAIT).

  std::size_t queue_events = 65'536;   ///< Drafts that are not answered yet …
  std::size_t queue_bytes = 64 << 20;  ///< … past either, append() is Errc::limit.
  std::size_t group_events = 128;      ///< Of several publishers, in one call of the script …
  std::size_t group_bytes =
      256 << 10;           ///< … no more are taken past either: Redis does all else meanwhile.
  std::size_t calls = 64;  ///< Of the script, without an answer.
  std::size_t cache_bytes = 32 << 20;  ///< Of events that were read for history.

  Millis instance_timeout{15'000};      ///< An instance not heard of for so long is gone.
  std::size_t roster_bytes = 64 << 20;  ///< Of a list of who is subscribed anywhere.
  std::size_t revocations = 100'000;    ///< Kept at once …
  Millis remember{24L * 3600 * 1000};   ///< … for so long.
};

}  // namespace sluice::redis
