// SPDX-License-Identifier: MIT
// What the types of the chain promise at compile time.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <type_traits>

#include "deferred/results/deferred.hpp"
#include "deferred/results/shared_deferred.hpp"

using namespace deferred;

namespace {

template <class T>
constexpr bool moves_without_throwing =
    std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
    std::is_nothrow_destructible_v<T>;

static_assert(moves_without_throwing<Failure>);
static_assert(moves_without_throwing<Outcome<int>>);
static_assert(moves_without_throwing<Outcome<void>>);
static_assert(moves_without_throwing<Deferred<std::string>>);
static_assert(moves_without_throwing<Deferred<void>>);
static_assert(moves_without_throwing<Promise<int>>);
static_assert(moves_without_throwing<SharedDeferred<int>>);

static_assert(std::is_nothrow_copy_constructible_v<Failure>);
static_assert(std::is_copy_constructible_v<Outcome<int>>);
static_assert(!std::is_copy_constructible_v<Outcome<std::unique_ptr<int>>>);
static_assert(!std::is_copy_constructible_v<Deferred<int>>);
static_assert(!std::is_copy_constructible_v<Promise<int>>);
static_assert(std::is_copy_constructible_v<SharedDeferred<std::unique_ptr<int>>>);

static_assert(noexcept(Failure::current()));
static_assert(std::is_convertible_v<const char*, Outcome<std::string>>);
static_assert(!std::is_convertible_v<int*, Outcome<std::unique_ptr<int>>>);
static_assert(!std::is_base_of_v<std::exception, Cancelled>);

static_assert(sizeof(Failure) == sizeof(void*));
static_assert(sizeof(Promise<int>) == sizeof(void*));
static_assert(sizeof(Deferred<int>) == 2 * sizeof(void*));
static_assert(sizeof(Deferred<void>) == 2 * sizeof(void*));

}  // namespace

TEST_CASE("a callback gives the Deferred the type of what it returns") {
  const auto type_of = [](auto deferred) {
    return std::type_identity<typename decltype(deferred)::value_type>();
  };
  const auto none = type_of(succeed(1).add_callback([](int) {}));
  const auto value = type_of(succeed(1).add_callback([](int) { return 2L; }));
  const auto outcome = type_of(succeed(1).add_callback([](int) -> Outcome<char> { return 'c'; }));
  const auto inner = type_of(succeed(1).add_callback([](int) { return succeed('c'); }));
  const auto same = type_of(succeed(1).add_errback([](const Failure&) { return 2; }));

  CHECK(std::is_same_v<decltype(none)::type, void>);
  CHECK(std::is_same_v<decltype(value)::type, long>);
  CHECK(std::is_same_v<decltype(outcome)::type, char>);
  CHECK(std::is_same_v<decltype(inner)::type, char>);
  CHECK(std::is_same_v<decltype(same)::type, int>);
}
