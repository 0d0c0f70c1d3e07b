// SPDX-License-Identifier: MIT
//
// What the system's source makes of what getaddrinfo says. The functions at the top stand before
// libc's: no server is asked.
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/io/names.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/yieldables/as_outcome.hpp"

using namespace deferred;
using io::Address;

namespace {

// What the next call gives.
int next_error = 0;
std::vector<sockaddr_storage> next_answer;
// What it was called with.
std::string asked;
addrinfo hinted;
int answers_given = 0;

sockaddr_storage four(const char* literal) {
  sockaddr_storage storage{};
  const Address address = Address::ip(literal, 0).value();
  const auto native = address.native();
  std::memcpy(&storage, native.data(), native.size());
  return storage;
}

}  // namespace

extern "C" int getaddrinfo(const char* host, const char*, const addrinfo* hints,
                           addrinfo** answer) {
  asked = host;
  hinted = *hints;
  if (next_error != 0) {
    errno = EMFILE;
    return next_error;
  }
  *answer = nullptr;
  addrinfo** end = answer;
  for (sockaddr_storage& each : next_answer) {
    auto* const node = new addrinfo{};
    node->ai_family = each.ss_family;
    node->ai_addr = reinterpret_cast<sockaddr*>(&each);
    node->ai_addrlen = each.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    *end = node;
    end = &node->ai_next;
  }
  ++answers_given;
  return 0;
}
extern "C" void freeaddrinfo(addrinfo* answer) noexcept {
  while (answer) delete std::exchange(answer, answer->ai_next);
  --answers_given;
}

namespace {

Outcome<std::vector<Address>> look_up(const char* host) {
  Reactor reactor;
  return reactor.run_until(as_outcome(io::names::look_up(host)));
}

TEST_CASE("the system's answer is given in its order, and given back") {
  next_error = 0;
  next_answer = {four("192.0.2.2"), four("2001:db8::1"), four("192.0.2.1")};

  const auto outcome = look_up("example.org");

  REQUIRE(outcome.value().size() == 3);
  CHECK(outcome.value()[0].text() == "192.0.2.2:0");
  CHECK(outcome.value()[1].text() == "[2001:db8::1]:0");
  CHECK(outcome.value()[2].text() == "192.0.2.1:0");
  CHECK(answers_given == 0);
}

TEST_CASE("the system is asked for both families, once for each address, whatever is configured") {
  next_error = 0;
  next_answer = {four("192.0.2.2")};

  static_cast<void>(look_up("Example.org."));

  CHECK(asked == "Example.org.");
  CHECK(hinted.ai_family == AF_UNSPEC);
  CHECK(hinted.ai_socktype == SOCK_STREAM);
  CHECK(hinted.ai_flags == 0);
}

TEST_CASE("an address of neither IPv4 nor IPv6 is left out") {
  next_error = 0;
  next_answer = {four("192.0.2.2"), sockaddr_storage{}};
  next_answer[1].ss_family = AF_APPLETALK;

  CHECK(look_up("example.org").value().size() == 1);
}

TEST_CASE("what the system says is the error, by its number and its text") {
  struct {
    int error;
    io::names::Errc code;
  } const errors[] = {{EAI_NONAME, io::names::Errc::not_found},
                      {EAI_AGAIN, io::names::Errc::try_again},
                      {EAI_FAIL, io::names::Errc::failed}};
  for (const auto& each : errors) {
    next_error = each.error;

    const auto outcome = look_up("x.invalid");

    const auto* error = outcome.check<std::system_error>();
    REQUIRE(error);
    CHECK(error->code() == each.code);
    CHECK(error->code().category() == io::names::error_category());
    CHECK(error->what() == std::string("look up 'x.invalid': ") + ::gai_strerror(each.error));
  }
  CHECK(answers_given == 0);
}

TEST_CASE("an error that the system has from the kernel is the kernel's") {
  next_error = EAI_SYSTEM;

  const auto outcome = look_up("x.invalid");

  const auto* error = outcome.check<std::system_error>();
  REQUIRE(error);
  CHECK(error->code() == std::errc::too_many_files_open);
}

}  // namespace
