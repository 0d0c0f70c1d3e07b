// SPDX-License-Identifier: MIT
// The sources that ask in threads, and the system's.
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <span>
#include <utility>

#include "deferred/io/detail/quoted.hpp"
#include "deferred/io/detail/unjoined_pool.hpp"
#include "deferred/io/names.hpp"
#include "deferred/threads/in_thread.hpp"
#include "deferred/yieldables/semaphore.hpp"

namespace deferred::io::names {

using Ask = std::function<std::vector<Address>(const std::string& host)>;

constexpr std::size_t own_threads = 2;
constexpr std::size_t most_questions = 64;

/// Its name is not this file's alone, for coroutines hold it.
class NamesInThreads final : public NameSource {
 public:
  NamesInThreads(Ask&& ask, std::shared_ptr<Pool>&& pool)
      : ask_(std::make_shared<const Ask>(std::move(ask))), pool_(std::move(pool)) {
    if (!pool_) pool_ = std::make_shared<detail::UnjoinedPool>(own_threads);
  }

  Task<std::vector<Address>> look_up(std::string host) override {
    const Permit turn = co_await turns_.acquire();
    auto ask = [ask = ask_, host = std::move(host)] { return (*ask)(host); };
    auto asking = in_thread(*pool_, std::move(ask)).abandon_on_cancel();
    co_return co_await unlisted(std::move(asking));
  }

 private:
  std::shared_ptr<const Ask> ask_;  // shared with what a thread is still about to answer
  std::shared_ptr<Pool> pool_;
  Semaphore turns_{most_questions};
};

namespace {

[[noreturn]] void throw_for(int error, const std::string& host) {
  const int of_system = errno;
  const std::string what = "look up " + detail::quoted(host);
  if (error == EAI_SYSTEM) throw std::system_error(of_system, std::generic_category(), what);
  throw std::system_error(error, error_category(), what);
}

/// Without AI_ADDRCONFIG: in a container that has nothing but the loopback it hides what
/// /etc/hosts says. Addresses that cannot be reached come last (RFC 6724), and fail at once.
std::vector<Address> ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // else each comes three times
  addrinfo* answer = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &answer);
  if (error != 0) throw_for(error, host);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(answer, &::freeaddrinfo);
  std::vector<Address> found;
  for (const addrinfo* each = answer; each; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    found.push_back(Address::from_native(
        std::span(reinterpret_cast<const std::byte*>(each->ai_addr), each->ai_addrlen)));
  }
  return found;
}

}  // namespace

std::shared_ptr<NameSource> in_threads(Ask ask, std::shared_ptr<Pool> pool) {
  return std::make_shared<NamesInThreads>(std::move(ask), std::move(pool));
}

std::shared_ptr<NameSource> system() { return in_threads(&ask_system); }

}  // namespace deferred::io::names
