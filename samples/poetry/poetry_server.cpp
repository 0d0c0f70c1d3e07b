// SPDX-License-Identifier: MIT
//
// Sends a poem to everybody who connects, a few bytes at a time with a pause after each, and then
// closes. Prints "serving FILE on HOST:PORT".
#include <deferred/deferred.hpp>

#include <fstream>
#include <iostream>
#include <iterator>
#include <string_view>

#include "samples/poetry/server.hpp"

using namespace deferred;
using namespace poetry;

Task<void> send_slowly(io::Stream reader, std::string_view poem,
                       const PoetryServerArguments& pace) {
  while (!poem.empty()) {
    const std::string_view piece = poem.substr(0, pace.num_bytes);
    co_await with_timeout(longest_wait, reader.write_all(piece));
    co_await Pause(pace.delay);
    poem.remove_prefix(piece.size());
  }
}

int main(int argc, char** argv) {
  const PoetryServerArguments arguments = parse_poetry_server_arguments(argc, argv);
  std::ifstream file(arguments.poem_file, std::ios::binary);
  const std::string poem{std::istreambuf_iterator<char>(file), {}};
  if (!file) {
    std::cerr << arguments.poem_file << ": cannot be read" << std::endl;
    return 1;
  }

  return serve(arguments, arguments.poem_file,
               [&](io::Stream reader) { return send_slowly(std::move(reader), poem, arguments); });
}
