// SPDX-License-Identifier: MIT
//
// Answers a netstring NAME.POEM with a netstring, the poem as the transform of that name makes it,
// and closes. A request without a '.' or for an unknown transform is answered by closing. Prints
// "serving transforms on HOST:PORT".
#include <deferred/deferred.hpp>

#include <algorithm>
#include <map>

#include "samples/poetry/server.hpp"

using namespace deferred;
using namespace poetry;

// After E. E. Cummings, who did without capitals.
std::string cummingsify(std::string poem) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::ranges::transform(poem, poem.begin(), lower);
  return poem;
}

const std::map<std::string, std::string (*)(std::string)> transforms = {
    {"cummingsify", cummingsify},
};

std::string answer_to(const std::string& request, const std::string& client) {
  const auto dot = request.find('.');
  if (dot == std::string::npos) throw io::ProtocolError(client + ": a request without a '.'");
  const auto transform = transforms.find(request.substr(0, dot));
  if (transform == transforms.end()) throw io::ProtocolError(client + ": an unknown transform");
  return transform->second(request.substr(dot + 1));
}

Task<void> transform_poem(io::Stream client) {
  const auto request = co_await with_timeout(longest_wait, io::read_netstring(client));
  if (!request) co_return;
  const std::string answer = io::encode_netstring(answer_to(*request, client.peer()));
  co_await with_timeout(longest_wait, client.write_all(answer));
}

int main(int argc, char** argv) {
  const ServerArguments arguments =
      parse_server_arguments(argc, argv, "Transforms poems: so far, cummingsify.");
  return serve(arguments, "transforms", transform_poem);
}
