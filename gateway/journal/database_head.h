/// The head of an LMDB file, looked at before LMDB maps it.
///
/// LMDB takes what stands there at its word: a page size of 0 ends the process, and so does the
/// first look behind the end of a file that was cut off.
///
/// Thread  main, before start. Errors  errno.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace sluice::journal {

struct DatabaseHead {
  bool is_new = false;  ///< There is no file, or an empty one.
  std::string damage;   ///< Empty: it is in order.
};

tl::expected<DatabaseHead, int> check_database_head(const std::string& file);

}  // namespace sluice::journal
