// SPDX-License-Identifier: MIT
//
// Sockets for tasks of pyos: subtasks over ReadWait and WriteWait, which try, and wait if it would
// block. A Socket belongs to the frame that holds it: whoever is killed leaves none open. Next:
// echo.hpp, a server of them. (Programs have deferred/io.hpp.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "samples/pyos/pyos.hpp"

namespace pyos {

/// A descriptor, closed at its end.
class Socket {
 public:
  explicit Socket(int descriptor) noexcept : fd_(descriptor) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket();
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

/// Listens on 127.0.0.1; on a free port if it is 0. Throws std::system_error, as all below do.
Socket listen_on(std::uint16_t port);
std::uint16_t port_of(const Socket& listener);

// A socket that is waited for outlives the wait.

/// The next client; if several tasks accept, one of them has it. (The course: Accept)
Task<Socket> accept(const Socket& listener);
Task<Socket> connect_to(std::uint16_t port);
/// All of the text. (The course: Send)
Task<> send(const Socket& socket, std::string text);
/// What is there, at most so much; nothing at the end. (The course: Recv)
Task<std::string> recv(const Socket& socket, std::size_t most);

}  // namespace pyos
