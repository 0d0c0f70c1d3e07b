// SPDX-License-Identifier: MIT
//
// `connections COUNT [MOST_BYTES]`: a server in this process, which serve()s so many connections at
// once, and two others that make them. Each sends three messages of a kilobyte and hears them back,
// and stays. Prints, as JSON, how many there were, the seconds until all had been answered, and the
// bytes of heap that each takes while it waits, malloc's own among them; fails if anything goes
// wrong, or if these are more than MOST_BYTES. Fewer than COUNT if a process may not have as many
// descriptors.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "deferred/io.hpp"
#include "deferred/tasks.hpp"
#include "deferred/yieldables.hpp"
#include "reactors/poll.hpp"
#ifdef WITH_EPOLL
#include "reactors/epoll.hpp"
#endif

namespace {

using namespace deferred;
using namespace std::chrono_literals;
using io::Listener;
using io::Process;
using io::ProcessOptions;
using io::ServeOptions;
using io::Standard;
using io::Stream;

constexpr std::size_t message_size = 1024;
constexpr std::size_t connecting_at_once = 200;  // by each client
constexpr std::size_t other_descriptors = 64;    // of a process

std::unique_ptr<Backend> backend() {
#ifdef WITH_EPOLL
  return reactors::epoll();
#else
  return reactors::poll();
#endif
}

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// As many as the process may have, from now on.
std::size_t raise_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::size_t bytes_of_heap() {
  const struct mallinfo2 now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
}

// The buffer is not the connection's: a message that is under way alone fits into the kernel's, so
// that it has been written when the task waits again.
Task<> echo(Stream stream, std::array<char, message_size>& buffer, std::size_t& open) {
  ++open;
  while (true) {
    const std::size_t got = co_await stream.read_some(buffer);
    if (got == 0) break;
    co_await stream.write_all(std::string_view(buffer.data(), got));
  }
  --open;
}

Task<> ask(Stream& stream) {
  const std::string message(message_size, 'm');
  std::string answer(message_size, ' ');
  for (int i = 0; i < 3; ++i) {
    co_await stream.write_all(message);
    co_await stream.read_exactly(answer);
    if (answer != message) throw std::runtime_error("an answer is not what was sent");
  }
}

// Says "ready" when all have been answered, and goes when its input ends.
Task<> be_a_client(std::uint16_t port, std::size_t count) {
  std::vector<Stream> all(count);
  const auto connect_and_ask = [port](Stream& stream) -> Task<> {
    stream = co_await io::connect("127.0.0.1", port);
    co_await ask(stream);
  };
  co_await for_each_at_most(connecting_at_once, all, connect_and_ask);
  Stream output = io::standard_output();
  Stream input = io::standard_input();
  co_await output.write_all("ready\n");
  co_await input.read_to_end();
}

Process start_client(const std::string& self, std::uint16_t port, std::size_t count) {
  ProcessOptions options;
  options.errors = Standard::inherit;
  return Process::start({self, "client", std::to_string(port), std::to_string(count)}, options);
}

Task<> require_ready(Process& client) {
  const auto line = co_await io::read_line(client.output);
  if (line != "ready") throw std::runtime_error("a client has failed");
}

Task<int> be_the_server(std::string self, std::size_t count, std::size_t most_bytes) {
  Listener listener = io::listen("127.0.0.1", 0, io::ListenOptions());
  std::array<char, message_size> buffer;
  std::size_t open = 0;
  std::string said;
  ServeOptions options(count + 1);
  options.on_error = [&said](const std::exception& error) { said = error.what(); };
  const auto handler = [&](Stream stream) { return echo(std::move(stream), buffer, open); };
  std::size_t bytes = 0;
  std::chrono::duration<double> seconds{};
  bool as_many = false;

  const auto body = [&](Nursery& nursery) -> Task<> {
    const auto start = std::chrono::steady_clock::now();
    Process one = start_client(self, listener.port(), count / 2);
    Process other = start_client(self, listener.port(), count - count / 2);
    const std::size_t before = bytes_of_heap();
    nursery.spawn(io::serve(listener, handler, options));
    co_await require_ready(one);
    co_await require_ready(other);
    seconds = std::chrono::steady_clock::now() - start;
    bytes = (bytes_of_heap() - before) / count;
    as_many = open == count;
    one.input.close();
    other.input.close();
    const io::Exit first = co_await one.wait();
    const io::Exit second = co_await other.wait();
    if (!first.ok() || !second.ok()) throw std::runtime_error("a client has not ended well");
    listener.close();
  };
  co_await with_nursery(body);

  std::printf("{\"connections\": %zu, \"seconds\": %.3f, \"bytes\": %zu}\n", count, seconds.count(),
              bytes);
  if (!said.empty()) std::fprintf(stderr, "a connection has ended with: %s\n", said.c_str());
  if (!as_many || open != 0) std::fprintf(stderr, "connections are missing, or left\n");
  if (bytes > most_bytes) std::fprintf(stderr, "more than %zu bytes each\n", most_bytes);
  co_return said.empty() && as_many&& open == 0 && bytes <= most_bytes ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t room = raise_descriptors() - other_descriptors;
  Reactor reactor{backend()};
  if (argc == 4 && std::strcmp(argv[1], "client") == 0) {
    return reactor.run(be_a_client(static_cast<std::uint16_t>(number(argv[2])), number(argv[3])));
  }
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: connections COUNT [MOST_BYTES]\n");
    return 2;
  }
  const std::size_t most_bytes = argc == 3 ? number(argv[2]) : static_cast<std::size_t>(-1);
  return reactor.run(be_the_server("/proc/self/exe", std::min(number(argv[1]), room), most_bytes));
}
