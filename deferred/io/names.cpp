// SPDX-License-Identifier: MIT
#include "deferred/io/names.hpp"

#include <netdb.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "deferred/io/detail/quoted.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::io::names {
namespace {

static_assert(static_cast<int>(Errc::not_found) == EAI_NONAME);
static_assert(static_cast<int>(Errc::try_again) == EAI_AGAIN);
static_assert(static_cast<int>(Errc::failed) == EAI_FAIL);
#ifdef EAI_NODATA
static_assert(static_cast<int>(Errc::no_address) == EAI_NODATA);
#endif

class NamesCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "deferred.io.names"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_part = 63;

// Not by the locale.
char lower(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}
bool is_digit(char letter) noexcept { return letter >= '0' && letter <= '9'; }
bool is_hex(char letter) noexcept {
  return is_digit(letter) || (lower(letter) >= 'a' && lower(letter) <= 'f');
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

/// "127.1" and "0x7f000001" are addresses to getaddrinfo, by rules of inet_aton() that nobody
/// expects: who has checked the name has not seen that it is the loopback. No top-level domain is
/// a number. (URL standard: "ends in a number")
bool is_number(std::string_view part) noexcept {
  if (std::all_of(part.begin(), part.end(), is_digit)) return true;
  if (part[0] != '0' || part.size() < 2 || lower(part[1]) != 'x') return false;
  return std::all_of(part.begin() + 2, part.end(), is_hex);
}

bool may_stand_in_names(char letter) noexcept {
  const auto byte = static_cast<unsigned char>(letter);
  return byte > ' ' && byte != 0x7f && letter != ':';
}

/// What is wrong with it; null: nothing.
const char* fault_of(std::string_view name) noexcept {
  if (name.empty()) return "it is empty";
  if (name.size() > longest_name) return "it is longer than 253 bytes";
  if (!std::all_of(name.begin(), name.end(), may_stand_in_names)) {
    return "it has blanks, colons or bytes that cannot be printed";
  }
  for (;;) {
    const std::string_view part = name.substr(0, name.find('.'));
    if (part.empty()) return "a part of it is empty";
    if (part.size() > longest_part) return "a part of it is longer than 63 bytes";
    if (part.size() == name.size()) return is_number(part) ? "it ends in a number" : nullptr;
    name.remove_prefix(part.size() + 1);
  }
}

bool is_localhost(std::string_view name) noexcept {
  constexpr std::string_view local = "localhost";
  if (name.size() < local.size()) return false;
  if (!same_name(name.substr(name.size() - local.size()), local)) return false;
  return name.size() == local.size() || name[name.size() - local.size() - 1] == '.';
}

/// What nobody has to be asked about. Throws for what is no name.
std::vector<Address> known_addresses(const std::string& host) {
  std::vector<Address> known;
  if (const auto literal = Address::ip(host, 0)) {
    known.push_back(*literal);
    return known;
  }
  std::string_view name = host;
  if (name.ends_with('.')) name.remove_suffix(1);  // it is fully qualified
  if (const char* const fault = fault_of(name)) {
    throw std::system_error(io::Errc::not_a_name, "look up " + detail::quoted(host) + ": " + fault);
  }
  if (is_localhost(name)) {
    known.push_back(*Address::ip("::1", 0));
    known.push_back(*Address::ip("127.0.0.1", 0));
  }
  return known;
}

/// Each once, the first ones.
void tidy(std::vector<Address>& found) {
  std::vector<Address> kept;
  for (const Address& each : found) {
    const Address address = each.with_port(0);
    if (std::find(kept.begin(), kept.end(), address) == kept.end()) kept.push_back(address);
    if (kept.size() == most_addresses) break;
  }
  found = std::move(kept);
}

/// What a reactor asks.
struct Names {
  explicit Names(Reactor&) noexcept {}
  std::shared_ptr<NameSource> source;  // null: nobody was asked yet
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const NamesCategory category;
  return category;
}

void use(Reactor& reactor, std::shared_ptr<NameSource> source) {
  std::swap(reactor.service<Names>().source, source);  // the old one ends when nothing is half done
}

std::shared_ptr<NameSource> source(Reactor& reactor) {
  auto& used = reactor.service<Names>().source;
  if (!used) used = system();
  return used;
}

Task<std::vector<Address>> look_up(std::string host) {
  co_await cancel_point;
  std::vector<Address> found = known_addresses(host);
  if (!found.empty()) co_return found;
  const std::shared_ptr<NameSource> asked = source(Reactor::current());
  Task<std::vector<Address>> asking = asked->look_up(host);
  found = co_await unlisted(std::move(asking));
  tidy(found);
  if (found.empty()) throw std::system_error(Errc::no_address, "look up " + detail::quoted(host));
  co_return found;
}

}  // namespace deferred::io::names
