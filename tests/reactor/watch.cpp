// SPDX-License-Identifier: MIT
// Reactor::watch and Watch: descriptors and their readiness.
#include <doctest/doctest.h>

#include <climits>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Counting;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;
using deferred::testing::SocketPair;
using deferred::testing::Unhandled;

TEST_CASE_TEMPLATE("a watch is told once a turn while its descriptor stays ready", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  int calls = 0;
  const Watch watch = on.reactor.watch(pair[0], Ready::read, [&] { ++calls; });
  on.turn();
  CHECK(calls == 0);

  pair.write(1);
  on.turn();
  on.turn();
  CHECK(calls == 2);
  pair.read(0);
  on.turn();

  CHECK(calls == 2);
}

TEST_CASE_TEMPLATE("a watch is told what it watches for and nothing else", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  using Seen = std::vector<Ready>;
  Seen read, write, both;
  const Watch reads =
      on.reactor.watch(pair[0], Ready::read, [&](Ready what) { read.push_back(what); });
  const Watch writes =
      on.reactor.watch(pair[0], Ready::write, [&](Ready what) { write.push_back(what); });
  const Watch boths =
      on.reactor.watch(pair[0], Ready::both, [&](Ready what) { both.push_back(what); });

  on.turn();
  pair.read(0);
  on.turn();

  CHECK(read == Seen{Ready::read});
  CHECK(write == Seen{Ready::write, Ready::write});
  CHECK(both == Seen{Ready::both, Ready::write});
}

TEST_CASE_TEMPLATE("several watches of a descriptor are told in the order they were made", On,
                   OnPoll, OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  std::string log;
  const Watch a = on.reactor.watch(pair[0], Ready::read, [&] { log += "a"; });
  const Watch b = on.reactor.watch(pair[0], Ready::read, [&] { log += "b"; });
  const Watch c = on.reactor.watch(pair[0], Ready::read, [&] { log += "c"; });

  on.turn();

  CHECK(log == "abc");
}

TEST_CASE_TEMPLATE("dropping one watch of a descriptor leaves the others", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  std::string log;
  Watch a = on.reactor.watch(pair[0], Ready::read, [&] { log += "a"; });
  const Watch b = on.reactor.watch(pair[0], Ready::both, [&] { log += "b"; });

  a = Watch();
  on.turn();

  CHECK(log == "b");
}

TEST_CASE_TEMPLATE("a dropped watch is not told again, and its callable is destroyed", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  const auto held = std::make_shared<int>();
  int calls = 0;
  Watch watch = on.reactor.watch(pair[0], Ready::write, [&calls, held] { ++calls; });
  on.turn();

  watch = Watch();

  CHECK(held.use_count() == 1);
  on.turn();
  CHECK(calls == 1);
}

TEST_CASE_TEMPLATE("interest none keeps the watch and reports nothing", On, OnPoll, OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  int calls = 0;
  Watch watch = on.reactor.watch(pair[0], Ready::none, [&] { ++calls; });
  on.turn();
  CHECK(calls == 0);
  CHECK(watch.active());

  watch.set_interest(Ready::read);
  CHECK(watch.interest() == Ready::read);
  on.turn();
  CHECK(calls == 1);
  watch.set_interest(Ready::none);
  on.turn();

  CHECK(calls == 1);
}

TEST_CASE_TEMPLATE("interest can be changed inside the call", On, OnPoll, OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  std::vector<Ready> seen;
  Watch watch;
  watch = on.reactor.watch(pair[0], Ready::read, [&](Ready what) {
    seen.push_back(what);
    watch.set_interest(what == Ready::read ? Ready::write : Ready::none);
  });

  for (int i = 0; i < 4; ++i) on.turn();

  CHECK(seen == std::vector<Ready>{Ready::read, Ready::write});
}

TEST_CASE_TEMPLATE("a watch may drop itself, and lives until it returns", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  const auto held = std::make_shared<int>();
  std::vector<long> uses;
  Watch watch;
  watch = on.reactor.watch(pair[0], Ready::read, [&watch, &uses, &held, kept = held] {
    auto& uses_outside = uses;
    auto& held_outside = held;
    watch = Watch();
    uses_outside.push_back(held_outside.use_count());
  });

  on.turn();
  on.turn();

  CHECK(uses == std::vector<long>{2});
  CHECK(held.use_count() == 1);
}

TEST_CASE_TEMPLATE("a watch drops another of the same descriptor, before or after its turn", On,
                   OnPoll, OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  std::string log;
  Watch a, b, c;
  a = on.reactor.watch(pair[0], Ready::read, [&] { log += "a"; });
  b = on.reactor.watch(pair[0], Ready::read, [&] {
    log += "b";
    a = Watch();
    c = Watch();
  });
  c = on.reactor.watch(pair[0], Ready::read, [&] { log += "c"; });

  on.turn();
  CHECK(log == "ab");
  on.turn();

  CHECK(log == "abb");
}

TEST_CASE_TEMPLATE("a watch drops that of another descriptor that is ready too", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair one, two, three;
  for (SocketPair* pair : {&one, &two, &three}) pair->write(1);
  Watch watches[3];
  int calls = 0;
  const auto drop_all = [&] {
    ++calls;
    for (Watch& watch : watches) watch = Watch();
  };
  watches[0] = on.reactor.watch(one[0], Ready::read, drop_all);
  watches[1] = on.reactor.watch(two[0], Ready::read, drop_all);
  watches[2] = on.reactor.watch(three[0], Ready::read, drop_all);

  on.turn();
  on.turn();

  CHECK(calls == 1);
}

TEST_CASE_TEMPLATE("each ready descriptor is told once, whoever is watched and unwatched meanwhile",
                   On, OnPoll, OnVirtualTime) {
  constexpr int count = 6;
  for (int dropper = 0; dropper < count; ++dropper) {
    for (int dropped = 0; dropped < count; ++dropped) {
      CAPTURE(dropper);
      CAPTURE(dropped);
      On on;
      SocketPair pairs[count];
      SocketPair extra;
      extra.write(1);
      Watch watches[count];
      Watch late;
      int calls[count] = {};
      for (int i = 0; i < count; ++i) {
        pairs[i].write(1);
        watches[i] = on.reactor.watch(pairs[i][0], Ready::read, [&, i] {
          ++calls[i];
          if (i == dropper) {
            watches[dropped] = Watch();
            late = on.reactor.watch(extra[0], Ready::read, [] {});
          }
        });
      }

      on.turn();

      for (int i = 0; i < count; ++i) {
        if (i == dropped && i != dropper) {
          CHECK(calls[i] <= 1);
        } else {
          CHECK(calls[i] == 1);
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("a watch made in a call is told from the next turn on", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  int inner = 0;
  Watch second;
  const Watch first = on.reactor.watch(pair[0], Ready::read, [&] {
    if (!second.active()) second = on.reactor.watch(pair[0], Ready::read, [&] { ++inner; });
  });

  on.turn();
  CHECK(inner == 0);
  on.turn();

  CHECK(inner == 1);
}

TEST_CASE_TEMPLATE(
    "a descriptor closed and reused inside the call does not get the old one's readiness", On,
    OnPoll, OnVirtualTime) {
  On on;
  SocketPair old_pair;
  old_pair.write(1);
  std::string log;
  Watch watch, other;
  std::unique_ptr<SocketPair> fresh;
  other = on.reactor.watch(old_pair[0], Ready::read, [&] {
    if (fresh) return;
    const int fd = old_pair[0];
    watch = Watch();
    other = Watch();
    old_pair.close(0);
    fresh = std::make_unique<SocketPair>();
    REQUIRE((*fresh)[0] == fd);
    watch = on.reactor.watch(fd, Ready::read, [&] { log += "fresh"; });
  });
  watch = on.reactor.watch(old_pair[0], Ready::read, [&] { log += "old"; });

  on.turn();
  on.turn();
  CHECK(log == "");
  fresh->write(1);
  on.turn();

  CHECK(log == "fresh");
}

TEST_CASE_TEMPLATE("a hang-up is reported as readable", On, OnPoll, OnVirtualTime) {
  On on;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  bool told = false;
  const Watch watch = on.reactor.watch(ends[0], Ready::read, [&] { told = true; });

  ::close(ends[1]);  // with nothing in the pipe: POLLHUP alone
  on.turn();

  CHECK(told);
  ::close(ends[0]);
}

TEST_CASE_TEMPLATE("an error is reported to who watches for writing only", On, OnPoll,
                   OnVirtualTime) {
  On on;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  bool told = false;
  const std::string much(1 << 20, 'x');
  REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  REQUIRE(::write(ends[1], much.data(), much.size()) > 0);
  const Watch watch = on.reactor.watch(ends[1], Ready::write, [&] { told = true; });
  on.turn();
  CHECK_FALSE(told);

  ::close(ends[0]);
  on.turn();

  CHECK(told);
  ::close(ends[1]);
}

TEST_CASE_TEMPLATE(
    "a descriptor closed while it is watched is reported, for the system call will tell", On,
    OnPoll, OnVirtualTime) {
  On on;
  SocketPair pair;
  const int fd = pair[0];
  int error = 0;
  Watch watch;
  watch = on.reactor.watch(fd, Ready::read, [&] {
    char byte;
    if (::read(fd, &byte, 1) < 0) error = errno;
    watch = Watch();
  });

  pair.close(0);
  on.turn();

  CHECK(error == EBADF);
}

// It was watched, and reported as ready for ever; a large number took gigabytes first.
TEST_CASE_TEMPLATE("a number that is no open descriptor cannot be watched", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  const int fd = pair[0];
  pair.close(0);
  const auto held = std::make_shared<int>();

  CHECK_THROWS_AS((void)on.reactor.watch(fd, Ready::read, [held] {}), std::system_error);
  CHECK_THROWS_AS((void)on.reactor.watch(INT_MAX, Ready::read, [held] {}), std::system_error);
  CHECK_THROWS_AS((void)on.reactor.watch(-1, Ready::read, [held] {}), std::system_error);

  CHECK(held.use_count() == 1);
  on.turn();
}

TEST_CASE_TEMPLATE("after a refused watch the number can be watched once it is open", On, OnPoll,
                   OnVirtualTime) {
  On on;
  auto pair = std::make_unique<SocketPair>();
  const int fd = (*pair)[0];
  pair.reset();
  bool told = false;
  CHECK_THROWS_AS((void)on.reactor.watch(fd, Ready::read, [] {}), std::system_error);

  SocketPair again;
  REQUIRE(again[0] == fd);
  again.write(1);
  const Watch watch = on.reactor.watch(fd, Ready::read, [&] { told = true; });
  on.turn();

  CHECK(told);
}

TEST_CASE_TEMPLATE("readiness is taken in before the turn that acts on it", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  std::string log;
  const Watch watch = on.reactor.watch(pair[0], Ready::read, [&] {
    log += "ready ";
    on.reactor.post([&] { log += "acted "; });
  });

  on.turn();

  CHECK(log == "ready acted ");
}

TEST_CASE_TEMPLATE("run() waits for a descriptor when there is nothing else", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  int turns = 0;
  const Watch watch = on.reactor.watch(pair[0], Ready::read, [&] { on.reactor.stop(); });
  on.reactor.post([&] {
    ++turns;
    pair.write(1);
  });

  on.reactor.run();

  CHECK(turns == 1);
}

TEST_CASE_TEMPLATE("hundreds of watched descriptors each report their own", On, OnPoll,
                   OnVirtualTime) {
  On on;
  constexpr int count = 300;
  std::vector<std::unique_ptr<SocketPair>> pairs;
  std::vector<Watch> watches;
  std::vector<int> told(count);
  for (int i = 0; i < count; ++i) {
    pairs.push_back(std::make_unique<SocketPair>());
    watches.push_back(on.reactor.watch((*pairs.back())[0], Ready::read, [&, i] {
      ++told[i];
      pairs[i]->read(0);
    }));
  }

  for (int i = 0; i < count; i += 7) pairs[i]->write(1);
  on.turn();
  on.turn();

  for (int i = 0; i < count; ++i) CHECK(told[i] == (i % 7 == 0 ? 1 : 0));
}

TEST_CASE("the watches of a descriptor cost the backend one") {
  Unhandled unhandled;
  Counting backend;
  Reactor reactor{backend};
  SocketPair pair;

  const Watch a = reactor.watch(pair[0], Ready::read, [] {});
  const Watch b = reactor.watch(pair[0], Ready::read, [] {});
  const Watch c = reactor.watch(pair[0], Ready::write, [] {});

  CHECK(backend.watches == 1);
}
