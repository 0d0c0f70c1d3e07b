// SPDX-License-Identifier: MIT
//
// names: the addresses of a host. Who knows them is a NameSource, one a reactor: the system's
// getaddrinfo, unless the program gives another. Next: address.hpp, connect.hpp.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include "deferred/io/address.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/threads/pool.hpp"

namespace deferred {

class Reactor;

namespace io {

/// Knows the addresses of names. Used by one reactor, on its thread; it is kept by the reactor and
/// by the look-ups that are under way.
class DEFERRED_API NameSource {
 public:
  NameSource() = default;
  NameSource(const NameSource&) = delete;
  NameSource& operator=(const NameSource&) = delete;
  virtual ~NameSource() = default;

  /// The addresses of `host`, the best ones first; their ports do not count. Asked for what
  /// names::look_up() does not know itself: never for a literal or localhost, nor for what cannot
  /// be a name. Throws std::system_error, with a names::Errc where one fits. A cancel ends the
  /// wait.
  virtual Task<std::vector<Address>> look_up(std::string host) = 0;
};

namespace names {

/// `catch (const std::system_error& e) { if (e.code() == io::names::Errc::not_found) ...` What
/// getaddrinfo says: its numbers, also those that have no name here.
enum class Errc {
  not_found = -2,   ///< There is no such name.
  try_again = -3,   ///< Nobody could say: no server has answered.
  failed = -4,      ///< It cannot be found out.
  no_address = -5,  ///< The name is known, and has no address.
};

/// Its texts are the system's: "Name or service not known".
DEFERRED_API const std::error_category& error_category() noexcept;
inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

/// The most addresses that are used of an answer.
inline constexpr std::size_t most_addresses = 64;

/// The addresses of a host, with port 0: at least one, none of them twice, in the order that the
/// reactor's source gives, whose errors are thrown: "look up 'x.invalid': Name or service not
/// known".
///
/// Nobody is asked about literals, such as "127.0.0.1" and "fe80::1%eth0", and about "localhost"
/// and all names below it, which are ::1 and 127.0.0.1. What no host can have as its name -
/// an empty one, a part of more than 63 bytes or more than 253 in all, NULs, blanks or colons in
/// it, a number as its last part - is Errc::not_a_name of io. There is no limit in time:
/// `with_timeout(10s, names::look_up(host))`. (Twisted: IHostnameResolver)
DEFERRED_API Task<std::vector<Address>> look_up(std::string host);

/// The reactor asks this source from now on; null: the system's again. Look-ups under way go on
/// with the one they have.
DEFERRED_API void use(Reactor& reactor, std::shared_ptr<NameSource> source);
/// The source that the reactor asks now: for one that puts itself in front of it.
DEFERRED_API std::shared_ptr<NameSource> source(Reactor& reactor);

/// The system's getaddrinfo: files, DNS, mDNS and what else nsswitch.conf names, with the search
/// domains of resolv.conf. in_threads() of its own.
DEFERRED_API std::shared_ptr<NameSource> system();

/// A source that asks a function which blocks, in a thread of `pool`. At most 64 questions are
/// under way; others wait for their turn. A look-up that is cancelled does not wait for an answer
/// that is on its way: that is dropped.
///
/// Without a pool it has two threads of its own, so that slow names take no threads from files and
/// others. As such a function may not return for minutes, nobody waits for these threads: if
/// they are busy at the reactor's end, they are left to themselves, to end when `ask` returns, or
/// with the process. So `ask` owns what it uses. REQUIRES: plug-ins that have its code stay.
DEFERRED_API std::shared_ptr<NameSource> in_threads(
    std::function<std::vector<Address>(const std::string& host)> ask,
    std::shared_ptr<Pool> pool = nullptr);

}  // namespace names
}  // namespace io
}  // namespace deferred

template <>
struct std::is_error_code_enum<deferred::io::names::Errc> : std::true_type {};
