#include "gateway/redis/refusal.h"

#include <algorithm>
#include <iterator>

namespace sluice::redis {
namespace {

struct Row {
  std::string_view code;
  Meaning meaning;
  std::string_view advice;  ///< Empty: the text of Redis says it.
};

constexpr Row kRows[] = {
    {"NOSCRIPT", Meaning::script_is_gone, ""},
    {"LOADING", Meaning::not_now, "it loads what it has on its disk, and serves when it has"},
    {"READONLY", Meaning::not_now,
     "it is a replica now, and takes no events: history.url has to name the master"},
    {"MASTERDOWN", Meaning::not_now,
     "it is a replica whose master is away: history.url has to name the master"},
    {"BUSY", Meaning::not_now,
     "a script runs there and keeps it from all else; SCRIPT KILL ends one that wrote nothing"},
    {"TRYAGAIN", Meaning::not_now, ""},
    {"MOVED", Meaning::not_now, ""},
    {"ASK", Meaning::not_now, ""},
    {"CLUSTERDOWN", Meaning::not_now, ""},
    {"UNBLOCKED", Meaning::not_now, ""},
    {"OOM", Meaning::nothing_kept,
     "Redis has no memory left: raise its maxmemory, or lower history.max_events and "
     "history.max_bytes; maxmemory-policy has to be noeviction"},
    {"MISCONF", Meaning::nothing_kept,
     "Redis cannot write to its disk, and takes nothing until it can: see its log"},
    {"NOREPLICAS", Meaning::nothing_kept,
     "Redis has fewer replicas than its min-replicas-to-write asks for"},
    {"WRONGTYPE", Meaning::broke_off,
     "WRONGTYPE: history.key, or a key beside it that begins so, is there and is no history: is it "
     "somebody else's? Choose another history.key, or remove it"},
    {"EPOCH", Meaning::other_history, "the history in Redis is another one than before"},
};

constexpr const char* kRights =
    ". history.user lacks a right, or a key: docs/scaling.md has the line of ACL SETUSER";

/// Redis 6: "ERR Error running script (call to f_…): @user_script:7: @user_script: 7: -OOM …".
std::string_view inner(std::string_view text) {
  constexpr std::string_view kBefore = ": -";
  const std::size_t at = text.find(kBefore);
  const bool is_wrapped = text.starts_with("ERR Error running script") && at != text.npos;
  return is_wrapped ? text.substr(at + kBefore.size()) : text;
}

}  // namespace

Refusal read_refusal(std::string_view text) {
  const std::string_view said = inner(text);
  const std::string_view code = said.substr(0, said.find(' '));
  const auto* const row = std::find_if(std::begin(kRows), std::end(kRows),
                                       [&](const Row& each) { return each.code == code; });
  if (row == std::end(kRows)) {
    const bool is_of_script = text.find("@user_script") != text.npos;
    const bool is_of_acl = code == "NOPERM" || said.find("can't run this command") != said.npos;
    return {is_of_script ? Meaning::broke_off : Meaning::other, code,
            std::string(said) + (is_of_acl ? kRights : "")};
  }
  const std::string_view what = row->advice.empty() ? said : row->advice;
  return {row->meaning, code, std::string(what)};
}

}  // namespace sluice::redis
