// SPDX-License-Identifier: MIT
//
// Looking up names: what nobody has to be asked about, what is no name, what becomes of an answer.
// No server is asked.
#include "deferred/io/names.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/io/errors.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Address;
using io::NameSource;

namespace {

using Addresses = std::vector<Address>;

Addresses addresses(std::vector<const char*> literals) {
  Addresses made;
  for (const char* literal : literals) made.push_back(*Address::ip(literal, 0));
  return made;
}

/// Answers a second after it was asked, and remembers what it was asked.
class SlowSource final : public NameSource {
 public:
  explicit SlowSource(Addresses answer) : answer_(std::move(answer)) {}
  Task<Addresses> look_up(std::string host) override {
    asked.push_back(std::move(host));
    co_await Pause{1s};
    co_return answer_;
  }
  std::vector<std::string> asked;

 private:
  Addresses answer_;
};

struct Named : Loop {
  Named() { io::names::use(reactor, source); }
  std::string text_of(std::string host) {
    const auto outcome = outcome_of(io::names::look_up(std::move(host)));
    const auto* error = outcome.check<std::system_error>();
    return error ? error->what() : "it has a value";
  }
  std::shared_ptr<SlowSource> source = std::make_shared<SlowSource>(addresses({"192.0.2.7"}));
};

TEST_CASE_FIXTURE(Named, "a name is looked up by the source that the reactor uses") {
  const auto outcome = outcome_of(io::names::look_up("example.org"));

  CHECK(outcome.value() == addresses({"192.0.2.7"}));
  CHECK(source->asked == std::vector<std::string>{"example.org"});
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Named, "nobody is asked about a literal address") {
  for (const char* const literal : {"192.0.2.1", "::1", "2001:db8::2", "::ffff:192.0.2.1"}) {
    CAPTURE(literal);
    CHECK(outcome_of(io::names::look_up(literal)).value() == addresses({literal}));
  }
  CHECK(source->asked.empty());
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Named, "a literal keeps the scope that is written behind it") {
  const auto outcome = outcome_of(io::names::look_up("fe80::1%1"));

  CHECK(outcome.value() == addresses({"fe80::1%1"}));
  CHECK(outcome.value() != addresses({"fe80::1"}));
}

TEST_CASE_FIXTURE(Named, "localhost and what is below it is this host, and nobody is asked") {
  for (const char* const name :
       {"localhost", "LocalHost", "localhost.", "a.localhost", "a.b.LOCALHOST."}) {
    CAPTURE(name);
    CHECK(outcome_of(io::names::look_up(name)).value() == addresses({"::1", "127.0.0.1"}));
  }
  CHECK(source->asked.empty());
}

TEST_CASE_FIXTURE(Named, "a name that only looks like localhost is asked for") {
  const std::vector<std::string> names{"mylocalhost", "localhost.example", "localhosts", "xn--4ca"};
  for (const std::string& name : names) {
    CHECK(outcome_of(io::names::look_up(name)).has_value());
  }
  CHECK(source->asked == names);
}

TEST_CASE_FIXTURE(Named, "what no host can have as its name is an error, and nobody is asked") {
  const std::string part(63, 'a');
  const std::string longest = part + "." + part + "." + part + "." + std::string(61, 'b');
  for (const std::string& name : std::vector<std::string>{"",
                                                          ".",
                                                          "..",
                                                          "a..b",
                                                          ".a",
                                                          std::string(64, 'a'),
                                                          "a." + std::string(64, 'b'),
                                                          longest + "c",
                                                          std::string("a\0b", 3),
                                                          "a b",
                                                          "a\nb",
                                                          "a\x7f",
                                                          "fe80::1%nosuch",
                                                          "a:80",
                                                          "127.1",
                                                          "0x7f000001",
                                                          "2130706433",
                                                          "1.2.3.4.5",
                                                          "256.1.1.1",
                                                          "a.0x",
                                                          "127.1."}) {
    CAPTURE(name);
    const auto outcome = outcome_of(io::names::look_up(name));
    const auto* error = outcome.check<std::system_error>();
    REQUIRE(error);
    CHECK(error->code() == io::Errc::not_a_name);
  }
  CHECK(source->asked.empty());

  CHECK(outcome_of(io::names::look_up(longest)).has_value());
  CHECK(outcome_of(io::names::look_up(longest + ".")).has_value());
}

TEST_CASE_FIXTURE(Named, "an error of a name shows it on one line, and not all of a long one") {
  CHECK(text_of("") == "look up '': it is empty: no host can have this name");
  CHECK(text_of(std::string("a\0\n'", 4)).starts_with("look up 'a\\x00\\x0a\\x27': "));
  CHECK(text_of(std::string(300, 'a')) ==
        "look up '" + std::string(200, 'a') +
            "...': it is longer than 253 bytes: no host can have this name");
}

TEST_CASE_FIXTURE(Named, "an answer has each address once, at its first place, with port 0") {
  Addresses given = addresses({"192.0.2.2", "::5", "192.0.2.2", "192.0.2.1", "::5"});
  given.push_back(Address::ip("192.0.2.1", 80).value());
  io::names::use(reactor, std::make_shared<SlowSource>(given));

  const auto outcome = outcome_of(io::names::look_up("example.org"));

  CHECK(outcome.value() == addresses({"192.0.2.2", "::5", "192.0.2.1"}));
}

TEST_CASE_FIXTURE(Named, "of an answer the first 64 addresses are used") {
  Addresses given;
  for (int i = 0; i < 1000; ++i) {
    given.push_back(
        *Address::ip("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), 0));
  }
  io::names::use(reactor, std::make_shared<SlowSource>(given));

  const auto outcome = outcome_of(io::names::look_up("example.org"));

  CHECK(outcome.value() == Addresses(given.begin(), given.begin() + 64));
}

TEST_CASE_FIXTURE(Named, "a name without an address is an error that says so") {
  io::names::use(reactor, std::make_shared<SlowSource>(Addresses()));

  const auto outcome = outcome_of(io::names::look_up("example.org"));

  const auto* error = outcome.check<std::system_error>();
  REQUIRE(error);
  CHECK(error->code() == io::names::Errc::no_address);
  CHECK(std::string(error->what()) == "look up 'example.org': No address associated with hostname");
}

TEST_CASE_FIXTURE(Named, "a look-up that is under way goes on with the source that it has asked") {
  std::weak_ptr<SlowSource> old = source;
  auto looks = spawn(reactor, io::names::look_up("example.org"));
  settle();
  source.reset();

  io::names::use(reactor, std::make_shared<SlowSource>(addresses({"192.0.2.8"})));
  CHECK_FALSE(old.expired());
  time.run_until_idle();

  CHECK(outcome_of(std::move(looks)).value() == addresses({"192.0.2.7"}));
  CHECK(old.expired());
  CHECK(outcome_of(io::names::look_up("example.org")).value() == addresses({"192.0.2.8"}));
}

/// Counts what goes through it.
class Counting final : public NameSource {
 public:
  explicit Counting(std::shared_ptr<NameSource> behind) : behind_(std::move(behind)) {}
  Task<Addresses> look_up(std::string host) override {
    ++count;
    return behind_->look_up(std::move(host));
  }
  int count = 0;

 private:
  std::shared_ptr<NameSource> behind_;
};

TEST_CASE_FIXTURE(Named, "a source may stand in front of the one that was used before") {
  const auto counting = std::make_shared<Counting>(io::names::source(reactor));
  io::names::use(reactor, counting);

  const auto outcome = outcome_of(io::names::look_up("example.org"));

  CHECK(outcome.value() == addresses({"192.0.2.7"}));
  CHECK(counting->count == 1);
}

TEST_CASE_FIXTURE(
    Named, "without a source of its own a reactor has the system's, and the same each time") {
  io::names::use(reactor, nullptr);

  const auto system = io::names::source(reactor);

  CHECK(system != nullptr);
  CHECK(io::names::source(reactor) == system);
}

TEST_CASE_FIXTURE(Named, "a look-up in a cancelled task asks nobody, of a literal too") {
  for (const char* const host : {"example.org", "192.0.2.1"}) {
    auto looks = spawn(reactor, io::names::look_up(host));
    looks.task().cancel();
    time.run_until_idle();

    CHECK(outcome_of(std::move(looks)).check<Cancelled>());
  }
  CHECK(source->asked.empty());
}

TEST_CASE_FIXTURE(Named, "a look-up that takes too long ends by its limit") {
  const auto outcome = outcome_of(
      []() -> Task<Addresses> { co_return co_await with_timeout(10ms, io::names::look_up("a")); });

  CHECK(outcome.check<TimeoutError>());
  CHECK(now() == 10ms);
  CHECK(reactor.timer_count() == 0);
}

}  // namespace
