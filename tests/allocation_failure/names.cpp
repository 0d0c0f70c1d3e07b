// SPDX-License-Identifier: MIT
//
// Names: a look-up that fails for want of memory leaves nothing behind, and the next one works. The
// threads are a pool that runs a job when it is told: each allocation of both sides may fail.
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "deferred/testing/manual_pool.hpp"
#include "tests/allocation_failure/programs.hpp"

namespace deferred::testing {
namespace {

using Addresses = std::vector<io::Address>;

/// Runs a look-up to its end.
Outcome<Addresses> address_of(Reactor& reactor, ManualPool& pool, const char* host) {
  auto spawned = spawn(reactor, io::names::look_up(host));
  const ClosedAtEnd closed(spawned.task());
  auto result = std::move(spawned).deferred();
  for (int i = 0; i != 20 && !result.has_result(); ++i) {
    turns(reactor, 1);
    pool.run_all();
  }
  right(result.has_result(), "a look-up does not come to its end");
  return std::move(result).result();
}

void look_ups(Reactor& reactor) {
  std::shared_ptr<ManualPool> pool;
  const auto ask = [](const std::string& host) {
    const io::Address address = io::Address::parse("192.0.2.7:0");
    if (host == "nowhere.example.org.") {
      throw std::system_error(io::names::Errc::not_found, "a text that is not short any more");
    }
    return Addresses{address, address};
  };
  {
    const AllocationsSucceed memory;
    pool = std::make_shared<ManualPool>();
  }
  io::names::use(reactor, io::names::in_threads(ask, pool));
  const auto source = io::names::source(reactor);
  for (const char* const host : {"a.name.of.more.than.a.few.letters.example.org", "::1"}) {
    Outcome<Addresses> found = Outcome<Addresses>(Addresses());
    try {
      found = address_of(reactor, *pool, host);
    } catch (const std::bad_alloc&) {
      found = Failure::current();
    }
    right(found.has_value() || out_of_memory(found), "another error");
    if (found.has_value()) {
      right(found->size() == 1, "an address stands there twice");
      continue;
    }
    const AllocationsSucceed memory;
    right(pool->queued() == 0, "a job is left");
    right(address_of(reactor, *pool, host).has_value(), "a look-up after one that failed fails");
  }
  const Outcome<Addresses> none = address_of(reactor, *pool, "nowhere.example.org.");
  const auto* const error = none.check<std::system_error>();
  right(out_of_memory(none) || (error && error->code() == io::names::Errc::not_found),
        "another error");
  const Outcome<Addresses> bad = address_of(reactor, *pool, "127.1");
  right(out_of_memory(bad) || bad.check<std::system_error>(), "another error");
}

void sources(Reactor& reactor) {
  io::names::use(reactor, nullptr);
  const auto system = io::names::source(reactor);
  right(system == io::names::source(reactor), "a reactor has two sources");
  io::names::use(reactor, io::names::system());
  right(system != io::names::source(reactor), "a source is not replaced");
  const std::error_code code = io::names::make_error_code(io::names::Errc::failed);
  right(code.category() == io::names::error_category() && !code.message().empty(),
        "an error has a text");
}

}  // namespace

Programs names_programs() {
  return {
      {"looking up names",
       {"deferred::io::names::look_up()", "deferred::io::names::use()",
        "deferred::io::names::in_threads()", "deferred::io::NameSource::look_up()"},
       &look_ups},
      {"sources of names",
       {"deferred::io::names::source()", "deferred::io::names::system()",
        "deferred::io::names::error_category()", "deferred::io::names::make_error_code()"},
       &sources},
  };
}

}  // namespace deferred::testing
