/// The parts of the table of all options, for config_table.cc.
///
/// Thread  main, before start.
#pragma once

#include <vector>

#include "gateway/server/config.h"
#include "gateway/server/config_row.h"

// NOLINTBEGIN(bugprone-macro-parentheses): a member's path cannot stand in parentheses.
/// An accessor of one member, for a row.
#define SLUICE_AT(member)    \
  [](auto& owner) -> auto& { \
    return owner.member;     \
  }
// NOLINTEND(bugprone-macro-parentheses)

namespace sluice::server {

std::vector<Row<Config>> tls_rows();
std::vector<Row<Config>> access_rows();
std::vector<Row<Config>> token_rows();
std::vector<Row<Config>> hub_rows();
std::vector<Row<Config>> history_rows();
std::vector<Row<Config>> redis_server_rows();
std::vector<Row<Config>> redis_limit_rows();
std::vector<Row<Config>> publish_rows();
std::vector<Row<Config>> relay_rows();
std::vector<Row<Config>> limit_rows();
std::vector<Row<Config>> access_log_rows();
std::vector<Row<Config>> abuse_rows();
std::vector<Row<Config>> timeout_rows();

}  // namespace sluice::server
