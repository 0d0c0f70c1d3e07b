// SPDX-License-Identifier: MIT
//
// At the end of a thread, and of the program, owners may be destroyed after the library's own
// variables of that thread. Runs with the sanitizers too, which see what is used then.
#include <doctest/doctest.h>

#include <atomic>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "deferred/deferred.hpp"
#include "reactors/virtual_time.hpp"

using namespace deferred;

namespace {

/// Keeps one of everything, and uses all of it as it ends.
struct Owner {
  Owner() = default;
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() {
    if (!filled) return;
    reactor->post([this] { promise->callback("late"); });
    spawn(*reactor, []() -> Task<> { co_await Pause{}; }).detach();
    time->run_once(false);
    time->run_once(false);
    if (std::move(*length).result().value() != 4) std::terminate();
    reactor.reset();
    try {
      Failure(std::runtime_error("late")).raise();
    } catch (const std::runtime_error&) {
      failure = Failure::current();
    }
    ++ended;
  }
  void fill() {
    time.emplace();
    reactor.emplace(*time);
    auto [made, deferred] = make_deferred<std::string>();
    promise.emplace(std::move(made));
    length.emplace(std::move(deferred).add_callback(
        [](const std::string& text) { return static_cast<int>(text.size()); }));
    spawn(*reactor, []() -> Task<> {
      while (true) co_await Pause{};
    }).detach();
    time->run_once(false);
    try {
      Failure(std::runtime_error("early")).raise();
    } catch (const std::runtime_error&) {
      failure = Failure::current();
    }
    filled = true;
  }

  inline static std::atomic<int> ended{0};
  bool filled = false;
  std::optional<reactors::VirtualTime> time;
  std::optional<Reactor> reactor;
  std::optional<Promise<std::string>> promise;
  std::optional<Deferred<int>> length;
  Failure failure;
};

Owner of_program;  // ends behind all threads' variables

TEST_CASE("what a thread's variables own may be used when the library's own have ended") {
  Owner::ended = 0;
  for (int i = 0; i < 3; ++i) {
    std::thread([] {
      thread_local Owner owner;  // made before the library keeps anything on this thread
      owner.fill();
    }).join();
  }
  CHECK(Owner::ended == 3);
}

// Its destructor ends the program if something is wrong.
TEST_CASE("what a program's variables own may be used at its end") { of_program.fill(); }

}  // namespace
