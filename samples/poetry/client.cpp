// SPDX-License-Identifier: MIT
#include "samples/poetry/client.hpp"

#include <deferred/deferred.hpp>

#include <system_error>

namespace poetry {
namespace {

using deferred::Duration;
using deferred::Task;
using deferred::io::Errc;
using deferred::io::Stream;

constexpr std::size_t longest_answer = 16 << 20;

Task<std::string> download(Address server) {
  Stream stream = co_await deferred::io::connect(server.host, server.port);
  co_return co_await stream.read_to_end();
}

Task<std::string> request(Address server, std::string name, std::string poem) {
  Stream stream = co_await deferred::io::connect(server.host, server.port);
  const std::string message = deferred::io::encode_netstring(name + "." + poem);
  co_await stream.write_all(message);
  std::optional<std::string> answer = co_await deferred::io::read_netstring(stream, longest_answer);
  if (!answer) throw std::system_error(Errc::ended, "answer of " + server.text());
  co_return *std::move(answer);
}

// Lets the error of a time limit say who was too slow.
Task<std::string> within(Duration limit, Task<std::string> task, Address server) {
  try {
    co_return co_await deferred::with_timeout(limit, std::move(task));
  } catch (const deferred::TimeoutError&) {
    const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(limit);
    throw deferred::TimeoutError(server.text() + " took longer than " +
                                 std::to_string(patience.count()) + " ms");
  }
}

}  // namespace

Task<std::string> get_poetry(Address server, Duration timeout) {
  return within(timeout, download(server), server);
}

Task<std::string> TransformProxy::transform(std::string name, std::string poem) const {
  return within(timeout_, request(server_, std::move(name), std::move(poem)), server_);
}

}  // namespace poetry
