#include "bench/common/args.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>

#include <fmt/core.h>

namespace sluice::bench {
namespace {

constexpr double kMostSeconds = 86'400;
constexpr std::uint64_t kMostWindow = 0x7fffffff;

template <class Number>
Number parse(std::string_view name, std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    die(fmt::format("--{}: '{}' is not a number", name, text));
  }
  return value;
}

/// What stands between the commas.
std::vector<std::string_view> parts_of(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const auto comma = list.find(',');
    parts.push_back(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
  return parts;
}

Url address(std::string_view name, std::string_view text) {
  const auto parsed = parse_url(text);
  if (!parsed) die(fmt::format("--{}: '{}' is not an http:// or https:// address", name, text));
  return *parsed;
}

}  // namespace

void die(std::string_view message) {
  fmt::print(stderr, "{}\n", message);
  std::exit(2);  // NOLINT(concurrency-mt-unsafe): the bench programs have one thread
}

Args::Args(int argc, char** argv, std::string_view usage) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help") {
      fmt::print("{}", usage);
      std::exit(0);  // NOLINT(concurrency-mt-unsafe)
    }
    if (!argument.starts_with("--")) die(fmt::format("'{}' is not an option", argument));
    if (i + 1 == argc) die(fmt::format("{} lacks its value", argument));
    values_.insert_or_assign(std::string(argument.substr(2)), std::string(argv[++i]));
  }
}

std::string Args::text(std::string_view name, std::string_view otherwise) {
  known_.emplace(name);
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(otherwise) : found->second;
}

std::string Args::required_text(std::string_view name) {
  auto value = text(name, {});
  if (value.empty()) die(fmt::format("--{} is required (see --help)", name));
  return value;
}

std::uint64_t Args::number(std::string_view name, std::uint64_t otherwise, Range range) {
  const auto value = text(name, {});
  if (value.empty()) return otherwise;
  const auto parsed = parse<std::uint64_t>(name, value);
  if (parsed < range.least || parsed > range.most) {
    die(fmt::format("--{}: {} is not within {} to {}", name, parsed, range.least, range.most));
  }
  return parsed;
}

std::uint64_t Args::seconds(std::string_view name, double otherwise) {
  const auto value = text(name, {});
  const auto parsed = value.empty() ? otherwise : parse<double>(name, value);
  if (!(parsed >= 0 && parsed <= kMostSeconds)) die(fmt::format("--{}: out of range", name));
  return static_cast<std::uint64_t>(parsed * 1e9);
}

Url Args::url(std::string_view name) {
  return address(name, required_text(name));
}

std::vector<Url> Args::urls(std::string_view name) {
  const auto given = required_text(name);
  std::vector<Url> parsed;
  for (const auto part : parts_of(given)) parsed.push_back(address(name, part));
  return parsed;
}

Url Args::secure_url(std::string_view name) {
  auto parsed = url(name);
  if (!parsed.tls) die(fmt::format("--{}: streams are measured over TLS, so https://", name));
  return parsed;
}

std::int32_t Args::window(std::string_view name, std::int32_t otherwise, std::uint64_t least) {
  return static_cast<std::int32_t>(
      number(name, static_cast<std::uint64_t>(otherwise), {least, kMostWindow}));
}

std::vector<int> Args::numbers(std::string_view name) {
  const auto list = text(name, {});
  std::vector<int> parsed;
  for (const auto part : parts_of(list)) parsed.push_back(parse<int>(name, part));
  return parsed;
}

void Args::finish() const {
  for (const auto& [name, value] : values_) {
    if (!known_.contains(name)) die(fmt::format("unknown option --{} (see --help)", name));
  }
}

}  // namespace sluice::bench
