// SPDX-License-Identifier: MIT
#include "samples/chat/chat.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

/// A chat that runs, and ends with it.
class Chatting {
 public:
  explicit Chatting(chat::Rules rules = chat::Rules())
      : chat(with_errors(std::move(rules), errors)),
        listener(io::listen("127.0.0.1", 0)),
        server(spawn(chat.serve(listener))) {}

  Lines errors;
  chat::Chat chat;
  io::Listener listener;
  Spawned<void> server;

  Task<> end() {
    chat.say_goodbye(listener);
    co_await std::move(server);
  }

 private:
  static chat::Rules with_errors(chat::Rules rules, Lines& errors) {
    rules.on_error = [&errors](const std::exception& error) { errors.emplace_back(error.what()); };
    return rules;
  }
};

/// One who takes part, by hand.
class Guest {
 public:
  explicit Guest(io::Stream to) : stream(std::move(to)) {}
  io::Stream stream;

  Task<> say(std::string line) {
    line += '\n';
    co_await stream.write_all(line);
  }
  /// The next line that he reads; "(end)" behind the last.
  Task<std::string> hear() {
    const std::optional<std::string> line = co_await io::read_line(stream);
    co_return line.value_or("(end)");
  }
  Task<Lines> hear_some(int count) {
    Lines some;
    for (int i = 0; i < count; ++i) some.push_back(co_await hear());
    co_return some;
  }
  Task<Lines> hear_all() {
    Lines all;
    while (true) {
      all.push_back(co_await hear());
      if (all.back() == "(end)") co_return all;
    }
  }
};

Task<Guest> guest(const Chatting& chatting) {
  Guest guest(co_await io::connect("127.0.0.1", chatting.listener.port()));
  const std::string asked = co_await guest.hear();
  CHECK(asked == "* What is your name?");
  co_return guest;
}
Task<Guest> guest(const Chatting& chatting, std::string name) {
  Guest named = co_await guest(chatting);
  co_await named.say(name);
  const std::string welcome = co_await named.hear();
  CHECK(welcome.starts_with("* Welcome, " + name));
  co_return named;
}

/// In virtual time: a limit passes as soon as nothing goes on.
template <class F>
void run_in_virtual_time(F body) {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, std::move(body));
}

/// Says `count` lines of 500 bytes, and then quits.
Task<> say_much(Guest& talker, int count) {
  const std::string line(500, 'x');
  for (int i = 0; i < count; ++i) co_await talker.say(line);
  co_await talker.say("/quit");
}

}  // namespace

TEST_CASE("who gives a name is told who is there, and the others are told of him") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    Chatting chatting;
    Guest nameless = co_await guest(chatting);
    Guest ann = co_await guest(chatting);
    co_await ann.say("Ann");
    const std::string alone = co_await ann.hear();
    Guest bob = co_await guest(chatting, "Bob");
    Guest cid = co_await guest(chatting);

    co_await cid.say("Cid");
    const std::string welcome = co_await cid.hear();
    const std::string first = co_await ann.hear();
    const std::string second = co_await ann.hear();
    const std::string of_cid = co_await bob.hear();

    CHECK(alone == "* Welcome, Ann. Here are: nobody else");
    CHECK(welcome == "* Welcome, Cid. Here are: Ann, Bob");
    CHECK(first == "* Bob is here.");
    CHECK(second == "* Cid is here.");
    CHECK(of_cid == "* Cid is here.");
    CHECK(nameless.stream.buffered().empty());
    co_await chatting.end();
  });
}

TEST_CASE("what one says all others hear, and nobody else") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    Chatting chatting;
    Guest ann = co_await guest(chatting, "Ann");
    Guest bob = co_await guest(chatting, "Bob");
    Guest nameless = co_await guest(chatting);
    static_cast<void>(co_await ann.hear());  // of Bob

    co_await ann.say("hello");
    const std::string heard = co_await bob.hear();
    co_await bob.say("good day\r");
    const std::string answer = co_await ann.hear();
    co_await chatting.end();
    const Lines rest = co_await nameless.hear_all();

    CHECK(heard == "Ann: hello");
    CHECK(answer == "Bob: good day");
    CHECK(rest == Lines{"* The chat ends here. Goodbye.", "(end)"});
  });
}

TEST_CASE("a name that is none, or somebody's, is asked for again") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    Chatting chatting;
    Guest ann = co_await guest(chatting, "Ann");
    Guest other = co_await guest(chatting);

    for (const std::string name : {"", "A b", "/me", "abcdefghijklmnopqrstu"}) {
      co_await other.say(name);
      const std::string refused = co_await other.hear();
      CAPTURE(name);
      CHECK(refused == "* A name has 1 to 20 letters and digits. What is your name?");
    }
    co_await other.say("Ann");
    const std::string taken = co_await other.hear();
    co_await other.say("Ann2");
    const std::string welcome = co_await other.hear();

    CHECK(taken == "* There is a Ann. What is your name?");
    CHECK(welcome == "* Welcome, Ann2. Here are: Ann");
    co_await chatting.end();
  });
}

TEST_CASE("who says /quit, with a name or without, is told goodbye and let go") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    Chatting chatting;
    Guest ann = co_await guest(chatting, "Ann");
    Guest bob = co_await guest(chatting, "Bob");
    Guest nameless = co_await guest(chatting);

    co_await bob.say("/help\n/quit\nnot heard any more");
    const Lines bobs = co_await bob.hear_all();
    co_await nameless.say("/quit");
    const Lines last = co_await nameless.hear_all();
    Guest again = co_await guest(chatting, "Bob");
    again.stream.close();
    nameless.stream.close();
    bob.stream.close();
    co_await chatting.end();
    const Lines anns = co_await ann.hear_all();

    CHECK(bobs == Lines{"* There is no /help, there is /quit.", "* Goodbye.", "(end)"});
    CHECK(last == Lines{"* Goodbye.", "(end)"});
    CHECK(anns == Lines{"* Bob is here.", "* Bob has left.", "* Bob is here.",
                        "* The chat ends here. Goodbye.", "(end)"});
    CHECK(chatting.errors.empty());
  });
}

TEST_CASE("whoever goes without a word has left, too") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    Chatting chatting;
    Guest ann = co_await guest(chatting, "Ann");
    Guest bob = co_await guest(chatting, "Bob");
    Guest cid = co_await guest(chatting, "Cid");

    const std::string last = co_await bob.hear();  // who has not read all closes with a reset
    bob.stream.close();
    const Lines before = co_await ann.hear_some(3);
    cid.stream.abort();
    const std::string after = co_await ann.hear();
    co_await turns(5);

    CHECK(last == "* Cid is here.");
    CHECK(before == Lines{"* Bob is here.", "* Cid is here.", "* Bob has left."});
    CHECK(after == "* Cid has left.");
    CHECK(chatting.errors.size() == 1);
    CHECK(chatting.chat.size() == 1);
    co_await chatting.end();
  });
}

TEST_CASE("who has said his last hears what was said before") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    Chatting chatting;
    Guest ann = co_await guest(chatting, "Ann");

    co_await ann.say("/x");
    co_await ann.stream.shutdown_write();
    const Lines all = co_await ann.hear_all();

    CHECK(all == Lines{"* There is no /x, there is /quit.", "(end)"});
    co_await chatting.end();
  });
}

TEST_CASE("a line that is too long is told, and ends that connection alone") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    Chatting chatting;
    Guest ann = co_await guest(chatting, "Ann");
    Guest bob = co_await guest(chatting, "Bob");

    co_await bob.say(std::string(1000, 'x'));
    co_await bob.say(std::string(1001, 'y') + "\nmore");
    const Lines bobs = co_await bob.hear_all();
    const Lines anns = co_await ann.hear_some(3);

    CHECK(bobs == Lines{"* A line has at most 1000 bytes.", "(end)"});
    CHECK(anns == Lines{"* Bob is here.", "Bob: " + std::string(1000, 'x'), "* Bob has left."});
    co_await chatting.end();
  });
}

TEST_CASE("what controls a terminal does not reach the others'") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    Chatting chatting;
    Guest ann = co_await guest(chatting, "Ann");
    Guest bob = co_await guest(chatting, "Bob");

    co_await ann.say("a\x1b[2Jb\tc\x7f gr\xc3\xbc\xc3\x9f");
    const std::string heard = co_await bob.hear();

    CHECK(heard == "Ann: a?[2Jb?c? gr\xc3\xbc\xc3\x9f");
    co_await chatting.end();
  });
}

TEST_CASE("who does not read is let go, and those who do hear all, however much is said") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Chatting chatting;
    Guest slow = co_await guest(chatting, "Slow");
    Guest ann = co_await guest(chatting, "Ann");
    Guest bob = co_await guest(chatting, "Bob");
    const int count = 40'000;  // more than a socket holds
    Spawned<void> talking = spawn(reactor, say_much(bob, count));

    Lines heard;
    while (heard.empty() || heard.back() != "* Bob has left.") {
      heard.push_back(co_await ann.hear());
    }
    co_await std::move(talking);

    const std::string said = "Bob: " + std::string(500, 'x');
    CHECK(std::count(heard.begin(), heard.end(), said) == count);
    CHECK(std::count(heard.begin(), heard.end(), "* Slow has left.") == 1);
    CHECK(heard.size() == 1U + count + 2U);
    bob.stream.close();
    co_await turns(5);
    CHECK(chatting.chat.size() == 1);
    const auto end_of_slow = co_await as_outcome(slow.hear_all());
    CHECK(failed_with(end_of_slow, std::errc::connection_reset));
    co_await chatting.end();
  });
}

TEST_CASE("who has said his last and does not read is cut off when his grace is over") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    chat::Rules rules;
    rules.most_unread = 100'000;
    Chatting chatting(std::move(rules));
    Guest eve = co_await guest(chatting, "Eve");
    Guest bob = co_await guest(chatting, "Bob");
    co_await say_much(bob, 40'000);  // more than a socket holds
    const Lines all = co_await bob.hear_all();
    CHECK(all.back() == "(end)");
    bob.stream.close();
    while (chatting.chat.size() != 1) co_await Pause{};
    const TimePoint start = reactor.now();

    co_await eve.say("/quit");
    while (chatting.chat.size() != 0) co_await Pause{100ms};

    CHECK(reactor.now() - start <= 5100ms);
    const auto end_of_eve = co_await as_outcome(eve.hear_all());
    CHECK(failed_with(end_of_eve, std::errc::connection_reset));
    co_await chatting.end();
  });
}

TEST_CASE("who gives no name in a minute is let go, and who says nothing afterwards is not") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Chatting chatting;
    Guest ann = co_await guest(chatting, "Ann");
    const TimePoint start = reactor.now();
    Guest silent = co_await guest(chatting);

    const Lines all = co_await silent.hear_all();
    const Duration taken = reactor.now() - start;
    co_await Pause{1h};

    CHECK(all == Lines{"* You have told no name. Goodbye.", "(end)"});
    CHECK(taken == 1min);
    CHECK(chatting.chat.size() == 1);
    co_await chatting.end();
  });
}

TEST_CASE("at the end all are told goodbye, and it ends when they are gone") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    Chatting chatting;
    Guest ann = co_await guest(chatting, "Ann");
    Guest nameless = co_await guest(chatting);
    Spawned<Lines> anns = spawn(reactor, ann.hear_all());
    Spawned<Lines> others = spawn(reactor, nameless.hear_all());
    co_await turns(5);
    const TimePoint start = reactor.now();

    chatting.chat.say_goodbye(chatting.listener);
    const Lines heard = co_await std::move(anns);
    const Lines too = co_await std::move(others);
    ann.stream.close();
    nameless.stream.close();
    co_await std::move(chatting.server);

    CHECK(heard == Lines{"* The chat ends here. Goodbye.", "(end)"});
    CHECK(too == heard);
    CHECK(reactor.now() == start);
    CHECK(chatting.chat.size() == 0);
  });
}

TEST_CASE("who does not read the goodbye is cut off when his grace is over") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    chat::Rules rules;
    rules.most_unread = 100'000;
    Chatting chatting(rules);
    Guest slow = co_await guest(chatting, "Slow");
    Guest bob = co_await guest(chatting, "Bob");
    co_await say_much(bob, 40'000);
    bob.stream.close();
    co_await turns(5);
    const TimePoint start = reactor.now();

    co_await chatting.end();

    CHECK(reactor.now() - start == 5s);
    CHECK(chatting.chat.size() == 0);
  });
}

// At one of these the server has accepted him and his task has not begun.
TEST_CASE("who comes as it ends does not hold it up") {
  for (int wait = 0; wait < 6; ++wait) {
    run_in_virtual_time([wait](Reactor& reactor) -> Task<> {
      Chatting chatting;
      co_await turns(5);
      const TimePoint start = reactor.now();
      const io::Stream late = co_await io::connect("127.0.0.1", chatting.listener.port());

      co_await turns(wait);
      co_await chatting.end();

      CAPTURE(wait);
      CHECK(reactor.now() - start < 5s);
    });
  }
}
