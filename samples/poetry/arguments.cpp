// SPDX-License-Identifier: MIT
#include "samples/poetry/arguments.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace poetry {
namespace {

constexpr int usage_error = 2;

// Throws std::invalid_argument, which says what is wrong.
std::uint16_t parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  if (error == std::errc::result_out_of_range) {
    throw std::invalid_argument("'" + std::string(text) + "' is not a port: ports end at 65535");
  }
  if (error != std::errc{} || stopped != end) {
    throw std::invalid_argument("'" + std::string(text) + "' is not a port: ports are integers");
  }
  return port;
}

Address parse_address(const std::string& text) {
  Address address;
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) {
    address.port = parse_port(text);
  } else {
    address.host = text.substr(0, colon);
    address.port = parse_port(std::string_view(text).substr(colon + 1));
    const bool bracketed =
        address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']';
    if (bracketed) address.host = address.host.substr(1, address.host.size() - 2);
    if (address.host.empty()) {
      throw std::invalid_argument("'" + text + "' has no host before its colon");
    }
    if (!bracketed && address.host.find(':') != std::string::npos) {
      throw std::invalid_argument("'" + text +
                                  "': an IPv6 address stands in brackets, [::1]:10002");
    }
  }
  if (address.port == 0) {
    throw std::invalid_argument("'" + text + "': nobody can be reached at port 0");
  }
  return address;
}

// What CLI11 calls for each argument; a text is the complaint.
std::string complaint_about_address(const std::string& text) {
  try {
    parse_address(text);
    return {};
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

std::string complaint_about_port(const std::string& text) {
  try {
    parse_port(text);
    return {};
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

void parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : usage_error);
  }
}

void add_server_options(CLI::App& app, ServerArguments& arguments, std::string& port) {
  app.add_option("--port", port, "The port to listen on; 0, the default, picks a free one")
      ->type_name("N")
      ->check(complaint_about_port);
  app.add_option("--iface", arguments.host, "The address to listen on, localhost unless given")
      ->type_name("HOST");
}

}  // namespace

std::string Address::text() const {
  const bool six = host.find(':') != std::string::npos;
  return (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

ClientArguments parse_client_arguments(int argc, char** argv, const char* description) {
  ClientArguments arguments;
  std::string transform_server;
  std::vector<std::string> poetry_servers;
  long long timeout = arguments.timeout.count();
  CLI::App app(description);
  app.add_option("transform-server", transform_server, "Where the transform server listens")
      ->type_name("[HOST:]PORT")
      ->required()
      ->check(complaint_about_address);
  app.add_option("poetry-server", poetry_servers, "Where a poetry server listens")
      ->type_name("[HOST:]PORT")
      ->required()
      ->check(complaint_about_address);
  app.add_option("--timeout-ms", timeout,
                 "The longest a download or a transformation may take; a minute unless given")
      ->type_name("N")
      ->check(CLI::Range(1LL, 1'000'000'000LL));
  parse(app, argc, argv);
  arguments.transform_server = parse_address(transform_server);
  for (const std::string& server : poetry_servers) {
    arguments.poetry_servers.push_back(parse_address(server));
  }
  arguments.timeout = std::chrono::milliseconds(timeout);
  return arguments;
}

ServerArguments parse_server_arguments(int argc, char** argv, const char* description) {
  ServerArguments arguments;
  std::string port = "0";
  CLI::App app(description);
  add_server_options(app, arguments, port);
  parse(app, argc, argv);
  arguments.port = parse_port(port);
  return arguments;
}

PoetryServerArguments parse_poetry_server_arguments(int argc, char** argv) {
  PoetryServerArguments arguments;
  std::string port = "0";
  long long delay = arguments.delay.count();
  CLI::App app("Serves one poem, slowly, to all who connect.");
  add_server_options(app, arguments, port);
  app.add_option("--num-bytes", arguments.num_bytes,
                 "How many bytes to send at a time; 10 unless given")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 30));
  app.add_option("--delay-ms", delay, "How long to wait after each; 100 unless given")
      ->type_name("N")
      ->check(CLI::Range(0LL, 1'000'000'000LL));
  app.add_option("poem-file", arguments.poem_file, "The poem")
      ->type_name("POEM-FILE")
      ->required()
      ->check(CLI::ExistingFile);
  parse(app, argc, argv);
  arguments.port = parse_port(port);
  arguments.delay = std::chrono::milliseconds(delay);
  return arguments;
}

}  // namespace poetry
