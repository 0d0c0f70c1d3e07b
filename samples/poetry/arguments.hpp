// SPDX-License-Identifier: MIT
//
// The command lines of the poetry programs. Next: client.hpp, server.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace poetry {

/// [HOST:]PORT; the host is 127.0.0.1 if it is not given, an IPv6 address stands in brackets.
struct Address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;

  std::string text() const;
};

/// TRANSFORM-PORT [HOST:]PORT... [--timeout-ms N]
struct ClientArguments {
  Address transform_server;
  std::vector<Address> poetry_servers;
  std::chrono::milliseconds timeout{60'000};  // of each download and of each transformation
};

/// Where a server listens: [--port N] [--iface HOST]. Port 0 picks a free one.
struct ServerArguments {
  std::uint16_t port = 0;
  std::string host = "localhost";
};

/// ... [--num-bytes N] [--delay-ms N] POEM-FILE
struct PoetryServerArguments : ServerArguments {
  std::string poem_file;
  std::size_t num_bytes = 10;
  std::chrono::milliseconds delay{100};
};

// Each ends the program if there is nothing to run: with status 0 after --help, with 2 and a word
// on standard error if the arguments are wrong.
ClientArguments parse_client_arguments(int argc, char** argv, const char* description);
ServerArguments parse_server_arguments(int argc, char** argv, const char* description);
PoetryServerArguments parse_poetry_server_arguments(int argc, char** argv);

}  // namespace poetry
