/// Fields from forms: of a body, and of a query.
///
/// Thread  any; pure functions.
/// Errors  Errc::invalid or Errc::limit, with a sentence for the publisher.
#pragma once

#include <string_view>

#include "gateway/server/publish_fields.h"

namespace sluice::server {

/// `application/x-www-form-urlencoded`, of a body or a query. Of a field given twice the first
/// counts, but every `topic`; unknown ones are ignored.
Result<Fields> read_form(std::string_view text);
/// The same for the query of `POST /events/{topic}`, where `topic` and `data` come otherwise: they
/// are ignored.
Result<Fields> read_query(std::string_view query);

}  // namespace sluice::server
