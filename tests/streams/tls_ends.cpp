// SPDX-License-Identifier: MIT
// What TLS has to tell apart - an end from a cut, the peer from somebody else - passes through
// io::Transport.
#include <cstddef>
#include <string>
#include <utility>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/testing/decorated_transport.hpp"
#include "deferred/testing/faulty_stream.hpp"
#include "deferred/testing/memory_pipe.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "tests/streams/in_virtual_time.hpp"
#include "tests/streams/tls_pair.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

/// What becomes of the bytes that are written, from when it begins.
struct Tampering {
  bool has_begun = false;
  std::size_t lets_through = 1'000'000;
  std::size_t flips = 1'000'000;  // a bit of this byte
  std::size_t written = 0;
};

class TamperedTransport final : public DecoratedTransport {
 public:
  TamperedTransport(io::Stream below, Tampering& plan)
      : DecoratedTransport(std::move(below)), plan_(plan) {}

  // In memory all of it is taken.
  std::optional<std::size_t> try_write(std::string_view data) override {
    if (!plan_.has_begun) return DecoratedTransport::try_write(data);
    std::string changed(data);
    for (std::size_t i = 0; i < changed.size(); ++i) {
      if (plan_.written + i == plan_.flips) changed[i] = static_cast<char>(changed[i] ^ 4);
    }
    const std::size_t room = plan_.lets_through - std::min(plan_.written, plan_.lets_through);
    changed.resize(std::min(changed.size(), room));
    plan_.written += data.size();
    if (!changed.empty()) DecoratedTransport::try_write(changed);
    return data.size();
  }

 private:
  Tampering& plan_;
};

Task<StreamPair> tampered_pair(Reactor& reactor, Tampering& plan) {
  StreamPair lower = memory_pipe(reactor);
  lower.near = io::make_stream<TamperedTransport>(std::move(lower.near), plan);
  return tls_pair(std::move(lower));
}

/// How much a message takes, and a close_notify behind it.
Task<std::pair<std::size_t, std::size_t>> sizes(Reactor& reactor) {
  Tampering plan;
  StreamPair pair = co_await tampered_pair(reactor, plan);
  plan.has_begun = true;
  co_await pair.near.write_all("hello");
  const std::size_t message = plan.written;
  pair.near.close();
  co_return std::pair(message, plan.written - message);
}

/// What is read, until something ends it.
class LastRead {
 public:
  std::string text;
  std::optional<Failure> error;
};
Task<LastRead> read_all(io::Stream& stream) {
  LastRead last;
  while (true) {
    std::string some(100, ' ');
    const auto got = co_await as_outcome(stream.read_some(some));
    if (!got.has_value()) last.error = got.failure();
    if (!got.has_value() || *got == 0) break;
    last.text += some.substr(0, *got);
  }
  co_return last;
}

Task<> ask(io::Stream lower, const TlsContext& context) {
  io::Stream stream = co_await tls_stream(std::move(lower), context, "server.test");
  co_await stream.write_all("how do you do?");
  co_await stream.shutdown_write();
  const std::string answer = co_await stream.read_to_end();
  if (answer != "well") throw std::logic_error("another answer: " + answer);
}
Task<> answer(io::Stream lower, const TlsContext& context) {
  io::Stream stream = co_await tls_stream(std::move(lower), context, "");
  const std::string asked = co_await stream.read_to_end();
  if (asked != "how do you do?") throw std::logic_error("another question: " + asked);
  co_await stream.write_all("well");
  co_await stream.shutdown_write();  // for close() does not wait until that can be said
}

}  // namespace

TEST_CASE("an end of TLS is one only when the peer has said so, wherever it is cut") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    const auto [message, goodbye] = co_await sizes(reactor);
    CHECK(message > 20);
    CHECK(goodbye > 20);

    for (std::size_t cut = 0; cut <= message + goodbye; ++cut) {
      Tampering plan;
      StreamPair pair = co_await tampered_pair(reactor, plan);
      co_await pair.near.write_all("before, ");
      plan.has_begun = true;
      plan.lets_through = cut;
      co_await pair.near.write_all("hello");
      pair.near.close();
      const LastRead last = co_await read_all(pair.far);

      CHECK(last.text == (cut < message ? "before, " : "before, hello"));
      const bool is_cut = last.error && last.error->check<TlsTruncated>();
      CHECK(is_cut == (cut < message + goodbye));
      CHECK((is_cut || !last.error));
    }
  });
}

TEST_CASE("a bit of a record that is another is an error, and no byte of it is read") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    const auto [message, goodbye] = co_await sizes(reactor);
    for (std::size_t at = 0; at < message; ++at) {
      Tampering plan;
      StreamPair pair = co_await tampered_pair(reactor, plan);
      plan.has_begun = true;
      plan.flips = at;
      co_await pair.near.write_all("hello");
      pair.near.close();
      const LastRead last = co_await read_all(pair.far);

      CHECK(last.text == "");
      const bool is_refused = last.error && last.error->check<io::ProtocolError>();
      CHECK(is_refused);
    }
  });
}

TEST_CASE("a write of TLS that was cut says no clean end, though it is closed politely") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    StreamPair pair = co_await tls_pair(memory_pipe(reactor, 1 << 20));
    const std::string much(4 << 20, 'm');
    Spawned<void> writer = spawn(pair.near.write_all(much));
    co_await turns(20);
    writer.task().cancel();
    const auto cut = co_await as_outcome(std::move(writer));
    CHECK(cut.check<Cancelled>());
    const std::size_t went = pair.near.bytes_written();
    CHECK(went > 0);

    Spawned<LastRead> reader = spawn(read_all(pair.far));
    co_await turns(20);
    pair.near.close();
    const LastRead last = co_await std::move(reader);

    CHECK(last.text == much.substr(0, went));
    const bool is_cut = last.error && last.error->check<TlsTruncated>();
    CHECK(is_cut);
  });
}

TEST_CASE("a client of TLS talks to nobody but whom it trusts, and tells the other so") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    const TlsContext server = TlsContext::server(tls_server_identity());
    const TlsIdentity impostor("server.test");
    const TlsContext knows_other = TlsContext::client(impostor);
    const TlsContext knows = TlsContext::client(tls_server_identity());
    const auto try_with = [&](TlsContext context, std::string name) -> Task<std::string> {
      StreamPair lower = memory_pipe(reactor);
      Spawned<io::Stream> serving = spawn(tls_stream(std::move(lower.far), server, ""));
      const auto client = co_await as_outcome(tls_stream(std::move(lower.near), context, name));
      const auto served = co_await as_outcome(std::move(serving));
      const auto told = served.has_value()
                            ? co_await as_outcome(served->transport().readable().wait())
                            : Outcome<void>();
      CHECK_FALSE(client.has_value());
      co_return what(client);
    };

    const std::string stranger = co_await try_with(knows_other, "server.test");
    const std::string misnamed = co_await try_with(knows, "another.test");

    CHECK(stranger ==
          "TLS handshake with memory pipe, far end: certificate verify failed (self-signed "
          "certificate)");
    CHECK(misnamed ==
          "TLS handshake with memory pipe, far end: certificate verify failed (hostname mismatch)");
  });
}

TEST_CASE("a peer that does not speak TLS is an error of the handshake") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    StreamPair lower = memory_pipe(reactor);
    const TlsContext server = TlsContext::server(tls_server_identity());

    co_await lower.near.write_all("GET / HTTP/1.0\r\n\r\n");
    const auto served = co_await as_outcome(tls_stream(std::move(lower.far), server, ""));

    CHECK(served.check<io::ProtocolError>());
    CHECK(what(served) == "TLS handshake with memory pipe, near end: http request");
  });
}

TEST_CASE("keys of TLS change while both write, over a stream that takes little") {
  run_in_virtual_time([](Reactor& reactor) -> Task<> {
    StreamPair pair = co_await tls_pair(memory_pipe(reactor, 1000));
    const auto write = [](io::Stream& stream) -> Task<> {
      const std::string text = pattern(200'000);
      for (std::size_t at = 0; at < text.size(); at += 20'000) {
        co_await stream.write_all(std::string_view(text).substr(at, 20'000));
        static_cast<TlsTransport&>(stream.transport()).update_keys();
      }
      co_await stream.shutdown_write();
    };

    Spawned<void> near_writes = spawn(write, std::ref(pair.near));
    Spawned<void> far_writes = spawn(write, std::ref(pair.far));
    Spawned<std::string> far_reads = spawn(pair.far.read_to_end());
    const std::string near_got = co_await pair.near.read_to_end();
    const std::string far_got = co_await std::move(far_reads);
    co_await std::move(near_writes);
    co_await std::move(far_writes);

    CHECK(near_got == pattern(200'000));
    CHECK(far_got == pattern(200'000));
  });
}

TEST_CASE("a handshake of TLS and what follows end well, or with an error, whatever goes wrong") {
  run_in_virtual_time([](Reactor&) -> Task<> {
    const TlsContext client = TlsContext::client(tls_server_identity());
    const TlsContext server = TlsContext::server(tls_server_identity());
    const StreamScenario converse = [&](StreamPair& pair, const FaultPlan&) -> Task<> {
      const auto both = [&](Nursery& nursery) -> Task<> {
        nursery.spawn(ask(std::move(pair.near), client));
        nursery.spawn(answer(std::move(pair.far), server));
        co_return;
      };
      co_await with_nursery(both);
    };
    const MakeStreamPair make([](Reactor& reactor) { return memory_pipe(reactor); });

    Task<EveryStepReport> steps = at_every_step(make, converse);
    const EveryStepReport report = co_await std::move(steps);

    CHECK_MESSAGE(report.faults.empty(), report.summary());
    CHECK(report.runs > 50);
  });
}
