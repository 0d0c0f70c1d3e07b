// SPDX-License-Identifier: MIT
#include "deferred/io/endpoint.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "deferred/io/errors.hpp"

namespace deferred::io {
namespace {

bool is_between(char first, char letter, char last) noexcept {
  return first <= letter && letter <= last;
}

bool is_name(std::string_view text) noexcept {
  const auto is_letter = [](char letter) {
    return is_between('a', letter, 'z') || is_between('A', letter, 'Z');
  };
  const auto goes_on = [is_letter](char letter) {
    return is_letter(letter) || is_between('0', letter, '9') || letter == '-' || letter == '_';
  };
  return !text.empty() && is_letter(text[0]) && std::all_of(text.begin(), text.end(), goes_on);
}

/// Looks like an IPv6 address, maybe with a zone. Whether it is one is said by who uses it; what is
/// written in brackets, and read back from there, is decided here.
bool looks_like_ipv6(std::string_view text) noexcept {
  const std::size_t percent = text.find('%');
  const std::string_view address = text.substr(0, percent);
  const auto is_of_address = [](char letter) {
    return is_between('0', letter, '9') || is_between('a', letter, 'f') ||
           is_between('A', letter, 'F') || letter == ':' || letter == '.';
  };
  if (!std::all_of(address.begin(), address.end(), is_of_address)) return false;
  // One that leaves no zeros out has seven colons, or six and an IPv4 address.
  const bool whole = std::count(address.begin(), address.end(), ':') >= 6;
  if (!whole && address.find("::") == std::string_view::npos) return false;
  if (percent == std::string_view::npos) return true;
  const std::string_view zone = text.substr(percent + 1);
  return !zone.empty() && zone.find(']') == std::string_view::npos;
}

/// For a message: not all of a long text, and no bytes that a terminal would act on.
std::string readable_text(std::string_view text) {
  constexpr std::size_t most = 100;
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  for (const char letter : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= ' ' && byte <= '~') {
      out += letter;
    } else {
      out += "\\x";
      out += hex[byte / 16];
      out += hex[byte % 16];
    }
  }
  if (text.size() > most) out += "...";
  return out;
}
std::string in_quotes(std::string_view text) { return "'" + readable_text(text) + "'"; }

std::string count_of_parts(std::size_t count) {
  if (count == 0) return "no parts";
  return std::to_string(count) + (count == 1 ? " part" : " parts");
}

/// what() is the text alone: std::system_error would put the message of its code behind it, which
/// can say no more than the text does.
class BadEndpoint final : public std::system_error {
 public:
  BadEndpoint(std::string_view text, std::string_view why)
      : BadEndpoint("endpoint " + in_quotes(text) + ": " + std::string(why)) {}
  const char* what() const noexcept override { return what_.what(); }

 private:
  explicit BadEndpoint(const std::string& all)
      : std::system_error(Errc::bad_endpoint, all), what_(all) {}

  std::runtime_error what_;  // a string that is copied without throwing
};

/// What stands behind the kind, piece by piece.
class EndpointReader {
 public:
  EndpointReader(std::string_view text, std::size_t at) noexcept : text_(text), at_(at) {}

  bool ended() const noexcept { return at_ == text_.size(); }
  bool skip(char letter) noexcept {
    const bool is_there = !ended() && text_[at_] == letter;
    if (is_there) ++at_;
    return is_there;
  }
  /// Up to the next letter of `stops` that is not escaped, or to the end.
  std::string piece(std::string_view stops) {
    if (skip('[')) return in_brackets();
    std::string read;
    for (; !ended() && stops.find(text_[at_]) == std::string_view::npos; ++at_) {
      if (skip('\\') && ended()) {
        refuse(
            "it ends with a backslash, which has nothing to escape; a backslash is written \\\\");
      }
      read += text_[at_];
    }
    return read;
  }
  [[noreturn]] void refuse(std::string_view why) const { throw BadEndpoint(text_, why); }

 private:
  std::string in_brackets() {
    const std::size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) {
      refuse("a [ has no ]; a part that begins with [ is written \\[");
    }
    std::string inside(text_.substr(at_, end - at_));
    if (!looks_like_ipv6(inside)) {
      refuse(in_quotes(inside) +
             " in brackets is no IPv6 address; a part that begins with [ is written \\[");
    }
    at_ = end + 1;
    if (!ended() && text_[at_] != ':') {
      refuse(in_quotes(text_.substr(at_)) + " stands behind a ], where a colon should be");
    }
    return inside;
  }

  std::string_view text_;
  std::size_t at_;
};

std::string written_part(std::string_view text, std::string_view escaped) {
  std::string out;
  if (looks_like_ipv6(text)) {
    out += '[';
    out += text;
    out += ']';
    return out;
  }
  if (text.starts_with('[')) out += '\\';
  for (const char letter : text) {
    if (escaped.find(letter) != std::string_view::npos) out += '\\';
    out += letter;
  }
  return out;
}
constexpr std::string_view escaped_in_parts = ":\\=";
constexpr std::string_view escaped_in_values = ":\\";

std::string written_parts(const std::vector<std::string>& parts) {
  std::string all;
  std::string_view between;
  for (const std::string& part : parts) {
    all += std::exchange(between, ":");
    all += written_part(part, escaped_in_parts);
  }
  return all;
}

}  // namespace

Endpoint Endpoint::parse(std::string_view text) {
  if (text.size() > longest) {
    throw BadEndpoint(text, "it has " + std::to_string(text.size()) + " bytes, and may have " +
                                std::to_string(longest));
  }
  const std::size_t colon = text.find(':');
  EndpointReader reader(text, colon == std::string_view::npos ? text.size() : colon + 1);
  const std::size_t nul = text.find('\0');
  if (nul != std::string_view::npos) {
    reader.refuse("its byte number " + std::to_string(nul) + " is NUL");
  }
  if (colon == std::string_view::npos) {
    reader.refuse("a kind and a colon come first, as in tcp:HOST:PORT");
  }

  Endpoint read;
  read.kind_ = text.substr(0, colon);
  if (!is_name(read.kind_)) {
    reader.refuse(in_quotes(read.kind_) + " is no kind; one comes first, as in tcp:HOST:PORT");
  }
  if (reader.ended()) return read;
  do {
    std::string piece = reader.piece(":=");
    if (!reader.skip('=')) {
      if (!read.options_.empty()) {
        reader.refuse("the part " + in_quotes(piece) +
                      " stands behind an option; options come last");
      }
      read.parts_.push_back(std::move(piece));
      continue;
    }
    if (!is_name(piece)) {
      reader.refuse(in_quotes(piece) + " is no option's name; the = of a part is written \\=");
    }
    std::string value = reader.piece(":");
    const auto [at, fresh] = read.options_.try_emplace(std::move(piece), std::move(value));
    if (!fresh) reader.refuse("the option " + in_quotes(at->first) + " is there twice");
  } while (reader.skip(':'));
  return read;
}

const std::string& Endpoint::part(std::size_t i) const {
  if (i >= parts_.size()) {
    refuse("it has " + count_of_parts(parts_.size()) + ", and is asked for number " +
           std::to_string(i + 1));
  }
  return parts_[i];
}

std::uint16_t Endpoint::port(std::size_t i) const {
  const std::string& text = part(i);
  const char* const end = text.data() + text.size();
  std::uint16_t number = 0;
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  const bool padded = text.size() > 1 && text[0] == '0';  // octal, for some
  if (error != std::errc() || stopped != end || padded) {
    refuse(in_quotes(text) + " is no port, which is a number from 0 to 65535");
  }
  return number;
}

const std::string* Endpoint::option(std::string_view name) const noexcept {
  const auto found = options_.find(name);
  return found == options_.end() ? nullptr : &found->second;
}

std::string Endpoint::text() const {
  std::string all = kind_ + ":" + written_parts(parts_);
  std::string_view between = parts_.empty() ? "" : ":";
  for (const auto& [name, value] : options_) {
    all += std::exchange(between, ":");
    all += name;
    all += '=';
    all += written_part(value, escaped_in_values);
  }
  return all;
}

void Endpoint::require(std::string_view usage, std::size_t least, std::size_t most,
                       std::initializer_list<std::string_view> options) const {
  const std::size_t count = parts_.size();
  if (count < least || count > most) {
    std::string why = "it has " + count_of_parts(count) + ", and " + std::string(usage) + " has ";
    if (most == any_number) {
      why += "at least " + std::to_string(least);
    } else {
      if (most != least) why += std::to_string(least) + " to ";
      why += std::to_string(most);
    }
    // An address without brackets has fallen apart, and a port behind it looks like more of it.
    if (count > most && looks_like_ipv6(written_parts(parts_))) {
      why += "; an IPv6 address stands in brackets";
    }
    refuse(why);
  }
  for (const auto& [name, value] : options_) {
    if (std::find(options.begin(), options.end(), name) != options.end()) continue;
    std::string why = in_quotes(name) + " is no option of " + std::string(usage) + ", which has ";
    if (options.size() == 0) why += "none";
    std::string_view between;
    for (const std::string_view known : options) {
      why += std::exchange(between, ", ");
      why += known;
    }
    refuse(why);
  }
}

void Endpoint::refuse(std::string_view why) const { throw BadEndpoint(text(), why); }

std::string escape(std::string_view part) { return written_part(part, escaped_in_parts); }

}  // namespace deferred::io
