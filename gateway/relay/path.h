/// Paths: what a route takes, and what becomes of it on the way to its upstream.
///
/// Routes decide who may ask what, so a path must mean to the application what it meant to them.
/// They are compared in a canonical form ("/%61pp" is "/app", RFC 3986 §6.2.2), and what may mean
/// another path to somebody is not let through where it could lead out of a route: see
/// is_ambiguous(). What goes on is the path as it came, or the rest of it.
/// Thread  any; pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/relay/options.h"

namespace sluice::relay {

/// "/app/*" and "/app*".
bool is_prefix_pattern(std::string_view pattern);
/// What paths are compared as: all that means the same to applications is the same. Escapes are
/// undone but those of '/', '\', '%', blanks and controls, whose digits are in upper case; a '%'
/// that begins none is "%25".
std::string canonical_path(std::string_view path);
/// What the pattern's final "*" stands for ("" for a pattern without); none: the pattern does not
/// take that path. Both may be escaped in any way; the result is a part of `path`.
std::optional<std::string_view> match_path(std::string_view pattern, std::string_view path);

/// Has %00, %0d or %0a: no application needs them, and some stop reading there.
bool has_control_escape(std::string_view path);
/// Has a slash or a backslash in an escape. Both are a separator to some and a letter to others.
bool has_escaped_slash(std::string_view path);
/// The path as the former read it: each of them is '/'. `path` is as canonical_path() gives it.
std::string path_with_slashes(std::string_view path);
/// "//a;x/b" as some servers read it: "/a/b". `path` is canonical, too.
std::string path_without_parameters(std::string_view path);
/// Has a segment "." or "..", as such or by escapes or with a parameter ("..;x"); or an escaped
/// slash that makes one, or an empty segment, or ends a parameter. Any other escaped slash is for
/// the application to read ("/@scope%2fpackage"), if the route is the same either way. `path` is as
/// canonical_path() gives it.
bool is_ambiguous(std::string_view path);
/// True where is_ambiguous() paths could mean what the route does not take.
bool needs_plain_path(const RouteOptions& route);
/// What a prefix or a rewriting has left is_ambiguous(), or begins with what is "//" to some.
bool leads_astray(std::string_view path);

/// The path that the upstream is asked for: as it came, unless the route rewrites it. Where it
/// does, ask leads_astray() of the result.
std::string upstream_path(const RouteOptions& route, std::string_view path);

}  // namespace sluice::relay
