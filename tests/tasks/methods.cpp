// SPDX-License-Identifier: MIT
//
// Coroutines that are members: of an object, of a class, of a lambda. Awaited, the object is where
// it is; spawned with the object given by value, that lies in the frame. (resumeback: methods,
// classmethods, staticmethods)
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/yieldables/pause.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

class Account {
 public:
  explicit Account(int begin) : balance_(begin) {}
  virtual ~Account() = default;

  Task<int> pay_in(int amount) {
    co_await Pause(1s);
    balance_ += amount;
    co_return balance_;
  }
  Task<int> balance() const {
    co_await Pause(1s);
    co_return balance_;
  }
  Task<int> pay_in_twice(int amount) {
    co_await pay_in(amount);
    co_return co_await pay_in(amount);
  }
  Task<int> emptied() && {
    co_await Pause(1s);
    co_return std::exchange(balance_, 0);
  }
  static Task<int> total(const std::vector<const Account*> accounts) {
    int sum = 0;
    for (const Account* each : accounts) sum += co_await each->balance();
    co_return sum;
  }
  virtual Task<std::string> kind() const { co_return "account"; }

 private:
  int balance_;
};

class Savings final : public Account {
 public:
  using Account::Account;
  Task<std::string> kind() const override {
    const std::string base = co_await Account::kind();
    co_return "savings " + base;
  }
};

TEST_CASE_FIXTURE(Loop, "a member function is a task, and changes its object when it goes on") {
  Account account(1);
  auto spawned = spawn(reactor, account.pay_in(2));
  time.advance(1s);
  REQUIRE(outcome_of(std::move(spawned)).value() == 3);

  const auto balance = outcome_of(account.balance());

  CHECK(balance.value() == 3);
}

TEST_CASE_FIXTURE(Loop, "a member function awaits others of its object") {
  Account account(1);

  CHECK(outcome_of(account.pay_in_twice(2)).value() == 5);
  CHECK(now() == 2s);
}

TEST_CASE_FIXTURE(Loop, "a const member function is a task of a const object") {
  const Account account(7);

  CHECK(outcome_of(account.balance()).value() == 7);
}

TEST_CASE_FIXTURE(Loop, "a static member function is a task without an object") {
  const Account one(1);
  const Account two(2);

  CHECK(outcome_of(Account::total({&one, &two})).value() == 3);
}

TEST_CASE_FIXTURE(Loop, "a virtual member function is the task of the object's class") {
  const std::unique_ptr<const Account> account = std::make_unique<Savings>(0);

  CHECK(outcome_of(account->kind()).value() == "savings account");
}

TEST_CASE_FIXTURE(Loop, "a temporary object lives as long as the await of its member function") {
  const auto balance_of_temporary = []() -> Task<int> { co_return co_await Account(4).pay_in(3); };

  CHECK(outcome_of(balance_of_temporary()).value() == 7);
}

TEST_CASE_FIXTURE(Loop, "spawn() calls a member function of an object that it is given by value") {
  Account account(1);

  auto of_copy = spawn(reactor, &Account::pay_in, account, 2);
  auto of_temporary = spawn(reactor, &Account::pay_in, Account(10), 2);
  auto of_moved = spawn(reactor, &Account::emptied, Account(20));
  time.advance(1s);

  CHECK(outcome_of(std::move(of_copy)).value() == 3);
  CHECK(outcome_of(std::move(of_temporary)).value() == 12);
  CHECK(outcome_of(std::move(of_moved)).value() == 20);
  CHECK(outcome_of(account.balance()).value() == 1);
}

TEST_CASE_FIXTURE(Loop, "spawn() calls a member function of an object that it is pointed to") {
  Account account(1);
  const auto shared = std::make_shared<Account>(100);

  auto by_pointer = spawn(reactor, &Account::pay_in, &account, 2);
  auto by_reference = spawn(reactor, &Account::pay_in, std::ref(account), 3);
  auto by_owner = spawn(reactor, &Account::pay_in, shared, 4);
  auto of_static = spawn(reactor, &Account::total, std::vector<const Account*>{&account});
  time.advance(1s);

  CHECK(outcome_of(std::move(by_pointer)).value() == 3);
  CHECK(outcome_of(std::move(by_reference)).value() == 6);
  CHECK(outcome_of(std::move(by_owner)).value() == 104);
  CHECK(outcome_of(std::move(of_static)).value() == 6);
}

TEST_CASE_FIXTURE(Loop, "an object that was given to spawn() is destroyed with its microthread") {
  struct Owner {
    Counted counted;
    Task<> wait() const { co_await Pause(1s); }
  };
  Counted::reset();
  auto spawned = spawn(reactor, &Owner::wait, Owner());
  settle();
  REQUIRE(Counted::live == 1);

  time.advance(1s);

  CHECK(spawned.done());
  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Loop,
                  "a lambda that is a variable, and a function object, are tasks when called") {
  struct Adds {
    int base;
    Task<int> operator()(int n) const {
      co_await Pause(1s);
      co_return base + n;
    }
  };
  const Adds adds{10};
  int base = 20;
  const auto lambda = [base](int n) -> Task<int> {
    co_await Pause(1s);
    co_return base + n;
  };
  const auto both = [&]() -> Task<int> { co_return co_await adds(1) + co_await lambda(1); };

  CHECK(outcome_of(both()).value() == 32);
}

TEST_CASE_FIXTURE(Loop, "a mutable lambda that is spawned changes its own captures") {
  auto spawned = spawn(reactor, [n = 1]() mutable -> Task<int> {
    co_await Pause(1s);
    n += 1;
    co_return n;
  });

  time.advance(1s);

  CHECK(outcome_of(std::move(spawned)).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "a generic lambda is a task of the arguments that it is given") {
  const auto twice = [](auto value) -> Task<decltype(value)> {
    co_await Pause(1s);
    co_return value + value;
  };

  auto number = spawn(reactor, twice, 2);
  auto text = spawn(reactor, twice, std::string("ab"));
  time.advance(1s);

  CHECK(outcome_of(std::move(number)).value() == 4);
  CHECK(outcome_of(std::move(text)).value() == "abab");
}

}  // namespace
