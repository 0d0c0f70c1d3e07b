// SPDX-License-Identifier: MIT
//
// Texts that may be endpoints. One that is has a text of its own that is read back; one that is not
// is told in a text that can be shown. And any text at all is a part when it is escaped.
#include "deferred/io/endpoint.hpp"

#include <algorithm>
#include <optional>
#include <system_error>

#include "deferred/io/errors.hpp"
#include "tests/fuzz/parsers/target.hpp"

namespace {

using namespace deferred::fuzz;
using deferred::io::Endpoint;

void holds_for_error(const std::system_error& error) {
  constexpr std::size_t most_shown = 1000;
  const std::string_view what = error.what();
  holds(error.code() == deferred::io::Errc::bad_endpoint, "an error is an endpoint's");
  holds(what.starts_with("endpoint '"), "an error names the endpoint");
  holds(what.size() < most_shown, "an error is short");
  holds(std::all_of(what.begin(), what.end(), [](char c) { return c >= ' ' && c <= '~'; }),
        "an error is printable");
}

std::optional<Endpoint> parsed(std::string_view text) {
  try {
    return Endpoint::parse(text);
  } catch (const std::system_error& error) {
    holds_for_error(error);
    return std::nullopt;
  }
}

void holds_for_ports(const Endpoint& endpoint) {
  constexpr std::size_t most = 4;  // an error takes time
  for (std::size_t i = 0; i != std::min(most, endpoint.parts().size() + 1); ++i) {
    try {
      holds(std::to_string(endpoint.port(i)) == endpoint.part(i), "a port is the number written");
    } catch (const std::system_error& error) {
      holds_for_error(error);
    }
  }
}

void holds_for_built(const Endpoint& endpoint) {
  if (endpoint.parts().empty()) return;
  std::string built = endpoint.kind();
  for (const std::string& part : endpoint.parts()) built += ":" + deferred::io::escape(part);
  built += ":o=";  // a single empty part is one only before options
  if (built.size() > Endpoint::longest) return;
  const std::optional<Endpoint> again = parsed(built);
  holds(again && again->kind() == endpoint.kind(), "a kind is read back");
  holds(again->parts() == endpoint.parts(), "escaped parts are read back");
}

void holds_for_parsed(const Endpoint& endpoint, std::string_view from) {
  const std::string text = endpoint.text();
  holds(text.size() <= from.size(), "the text is no longer than what was parsed");
  const std::optional<Endpoint> again = parsed(text);
  holds(again.has_value(), "the text is an endpoint");
  holds(*again == endpoint, "the text is an equal endpoint");
  holds(again->text() == text, "equal endpoints have one text");

  holds_for_built(endpoint);
  holds_for_ports(endpoint);
  try {
    endpoint.require("kind:PART", 1, 1, {"o"});
  } catch (const std::system_error& error) {
    holds_for_error(error);
  }
}

void holds_for_escaped(std::string_view text) {
  const std::string escaped = deferred::io::escape(text);
  const std::optional<Endpoint> endpoint = parsed("k:" + escaped + ":o=" + escaped);
  holds(endpoint && endpoint->parts() == std::vector{std::string(text)},
        "what is escaped is a part");
  const std::string* const value = endpoint->option("o");
  holds(value && *value == text, "what is escaped is a value");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = as_text(bytes, size);
  const std::optional<Endpoint> endpoint = parsed(text);
  if (endpoint) holds_for_parsed(*endpoint, text);
  constexpr std::size_t most_escaped = Endpoint::longest / 4;  // written twice, each byte as two
  const bool can_be_one = text.find('\0') == std::string_view::npos && size < most_escaped;
  if (can_be_one) holds_for_escaped(text);
  return 0;
}
